/**
 * What is on disk about a container, in the runtime directory; see `script.ts` for who writes it.
 * Besides the supervisor's two files:
 *   <id>.inside    the container that it lives in, if any (written by the agent before it starts)
 *   <id>.group     the group whose shared memory it has, if any
 *   <id>.mounts    the table for mount(8), if it has mounts of its own
 *   <id>.disk, <id>.gpus, <id>.seccomp   what its isolation has to know of it after a restart of
 *                  the agent
 *   <id>.limited   the limit that ended it (written by the agent before it removes the cgroup)
 *
 * A supervisor that is started before it is known for whom keeps its two files in `.spares`; they
 * become a container's by rename, as a whole, while it has them open.
 *
 * A process is named by boot id, pid and start time, never by a bare pid: pids are used again.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { type ContainerId, containerId, type FileError } from "../containerizer.ts";
import { errnoOf, fileError } from "./file-error.ts";
import type { Limitation } from "./isolation.ts";
import { parseStat } from "./process-table.ts";
import { type CommandEnd, parseEnded, parseReady, parseRefusal } from "./script.ts";

export interface ProcessIdentity {
  readonly bootId: string;
  readonly pid: number;
  /** Clock ticks between boot and the process' start: field 22 of /proc/<pid>/stat. */
  readonly startTicks: number;
}

export interface StartedRecord {
  readonly supervisor: ProcessIdentity;
  /** Also its session and process group; undefined in the instant before the fork. */
  readonly commandPid: number | undefined;
}

const SUFFIXES = [
  ".started",
  ".ended",
  ".inside",
  ".group",
  ".mounts",
  ".limited",
  ".disk",
  ".gpus",
  ".seccomp",
  ".processes",
  ".users",
] as const;

const SPARES = ".spares";
/** In the order in which they become a container's: with the last one it is known whose. */
const SPARE_SUFFIXES = [".ended", ".started"] as const;

export class Records {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  get directory(): string {
    return this.#directory;
  }

