/** The command line on a fake master with files: what it wrote, and its exit code. */
import { runCli } from "../../../agent/cli/cli.ts";
import { commands } from "../../../agent/cli/index.ts";
import { FakeFiles } from "../fake-files.ts";
import { FakeMaster, MASTER_URL } from "../fake-master.ts";

export class FakeCli {
  readonly master = new FakeMaster();
  readonly files = new FakeFiles();
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
