/** HTTP requests and calls between objects, as bad as the faults have it. */
import type { World } from "./world.ts";

/** The side that serves: it answers once, or its connection breaks. */
export interface Answering<A> {
  readonly respond: (answer: A) => void;
  readonly broken: () => void;
}

interface Request<A> {
  readonly timeoutMs: number;
  /** True while nothing gets through between the two. */
  readonly isCut?: () => boolean;
  readonly serve: (answering: Answering<A>) => void;
  /** Once. Undefined: no answer; whether the request was served is not known. */
  readonly done: (answer: A | undefined) => void;
}

/** One HTTP request. Without faults it is served once and answered. */
export function request<A>(world: World, { timeoutMs, isCut, serve, done }: Request<A>): void {
  const { clock } = world;
  let open = true;
  const finish = (answer: A | undefined): void => {
    if (!open) return;
    open = false;
    timeout.cancelled = true;
    done(answer);
  };
  const timeout = clock.after(timeoutMs, () => finish(undefined));
  // A connection that breaks is mostly noticed at once, but not always.
  const breaks = (): void => {
    if (world.dice("break").below(3) > 0)
      clock.after(world.delayMs("back"), () => finish(undefined));
  };
  const arrive = (): void => {
    if (isCut?.() === true) return;
    const lost = world.fault("answerLost");
    serve({
      respond: (answer) => {
        if (lost) breaks();
        else if (isCut?.() !== true) clock.after(world.delayMs("back"), () => finish(answer));
      },
      broken: () => clock.after(world.delayMs("back"), () => finish(undefined)),
    });
  };
  if (world.fault("requestLost")) breaks();
  else clock.after(world.delayMs("there"), arrive);
  if (world.fault("requestDuplicated")) clock.after(world.between("again", 1, 20_000), arrive);
}

/**
 * One call between two objects of the platform. `failed`: it may or may not have been carried out.
 */
export function rpc<A>(
  world: World,
  {
    serve,
    done,
    failed,
  }: {
    readonly serve: (answering: Answering<A>) => void;
    readonly done: (answer: A) => void;
    readonly failed: () => void;
  },
): void {
  const { clock } = world;
  const fails = world.fault("rpcFailed");
  const arrives = !fails || world.dice("rpc").below(2) === 0;
  if (!arrives) {
    clock.after(world.delayMs("rpc"), failed);
    return;
  }
  clock.after(world.delayMs("rpc"), () =>
    serve({
      respond: (answer) => {
        clock.after(world.delayMs("rpc"), () => (fails ? failed() : done(answer)));
      },
      broken: () => clock.after(world.delayMs("rpc"), failed),
    }),
  );
}
