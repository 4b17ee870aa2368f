/** What a client types into a container. */
import { closeSync, constants, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { ContainerId } from "../../containerizer/containerizer.ts";
import { errnoOf } from "../errno.ts";
import { makeFifos } from "./pipes.ts";

const { O_NOFOLLOW, O_NONBLOCK, O_RDWR, O_WRONLY } = constants;

/** Resolves when all of it is in the pipe. The error is an errno: nobody reads any more. */
export function writeAll(pipe: Socket, data: Uint8Array): Promise<Result<void, string>> {
  return new Promise((resolve) => {
    if (pipe.destroyed || pipe.writableEnded) return resolve(err("EPIPE"));
    // A pipe that is destroyed meanwhile calls nobody back.
    const close = (): void => resolve(err("EPIPE"));
    pipe.once("close", close);
    pipe.write(data, (cause) => {
      pipe.off("close", close);
      resolve(cause ? err(errnoOf(cause)) : ok(undefined));
    });
  });
}

/**
 * The inputs of containers with a terminal that outlive the agent: pipes with names, in a folder of
 * the agent's own. The command's end is open for writing too, so that its input never ends because
 * a client, or the agent, has gone.
 */
export class TerminalInputs {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Removes those of containers that are not known. */
  open(known: ReadonlySet<ContainerId>): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const names: ReadonlySet<string> = known;
    for (const name of readdirSync(this.#directory)) if (!names.has(name)) this.#remove(name);
  }

  /** The command's end; whoever asked closes it. The error is a sentence. */
  async make(id: ContainerId): Promise<Result<number, string>> {
    this.#remove(id);
    const path = join(this.#directory, id);
    const made = await makeFifos([path]);
    if (!made.ok) return made;
    try {
      return ok(openSync(path, O_RDWR | O_NOFOLLOW));
    } catch (cause) {
      return err(`cannot open the terminal's input ${path}: ${errnoOf(cause)}`);
    }
  }

  /** The client's end. Undefined: it has no such input, or nobody reads it any more. */
  attach(id: ContainerId): Socket | undefined {
    try {
      const fd = openSync(join(this.#directory, id), O_WRONLY | O_NONBLOCK | O_NOFOLLOW);
      try {
        return new Socket({ fd, readable: false, writable: true });
      } catch {
        closeSync(fd);
        return undefined;
      }
    } catch {
      return undefined;
    }
  }

  /** Idempotent. */
  remove(id: ContainerId): void {
    this.#remove(id);
  }

  #remove(name: string): void {
    rmSync(join(this.#directory, name), { force: true });
  }
}