  /** The path that the supervisor appends its suffixes to. */
  pathOf(id: ContainerId): string {
    return join(this.#directory, id);
  }

  createDirectory(): Result<void, FileError> {
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      return ok(undefined);
    } catch (cause) {
      return err(fileError("create", this.#directory, cause));
    }
  }

  /** Every container that has a record, in no particular order. */
  list(): ContainerId[] {
    const ids: ContainerId[] = [];
    for (const name of readdirSync(this.#directory)) {
      const id = name.endsWith(".started")
        ? containerId(name.slice(0, -".started".length))
        : undefined;
      if (id?.ok) ids.push(id.value);
    }
    return ids;
  }

  /**
   * Takes the id, before anything else of the container exists: a crash right after leaves a trace.
   */
  reserve(id: ContainerId): Result<void, FileError> {
    const path = `${this.pathOf(id)}.started`;
    try {
      closeSync(openSync(path, "wx", 0o600));
      return ok(undefined);
    } catch (cause) {
      return err(fileError("create", path, cause));
    }
  }

  /** The path without suffix for the records of a supervisor that is nobody's yet. */
  spare(name: string): string {
    return join(this.#directory, SPARES, name);
  }

  /**
   * Removes what an earlier agent process left of them, as far as that can be: they ended with it,
   * or are about to.
   */
  clearSpares(): void {
    const path = join(this.#directory, SPARES);
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      for (const name of readdirSync(path)) rmSync(join(path, name), { force: true });
    } catch {
      // Without the folder there are no spares; containers are started without them.
    }
  }

  removeSpare(path: string): void {
    for (const suffix of [...SPARE_SUFFIXES, ".mounts", ".stdout", ".stderr"])
      rmSync(path + suffix, { force: true });
  }

  /** Makes a spare supervisor's records those of a container whose id is reserved. */
  adopt(id: ContainerId, spare: string): boolean {
    try {
      for (const suffix of SPARE_SUFFIXES) renameSync(spare + suffix, this.pathOf(id) + suffix);
      return true;
    } catch {
      // What a spare says of its own end is no container's.
      rmSync(`${this.pathOf(id)}.ended`, { force: true });
      return false;
    }
  }

  /** What the spare has written about itself; undefined while it is not complete. */
  spareStarted(spare: string): StartedRecord | undefined {
    const started = parseStarted(readIfThere(`${spare}.started`) ?? "");
    return started?.commandPid === undefined ? undefined : started;
  }

  /** RESERVED: no supervisor has written yet. ABSENT: nothing is known of the container. */
  started(id: ContainerId): StartedRecord | "RESERVED" | "ABSENT" {
    const text = readIfThere(`${this.pathOf(id)}.started`);
    return text === undefined ? "ABSENT" : (parseStarted(text) ?? "RESERVED");
  }

  ended(id: ContainerId): CommandEnd | undefined {
    const text = readIfThere(`${this.pathOf(id)}.ended`);
    return text === undefined ? undefined : parseEnded(text);
  }

  /** Why the command was never started, if that is so. */
  refusal(id: ContainerId): string | undefined {
    const text = readIfThere(`${this.pathOf(id)}.ended`);
    return text === undefined ? undefined : parseRefusal(text);
  }

  /** Whether what is set up beside the command is done. */
  isReady(id: ContainerId): boolean {
    return parseReady(readIfThere(`${this.pathOf(id)}.ended`) ?? "");
  }

  inside(id: ContainerId): ContainerId | undefined {
    return this.#readId(id, ".inside");
  }

  writeInside(id: ContainerId, outer: ContainerId): Result<void, FileError> {
    return this.#write(id, ".inside", outer);
  }

  group(id: ContainerId): ContainerId | undefined {
    return this.#readId(id, ".group");
  }

  writeGroup(id: ContainerId, group: ContainerId): Result<void, FileError> {
    return this.#write(id, ".group", group);
  }

  #readId(id: ContainerId, suffix: (typeof SUFFIXES)[number]): ContainerId | undefined {
    const text = readIfThere(this.pathOf(id) + suffix);
    const read = text === undefined ? undefined : containerId(text);
    return read?.ok ? read.value : undefined;
  }

  /** Of a container, or of a spare supervisor. The file's path. */
  writeMounts(record: string, table: string): Result<string, FileError> {
    return this.#writeFile(`${record}.mounts`, table);
  }

  removeMounts(record: string): void {
    rmSync(`${record}.mounts`, { force: true });
  }

  #write(
    id: ContainerId,
    suffix: (typeof SUFFIXES)[number],
    text: string,
  ): Result<void, FileError> {
    const written = this.#writeFile(this.pathOf(id) + suffix, text);
    return written.ok ? ok(undefined) : written;
  }

  #writeFile(path: string, text: string): Result<string, FileError> {
    try {
      writeFileSync(path, text, { mode: 0o600 });
      return ok(path);
    } catch (cause) {
      return err(fileError("write", path, cause));
    }
  }

  limited(id: ContainerId): Limitation | undefined {
    const text = readIfThere(`${this.pathOf(id)}.limited`);
    if (text === undefined) return undefined;
    const [reason, message = ""] = text.split("\n");
    return { reason: reason === "DISK" ? "DISK" : "MEMORY", message };
  }

  /** A failure (the disk is full) costs only the agent processes after this one the reason. */
  writeLimited(id: ContainerId, { reason, message }: Limitation): void {
    this.#write(id, ".limited", `${reason}\n${message}`);
  }

  /** The one by which containers are found goes last: after a crash a sweep finds the rest. */
  remove(id: ContainerId): void {
    for (const suffix of SUFFIXES.toReversed()) rmSync(this.pathOf(id) + suffix, { force: true });
  }
}

/** `<boot id> <line of /proc/pid/stat>`, then the command's pid on a line of its own. */
export function parseStarted(text: string): StartedRecord | undefined {
  const [first, second, third] = text.split("\n");
  if (first === undefined || second === undefined) return undefined;
  const space = first.indexOf(" ");
  const stat = parseStat(first.slice(space + 1));
  if (space < 1 || stat === undefined) return undefined;
  const supervisor = { bootId: first.slice(0, space), pid: stat.pid, startTicks: stat.startTicks };
  // Without the line end that follows it, the number may be half of one.
  const commandPid = third === undefined ? undefined : Number(second);
  return { supervisor, commandPid };
}

/**
 * Throws when the file may be there and cannot be read, as when the agent is out of descriptors.
 */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return undefined;
    throw cause;
  }
}
