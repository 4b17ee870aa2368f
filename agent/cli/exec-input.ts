/** What somebody types into a command on an agent, as the records of one ATTACH_CONTAINER_INPUT. */
import type * as agent from "../../worker/protocol/v1/agent.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type { Keyboard } from "./command.ts";

/** A connection on which nothing goes for long may be cut on its way. */
const HEARTBEAT_MS = 15_000;

export interface TypedInputOptions {
  readonly container: mesos.ContainerID;
  /** False: the command reads the end of its input at once. */
  readonly isInteractive: boolean;
  /** It follows the size of the window. */
  readonly hasTerminal: boolean;
  /** Aborts when nobody reads any more. */
  readonly signal: AbortSignal;
}

type Part = agent.CallAttachContainerInput;

export async function* typedInput(
  keyboard: Keyboard,
  { container, isInteractive, hasTerminal, signal }: TypedInputOptions,
): AsyncGenerator<Part, void> {
  yield { type: "CONTAINER_ID", container_id: container };
  const parts = new Parts();
  const offResize = hasTerminal ? keyboard.onResize(() => parts.put(sizeOf(keyboard))) : () => {};
  const heartbeat = setInterval(() => parts.put(HEARTBEAT), HEARTBEAT_MS);
  const end = (): void => parts.end();
  signal.addEventListener("abort", end, { once: true });
  if (isInteractive) void readKeys(keyboard, parts, { staysOpen: hasTerminal });
  else if (!hasTerminal) void parts.put(END_OF_INPUT).then(end);
  try {
    while (!signal.aborted) {
      const part = await parts.take();
      if (part === undefined) return;
      yield part;
    }
  } finally {
    offResize();
    clearInterval(heartbeat);
    signal.removeEventListener("abort", end);
  }
}

const HEARTBEAT: Part = {
  type: "PROCESS_IO",
  process_io: { type: "CONTROL", control: { type: "HEARTBEAT", heartbeat: {} } },
};
const END_OF_INPUT = dataPart(new Uint8Array());

/** Bytes of one record: a read of a file is larger than what a pipe takes. */
const PIECE_BYTES = 64 * 1024;

/** `staysOpen`: at a terminal the size of the window still matters after the last key. */
async function readKeys(
  keyboard: Keyboard,
  parts: Parts,
  { staysOpen }: { readonly staysOpen: boolean },
): Promise<void> {
  try {
    for await (const bytes of keyboard.bytes()) {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        await parts.put(dataPart(bytes.subarray(at, at + PIECE_BYTES)));
      }
    }
  } catch {
    // An input that cannot be read (any more) has ended.
  }
  await parts.put(END_OF_INPUT);
  if (!staysOpen) parts.end();
}

function dataPart(data: Uint8Array): Part {
  return { type: "PROCESS_IO", process_io: { type: "DATA", data: { type: "STDIN", data } } };
}

function sizeOf(keyboard: Keyboard): Part | undefined {
  const window_size = keyboard.size();
  if (window_size === undefined) return undefined;
  const control = { type: "TTY_INFO", tty_info: { window_size } } as const;
  return { type: "PROCESS_IO", process_io: { type: "CONTROL", control } };
}

/** What waits to be sent; who puts a part waits until it is taken. */
class Parts {
  #waiting: { readonly part: Part; readonly taken: () => void }[] = [];
  #hasEnded = false;
  #wake: (() => void) | undefined;

  put(part: Part | undefined): Promise<void> {
    if (part === undefined || this.#hasEnded) return Promise.resolve();
    return new Promise((taken) => {
      this.#waiting.push({ part, taken });
      this.#wake?.();
    });
  }

  /** After what was put before. */
  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  async take(): Promise<Part | undefined> {
    for (;;) {
      const next = this.#waiting.shift();
      next?.taken();
      if (next !== undefined || this.#hasEnded) return next?.part;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
