/**
 * The containers that clients launched and that outlive the agent, one file each, written before
 * the container is launched: `<directory>/<the containerizer's name of it>`.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { type ContainerId, containerId } from "../../containerizer/containerizer.ts";
import { errnoOf } from "../errno.ts";
import type { ContainerChain } from "./chain.ts";

export interface ClientContainerRecord {
  readonly chain: ContainerChain;
  /** With no link in it when it was made. */
  readonly sandboxDirectory: string;
  readonly hasTerminal: boolean;
  readonly inside?: ContainerId;
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: string;
}

export class ClientContainerRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Throws when the folder cannot be read: nothing would be known of what runs. */
  readAll(): ReadonlyMap<ContainerId, ClientContainerRecord> {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const records = new Map<ContainerId, ClientContainerRecord>();
    for (const name of readdirSync(this.#directory)) {
      const id = containerId(name);
      const record = id.ok ? this.#read(name) : undefined;
      if (id.ok && record !== undefined) records.set(id.value, record);
      // A torn file was not yet followed by a container.
      else rmSync(join(this.#directory, name), { force: true, recursive: true });
    }
    return records;
  }

  /** The error is a sentence. */
  write(id: ContainerId, record: ClientContainerRecord): Result<void, string> {
    const path = join(this.#directory, id);
    try {
      writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
      renameSync(`${path}.new`, path);
      return ok(undefined);
    } catch (cause) {
      return err(`cannot write ${path}: ${errnoOf(cause)}`);
    }
  }

  remove(id: ContainerId): void {
    rmSync(join(this.#directory, id), { force: true });
  }

  /** Our own writing, so it has the shape it was written in. */
  #read(name: string): ClientContainerRecord | undefined {
    try {
      if (name.endsWith(".new")) return undefined;
      return JSON.parse(readFileSync(join(this.#directory, name), "utf8"));
    } catch {
      return undefined;
    }
  }
}
