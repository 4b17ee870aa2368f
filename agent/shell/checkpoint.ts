/**
 * The agent's rows on disk: a snapshot, and a journal of the Changes since.
 *
 *   <directory>/snapshot            one line: every row, and the number of the journal after it
 *   <directory>/journal-<number>    one line per commit: the rows put and deleted
 *
 * A line is `<crc32 in hex> <JSON>`. 1. A commit is one write: the end of the process, also by
 * SIGKILL, leaves it there as a whole or not at all. What the end of the *machine* must leave as
 * well is committed with `sync`; the rest reaches the disk within a second. 2. A torn last line is
 * what a crash during a commit leaves, and was never acted on: it is cut off. A bad line before a
 * good one is damage, and refused. 3. A snapshot replaces the last one by rename, and names a new,
 * empty journal: whatever a crash leaves, one snapshot and its own journal are whole. 4. A commit
 * that the disk had no room for left nothing, and may be tried again; room is reserved ahead, so
 * that a full disk does not keep the agent from ending tasks and telling of them.
 *
 * Synchronous on purpose: nothing may be decided between a step and its commit, and a commit takes
 * some tenths of a millisecond. Does not know what the rows mean.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { assert } from "../../worker/std/assert.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { Change, Row } from "../../worker/std/table.ts";
import { keyOf, type Rows, type StoredRows, type TableName } from "../core/rows.ts";
import { noRows } from "../core/state.ts";
import { errnoOf } from "./errno.ts";
import { reserveSpace } from "./reserve-space.ts";

export type CheckpointError =
  | {
      readonly code: "FILE_FAILED";
      readonly path: string;
      readonly operation: string;
      readonly errno: string;
    }
  /** `line`: counted from 1. */
  | { readonly code: "DAMAGED"; readonly path: string; readonly line: number }
  | { readonly code: "OTHER_FORMAT"; readonly path: string; readonly format: number };

const FORMAT = 1;
/** What stops a write for as long as the disk is full, or its owner's share of it. */
const NO_ROOM = ["ENOSPC", "EDQUOT"];
/** Some hundred commits. */
const RESERVE_BYTES = 1024 * 1024;
/** Commits without `sync` are on disk after this time. */
const SYNC_LATEST_MS = 1_000;
/** A journal shorter than this is not worth replacing. */
const COMPACT_MIN_BYTES = 1024 * 1024;
/**
 * Replaced when it is this many times as long as the snapshot: costs stay proportional to the
 * Changes.
 */
const COMPACT_FACTOR = 4;

interface Snapshot {
  readonly format: number;
  readonly journal: number;
  /** One that an older agent wrote lacks the tables that are younger. */
  readonly rows: Partial<StoredRows>;
}

/** One Change as it is written: [table, key, row or null]. */
type Entry = readonly [table: TableName, key: string, row: Row | null];

export class Checkpoint {
  readonly #directory: string;
  #journal: number;
  #file: number;
  #journalBytes: number;
  #snapshotBytes: number;
  /** The journal's length from which on it is replaced. */
  #compactAtBytes: number;
  /** The journal's length up to which the disk has room for it, if it could be reserved. */
  #reservedBytes = 0;
  /** Runs while the last commits are not synced. */
  #syncTimer: NodeJS.Timeout | undefined;

  private constructor(
    directory: string,
    place: { journal: number; file: number; journalBytes: number; snapshotBytes: number },
  ) {
    this.#directory = directory;
    this.#journal = place.journal;
    this.#file = place.file;
    this.#journalBytes = place.journalBytes;
    this.#snapshotBytes = place.snapshotBytes;
    this.#compactAtBytes = compactAt(place.snapshotBytes);
    this.#reserve();
  }

  /** Opens or makes the checkpoint in an existing directory that nobody else uses. */
  static open(
    directory: string,
  ): Result<{ checkpoint: Checkpoint; rows: StoredRows }, CheckpointError> {
    const snapshotPath = join(directory, "snapshot");
    return guarded(snapshotPath, "open", () => {
      if (!existsSync(snapshotPath)) {
        writeSnapshot(directory, { journal: 0, rows: noRows });
        syncDirectory(directory);
      }
      const text = readFileSync(snapshotPath, "utf8");
      const [line] = readLines(text);
      if (line === undefined || !line.whole) return err(damaged(snapshotPath, 1));
      // Our own writing, with its checksum: `format` says which.
      const snapshot = line.value as Snapshot;
      const { format, journal } = snapshot;
      if (format !== FORMAT) return err({ code: "OTHER_FORMAT", path: snapshotPath, format });
      const replayed = replay(journalPath(directory, journal), snapshot.rows);
      if (!replayed.ok) return replayed;
      removeOtherJournals(directory, journal);
      const { file, journalBytes, rows } = replayed.value;
      const place = { journal, file, journalBytes, snapshotBytes: text.length };
      return ok({ checkpoint: new Checkpoint(directory, place), rows });
    });
  }

