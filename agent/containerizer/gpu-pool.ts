/**
 * NVIDIA GPUs, each for one container at a time. `<id>.gpus` in the runtime directory remembers
 * whose they are, for the next agent process.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { ContainerId, FileError, GpuDevice, GpuOwners, LaunchError } from "./containerizer.ts";
import { fileError } from "./supervisor/file-error.ts";

export class GpuPool implements GpuOwners {
  readonly #runtimeDirectory: string;
  readonly #gpus: readonly GpuDevice[];
  readonly #owners = new Map<number, ContainerId>();

  constructor(runtimeDirectory: string, gpus: readonly GpuDevice[]) {
    this.#runtimeDirectory = runtimeDirectory;
    this.#gpus = gpus;
  }

  take(id: ContainerId, count: number): Result<readonly GpuDevice[], LaunchError> {
    if (count === 0) return ok([]);
    const free = this.#gpus.filter(({ minor }) => !this.#owners.has(minor));
    if (free.length < count) {
      const why = `${free.length} of ${this.#gpus.length} are free`;
      return err({ code: "NOT_SUPPORTED", what: `${count} GPUs`, why });
    }
    const taken = free.slice(0, count);
    const written = this.#remember(id, taken);
    if (!written.ok) return written;
    for (const { minor } of taken) this.#owners.set(minor, id);
    return ok(taken);
  }

  recover(id: ContainerId): void {
    try {
      const text = readFileSync(this.#pathOf(id), "utf8");
      for (const minor of text.split(",").filter(Boolean)) this.#owners.set(Number(minor), id);
    } catch {
      // It has none.
    }
  }

  release(id: ContainerId): void {
    for (const [minor, owner] of [...this.#owners]) if (owner === id) this.#owners.delete(minor);
  }

  #remember(id: ContainerId, taken: readonly GpuDevice[]): Result<void, FileError> {
    const path = this.#pathOf(id);
    try {
      writeFileSync(path, taken.map(({ minor }) => minor).join(","), { mode: 0o600 });
      return ok(undefined);
    } catch (cause) {
      return err(fileError("write", path, cause));
    }
  }

  #pathOf(id: ContainerId): string {
    return `${this.#runtimeDirectory}/${id}.gpus`;
  }
}
