/**
 * A framework's side of the wire: subscribes, again and again, and makes calls whose fate it may
 * never learn. It remembers its id through crashes, as a framework with a disk does; everything
 * else is its script's.
 */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type * as scheduler from "../../worker/protocol/v1/scheduler.ts";
import type { EventStream } from "./event-stream.ts";
import type { MasterAnswer, MasterNode } from "./master-node.ts";
import { request } from "./network.ts";
import type { World } from "./world.ts";

const CALL_TIMEOUT_MS = 20_000;

export interface FrameworkClientOptions {
  readonly name: string;
  readonly info: mesos.FrameworkInfo;
  readonly master: MasterNode;
  readonly onEvent: (event: scheduler.Event) => void;
  /** The stream is gone: offers are void. */
  readonly onLost: () => void;
}

export class FrameworkClient {
  readonly name: string;
  readonly #world: World;
  readonly #options: FrameworkClientOptions;
  #id: string | undefined;
  /** Counts connections: what belongs to an older one is dropped. */
  #connection = 0;
  #stream: EventStream | undefined;
  #isSubscribed = false;
  #isOver = false;
  #openCalls = 0;

  constructor(world: World, options: FrameworkClientOptions) {
    this.#world = world;
    this.name = options.name;
    this.#options = options;
  }

  get id(): string | undefined {
    return this.#id;
  }

  get isSubscribed(): boolean {
    return this.#isSubscribed;
  }

  /** Torn down, for good. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether there is more to read. */
  get isBehind(): boolean {
    return this.#stream?.isBehind === true;
  }

  /** Whether the fate of a call is still open. */
  get isCalling(): boolean {
    return this.#openCalls > 0;
  }

  subscribe(): void {
    const connection = ++this.#connection;
    const { info, master } = this.#options;
    const id = this.#id;
    const framework_info = id === undefined ? info : { ...info, id: { value: id } };
    const call: scheduler.Call = {
      type: "SUBSCRIBE",
      framework_id: id === undefined ? undefined : { value: id },
      subscribe: { framework_info },
    };
    request<{ readonly stream: EventStream } | "FAILED">(this.#world, {
      timeoutMs: CALL_TIMEOUT_MS,
      serve: (answering) =>
        master.subscribe(call, {
          respond: (answer) => {
            // Whoever made the request may not be there any more to read.
            this.#world.clock.after(CALL_TIMEOUT_MS, () => {
              if (answer !== "FAILED" && answer.stream !== this.#stream) answer.stream.leave();
            });
            answering.respond(answer);
          },
          broken: answering.broken,
        }),
      done: (answer) => {
        if (this.#connection !== connection) return;
        if (answer === undefined || answer === "FAILED") this.#subscribeSoon();
        else this.#read(answer.stream, connection);
      },
    });
  }

  /** `after`: how long the process is away. */
  crash(awayMs: number): void {
    this.#world.trace(this.name, () => `crashes, for ${awayMs} ms`);
    this.#drop();
    this.#world.clock.after(awayMs, () => {
      if (!this.#isOver && this.#stream === undefined) this.subscribe();
    });
  }

  stall(forMs: number): void {
    this.#world.trace(this.name, () => `does not read for ${forMs} ms`);
    this.#stream?.stall(forMs);
  }

  /** `onAnswer` hears whether the master took it; undefined: nobody knows. */
  call(
    call: scheduler.Call,
    onAnswer: (answer: MasterAnswer | undefined) => void = () => {},
  ): void {
    const streamId = this.#stream?.id;
    if (this.#id === undefined || streamId === undefined || this.#isOver) return;
    const whole: scheduler.Call = { framework_id: { value: this.#id }, ...call };
    const { master } = this.#options;
    const times = this.#world.fault("callRepeated") ? 2 : 1;
    for (let time = 0; time < times; time++) {
      this.#openCalls++;
      request<MasterAnswer>(this.#world, {
        timeoutMs: CALL_TIMEOUT_MS,
        serve: (answering) =>
          master.call({ type: "SCHEDULER_CALL", streamId, call: whole }, answering),
        done: (answer) => {
          this.#openCalls--;
          onAnswer(answer);
        },
      });
    }
  }

  /** TEARDOWN, until the master has said that it is done. */
  tearDown(): void {
    if (this.#isOver) return;
    this.call({ type: "TEARDOWN" }, (answer) => {
      const reply = answer?.type === "REPLIED" ? answer.reply : undefined;
      const gone = reply?.type === "REFUSED" && reply.error.code === "FRAMEWORK_NOT_FOUND";
      if (reply?.type !== "ACCEPTED" && !gone) return;
      this.#drop();
      this.#isOver = true;
    });
  }

  #read(stream: EventStream, connection: number): void {
    this.#stream = stream;
    stream.read({
      onEvent: (event) => {
        if (this.#connection === connection) this.#handle(event);
      },
      onEnd: () => {
        if (this.#connection !== connection) return;
        this.#drop();
        this.#subscribeSoon();
      },
    });
  }

  #handle(event: scheduler.Event): void {
    if (event.type === "SUBSCRIBED") {
      this.#id = event.subscribed?.framework_id.value;
      this.#isSubscribed = true;
    }
    // Too late: the master has removed it. It begins anew, as another framework.
    if (event.type === "ERROR" && event.error?.message === "Framework has been removed") {
      this.#id = undefined;
    }
    this.#options.onEvent(event);
  }

  #drop(): void {
    this.#connection++;
    this.#stream?.leave();
    this.#stream = undefined;
    this.#isSubscribed = false;
    this.#options.onLost();
  }

  #subscribeSoon(): void {
    if (this.#isOver) return;
    const connection = this.#connection;
    this.#world.clock.after(this.#world.between("framework", 50, 2_000), () => {
      if (this.#connection === connection && !this.#isOver) this.subscribe();
    });
  }
}