  /**
   * Writes the Changes down. After an error nothing may be acted on. Where `isForRoom`, the same
   * call may be made again; else the process has to end, and the next one sees the state before
   * (or, when only the sync failed, after) these Changes.
   *
   * `sync`: they have to survive the machine's sudden end too, with all that was committed before.
   * `save`: all rows, Changes included; called when the journal has become long.
   */
  commit(
    changes: readonly Change[],
    { sync, save }: { readonly sync: boolean; readonly save: () => StoredRows },
  ): Result<void, CheckpointError> {
    assert(changes.length > 0, "a commit has changes");
    const path = journalPath(this.#directory, this.#journal);
    const entries = changes.map(({ table, key, after }) => [table, key, after ?? null]);
    const written = guarded(path, "write", () => ok(this.#append(encodeLine(entries))));
    if (!written.ok) return written;
    return guarded(path, "sync", () => {
      if (sync) this.#sync();
      else this.#syncTimer ??= setTimeout(() => this.#syncLate(), SYNC_LATEST_MS).unref();
      if (this.#journalBytes > this.#compactAtBytes) this.#compact(save());
      else if (this.#journalBytes > this.#reservedBytes - RESERVE_BYTES / 2) this.#reserve();
      return ok(undefined);
    });
  }

  close(): void {
    clearTimeout(this.#syncTimer);
    closeSync(this.#file);
  }

  /** All of it, or nothing. */
  #append(line: Buffer): void {
    try {
      writeAll(this.#file, line);
    } catch (cause) {
      ftruncateSync(this.#file, this.#journalBytes);
      throw cause;
    }
    this.#journalBytes += line.length;
  }

  #reserve(): void {
    this.#reservedBytes = this.#journalBytes + RESERVE_BYTES;
    reserveSpace(this.#file, { offset: this.#journalBytes, length: RESERVE_BYTES });
  }

  #sync(): void {
    fdatasyncSync(this.#file);
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
  }

  /** A failure is not told here: the disk is full or broken, and the next commit says so. */
  #syncLate(): void {
    guarded(journalPath(this.#directory, this.#journal), "sync", () => {
      this.#sync();
      return ok(undefined);
    });
  }

  /** Where there is no room for a snapshot, or no descriptor, the journal goes on growing. */
  #compact(rows: StoredRows): void {
    const journal = this.#journal + 1;
    const path = journalPath(this.#directory, journal);
    let file: number | undefined;
    try {
      // Before the snapshot that names it: afterwards nothing else may be written to.
      rmSync(path, { force: true });
      file = openSync(path, "a", 0o600);
      this.#snapshotBytes = writeSnapshot(this.#directory, { journal, rows });
    } catch {
      if (file !== undefined) closeSync(file);
      rmSync(path, { force: true });
      this.#compactAtBytes = this.#journalBytes + COMPACT_MIN_BYTES;
      return;
    }
    syncDirectory(this.#directory);
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    closeSync(this.#file);
    this.#file = file;
    rmSync(journalPath(this.#directory, this.#journal), { force: true });
    this.#journal = journal;
    this.#journalBytes = 0;
    this.#compactAtBytes = compactAt(this.#snapshotBytes);
    this.#reserve();
  }
}

/** Whether the same commit may succeed later, when there is room on the disk. */
export function isForRoom(error: CheckpointError): boolean {
  const { code } = error;
  return code === "FILE_FAILED" && error.operation === "write" && NO_ROOM.includes(error.errno);
}

function compactAt(snapshotBytes: number): number {
  return Math.max(COMPACT_MIN_BYTES, COMPACT_FACTOR * snapshotBytes);
}

export function describeCheckpointError(error: CheckpointError): string {
  switch (error.code) {
    case "FILE_FAILED":
      return `cannot ${error.operation} ${error.path}: ${error.errno}`;
    case "DAMAGED":
      return (
        `${error.path} is damaged at line ${error.line}; ` +
        "restore it, or give the agent an empty --work-dir (its tasks are then reported lost)"
      );
    case "OTHER_FORMAT":
      return (
        `${error.path} has format ${error.format}, this agent reads ${FORMAT}; ` +
        "run the version that wrote it, or give the agent an empty --work-dir"
      );
  }
}

function journalPath(directory: string, journal: number): string {
  return join(directory, `journal-${journal}`);
}

/** The rows after the whole lines of the journal, which is left open at their end. */
function replay(
  path: string,
  snapshot: Partial<StoredRows>,
): Result<{ rows: StoredRows; file: number; journalBytes: number }, CheckpointError> {
  const file = openSync(path, "a+", 0o600);
  const bytes = readFileSync(path);
  const lines = readLines(bytes.toString("utf8"));
  const bad = lines.findIndex((line) => !line.whole);
  if (bad >= 0 && bad < lines.length - 1) {
    closeSync(file);
    return err(damaged(path, bad + 1));
  }
  const entries: Entry[] = [];
  let journalBytes = 0;
  for (const line of lines) {
    if (!line.whole) break;
    journalBytes += line.bytes;
    // Our own writing, with its checksum.
    entries.push(...(line.value as readonly Entry[]));
  }
  if (journalBytes < bytes.length) ftruncateSync(file, journalBytes);
  const rows: StoredRows = {
    agent: replayTable("agent", snapshot, entries),
    framework: replayTable("framework", snapshot, entries),
    run: replayTable("run", snapshot, entries),
    update: replayTable("update", snapshot, entries),
    completedRun: replayTable("completedRun", snapshot, entries),
    resources: replayTable("resources", snapshot, entries),
    volumeRemoval: replayTable("volumeRemoval", snapshot, entries),
    drain: replayTable("drain", snapshot, entries),
    executor: replayTable("executor", snapshot, entries),
  };
  return ok({ rows, file, journalBytes });
}

function replayTable<T extends TableName>(
  name: T,
  snapshot: Partial<StoredRows>,
  entries: readonly Entry[],
): Rows[T][] {
  const before: readonly Rows[T][] = snapshot[name] ?? [];
  const rows = new Map(before.map((row) => [keyOf[name](row), row]));
  for (const [table, key, row] of entries) {
    if (table !== name) continue;
    // An entry's row is one of its table: `commit` wrote it so.
    if (row !== null) rows.set(key, row as Rows[T]);
    else rows.delete(key);
  }
  return [...rows.values()];
}

/**
 * Writes the snapshot beside the old one and puts it in its place, or throws and leaves the old
 * one. Returns its length. The directory is the caller's to sync.
 */
function writeSnapshot(
  directory: string,
  { journal, rows }: { journal: number; rows: StoredRows },
): number {
  const snapshot: Snapshot = { format: FORMAT, journal, rows };
  const fresh = join(directory, "snapshot.new");
  const file = openSync(fresh, "w", 0o600);
  try {
    const bytes = writeAll(file, encodeLine(snapshot));
    fdatasyncSync(file);
    renameSync(fresh, join(directory, "snapshot"));
    return bytes;
  } catch (cause) {
    rmSync(fresh, { force: true });
    throw cause;
  } finally {
    closeSync(file);
  }
}

function removeOtherJournals(directory: string, journal: number): void {
  for (const name of readdirSync(directory)) {
    if (name.startsWith("journal-") && name !== `journal-${journal}`) {
      rmSync(join(directory, name), { force: true });
    }
  }
}

function encodeLine(value: unknown): Buffer {
  const json = JSON.stringify(value);
  return Buffer.from(`${checksum(json)} ${json}\n`);
}

type Line =
  | { readonly whole: true; readonly value: unknown; readonly bytes: number }
  | { readonly whole: false };

function readLines(text: string): Line[] {
  const lines: Line[] = [];
  let from = 0;
  while (from < text.length) {
    const end = text.indexOf("\n", from);
    const line = text.slice(from, end < 0 ? text.length : end);
    lines.push(end < 0 ? { whole: false } : readLine(line));
    from = end < 0 ? text.length : end + 1;
  }
  return lines;
}

function readLine(line: string): Line {
  const json = line.slice(CHECKSUM_LENGTH + 1);
  if (line.slice(0, CHECKSUM_LENGTH) !== checksum(json)) return { whole: false };
  const bytes = Buffer.byteLength(line) + 1;
  return { whole: true, value: JSON.parse(json), bytes };
}

const CHECKSUM_LENGTH = 8;

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(CHECKSUM_LENGTH, "0");
}

/**
 * Returns the number of bytes. A short write is continued; what stops it is thrown by the next
 * call.
 */
function writeAll(file: number, bytes: Buffer): number {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
  return bytes.length;
}

/** A new name in a directory is durable only when the directory is. */
function syncDirectory(directory: string): void {
  const file = openSync(directory, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function damaged(path: string, line: number): CheckpointError {
  return { code: "DAMAGED", path, line };
}

/** File operations throw; here they become values. */
function guarded<T>(
  path: string,
  operation: string,
  work: () => Result<T, CheckpointError>,
): Result<T, CheckpointError> {
  try {
    return work();
  } catch (cause) {
    return err({ code: "FILE_FAILED", path, operation, errno: errnoOf(cause) });
  }
}
