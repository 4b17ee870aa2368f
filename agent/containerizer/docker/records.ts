/**
 * What is on disk about the Docker containers of this agent, in the runtime directory:
 *   docker-owner      who this agent is to Docker; made once
 *   <id>.docker       how far the container got, and how it ended
 *   <id>.docker-log   how much of its output is in its sandbox
 * Each is replaced by a rename: a reader finds it whole or not at all.
 */
import { randomUUID } from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import {
  type ContainerId,
  type ContainerTermination,
  containerId,
  type FileError,
} from "../containerizer.ts";
import { errnoOf, fileError } from "../supervisor/file-error.ts";
import type { Limitation } from "../supervisor/isolation.ts";

/**
 * CREATING: Docker has not been asked to start it. STARTING: it has; nobody saw the answer. INSIDE:
 * a command in another container, which is nobody's when its agent process is gone.
 */
export type DockerStage =
  | { readonly state: "CREATING" }
  | { readonly state: "INSIDE" }
  | { readonly state: "STARTING" | "STARTED"; readonly dockerId: string }
  | {
      readonly state: "ENDED";
      readonly dockerId: string;
      readonly termination: ContainerTermination;
    };

export interface DockerRecord {
  readonly stage: DockerStage;
  readonly sandboxDirectory: string;
  /** Of one that runs: what it is being ended for. */
  readonly limitation?: Limitation;
}

/** An entry of the container's log, and the sizes of the sandbox's files once it is in them. */
export interface LogPosition {
  /** Empty before the first entry. */
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** How many entries of this stream have this time, up to this one. */
  readonly nth: number;
  readonly sizes: { readonly stdout: number; readonly stderr: number };
}

const RECORD = ".docker";
const POSITION = ".docker-log";
export const OWNER_FILE = "docker-owner";

export class DockerRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  get directory(): string {
    return this.#directory;
  }

  createDirectory(): Result<void, FileError> {
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      return ok(undefined);
    } catch (cause) {
      return err(fileError("create", this.#directory, cause));
    }
  }

  /** Two agents may have the same path, in containers of their own; not the same file. */
  owner(): Result<string, FileError> {
    const path = join(this.#directory, OWNER_FILE);
    try {
      const found = readIfThere(path)?.trim();
      if (found !== undefined && found !== "") return ok(found);
      const owner = randomUUID();
      this.#replace(OWNER_FILE, `${owner}\n`);
      return ok(owner);
    } catch (cause) {
      return err(fileError("write", path, cause));
    }
  }

  has(id: ContainerId): boolean {
    return existsSync(join(this.#directory, id + RECORD));
  }

  /** Every container that has a record, in no particular order. Throws when it cannot be read. */
  list(): ContainerId[] {
    return readdirSync(this.#directory).flatMap((name) => {
      const id = name.endsWith(RECORD) ? containerId(name.slice(0, -RECORD.length)) : undefined;
      return id?.ok === true ? [id.value] : [];
    });
  }

  /** Takes the id, before anything else of the container exists. */
  reserve(
    id: ContainerId,
    sandboxDirectory: string,
    state: "CREATING" | "INSIDE" = "CREATING",
  ): Result<void, FileError> {
    const path = join(this.#directory, id + RECORD);
    const own = `${path}.${process.pid}`;
    try {
      writeFileSync(own, JSON.stringify({ stage: { state }, sandboxDirectory }), {
        mode: 0o600,
      });
      // Unlike a rename, this fails where one is already.
      linkSync(own, path);
      return ok(undefined);
    } catch (cause) {
      return err(fileError("create", path, cause));
    } finally {
      rmSync(own, { force: true });
    }
  }

  write(id: ContainerId, record: DockerRecord): Result<void, FileError> {
    try {
      this.#replace(id + RECORD, JSON.stringify(record));
      return ok(undefined);
    } catch (cause) {
      return err(fileError("write", join(this.#directory, id + RECORD), cause));
    }
  }

  /** Throws when the file may be there and cannot be read. */
  read(id: ContainerId): DockerRecord | undefined {
    const text = readIfThere(join(this.#directory, id + RECORD));
    // Only `reserve` and `write` make the file, and never half of it.
    return text === undefined ? undefined : (JSON.parse(text) as DockerRecord);
  }

  writePosition(id: ContainerId, position: LogPosition): Result<void, FileError> {
    try {
      this.#replace(id + POSITION, JSON.stringify(position));
      return ok(undefined);
    } catch (cause) {
      return err(fileError("write", join(this.#directory, id + POSITION), cause));
    }
  }

  position(id: ContainerId): LogPosition | undefined {
    const text = readIfThere(join(this.#directory, id + POSITION));
    // Only `writePosition` makes the file, and never half of it.
    return text === undefined ? undefined : (JSON.parse(text) as LogPosition);
  }

  remove(id: ContainerId): void {
    // Files of the same kind: which GPUs it has (`gpu-pool.ts`), how much disk (`disk-watch.ts`).
    for (const suffix of [POSITION, ".gpus", ".disk", RECORD])
      rmSync(join(this.#directory, id + suffix), { force: true });
  }

  #replace(name: string, text: string): void {
    const path = join(this.#directory, name);
    writeFileSync(`${path}~`, text, { mode: 0o600 });
    renameSync(`${path}~`, path);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return undefined;
    throw cause;
  }
}
