/** The command line on a fake master with files: what it wrote, and its exit code. */
import { runCli } from "../../../agent/cli/cli.ts";
import { commands } from "../../../agent/cli/index.ts";
import { FakeFiles } from "../fake-files.ts";
import { FakeMaster, MASTER_URL } from "../fake-master.ts";

/** Somebody who types what a test says. */
export class FakeKeyboard {
  isTerminal = false;
  window: { rows: number; columns: number } | undefined;
  isRaw = false;
  #typed: Uint8Array[] = [];
  #hasEnded = false;
  #wake: (() => void) | undefined;
  readonly #listeners = new Set<() => void>();

  size(): { rows: number; columns: number } | undefined {
    return this.window;
  }

  onResize(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  resize(rows: number, columns: number): void {
    this.window = { rows, columns };
    for (const listener of this.#listeners) listener();
  }

  raw(): () => void {
    this.isRaw = true;
    return () => {
      this.isRaw = false;
    };
  }

  type(text: string): void {
    this.#typed.push(new TextEncoder().encode(text));
    this.#wake?.();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  async *bytes(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      yield* this.#typed.splice(0);
      if (this.#hasEnded) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export class FakeCli {
  readonly master = new FakeMaster();
  readonly files = new FakeFiles();
  readonly keyboard = new FakeKeyboard();
  out = "";
  err = "";
  readonly #listeners = new Set<() => void>();

  constructor() {
    this.master.other = (request) => this.files.answer(request);
  }

  run(...argv: readonly string[]): Promise<number> {
    const text = (piece: string | Uint8Array): string =>
      typeof piece === "string" ? piece : new TextDecoder().decode(piece);
    return runCli(argv, commands, {
      terminal: {
        colour: false,
        out: (piece) => {
          this.out += text(piece);
        },
        err: (piece) => {
          this.err += text(piece);
        },
      },
      keyboard: this.keyboard,
      environment: { RIMROCK_MASTER: MASTER_URL },
      transport: () => this.master.transport,
      onInterrupt: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    });
  }

  interrupt(): void {
    if (this.#listeners.size === 0)
      throw new Error("nobody listens: Ctrl-C would kill the process");
    for (const listener of this.#listeners) listener();
  }
}
