/**
 * Keeps the `stdout` and `stderr` of tasks within a bound: one that has grown beyond it becomes
 * `stdout.1` (what that was `stdout.2`, and so on), and starts anew. Of one that is more than
 * twice as large by the time that somebody looks, the end is kept.
 *
 * The task keeps its open file, so its content is copied away and the file cut to nothing; as the
 * file is open for appending, the task goes on at its new end. What it writes in the microseconds
 * between the last look and the cut is lost, as with every rotation by copying; the alternative is
 * a process beside every task that its output goes through.
 *
 * A sandbox is its task's own: a link, a pipe or a file with a second name in place of a log is
 * left alone.
 */
import { randomUUID } from "node:crypto";
import { constants, fstatSync, ftruncateSync, readSync, writeSync } from "node:fs";
import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../errno.ts";
import type { Log } from "../log.ts";

export interface LogRotationOptions {
  /** A log is rotated when it is larger, bytes. */
  readonly bytesMax: number;
  /** How many older files stay beside it, at least 1. */
  readonly filesMax: number;
  readonly log: Log;
}

const NAMES = ["stdout", "stderr"] as const;
const CHUNK_BYTES = 1024 * 1024;
/** What the last copy, during which nothing else is done here, may have left to it; bytes. */
const REST_BYTES = 4 * CHUNK_BYTES;
/** A task that writes faster than we copy is not waited for. */
const ROUNDS_MAX = 10;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDWR, O_WRONLY } = constants;

/** Rotates the logs in a sandbox that are too large. What cannot be done is logged. */
export async function rotateLogs(sandbox: string, options: LogRotationOptions): Promise<void> {
  for (const name of NAMES) {
    const path = join(sandbox, name);
    const size = await lstat(path).then(
      (facts) => (facts.isFile() ? facts.size : 0),
      () => 0,
    );
    if (size <= options.bytesMax) continue;
    try {
      await rotate(path, options);
    } catch (cause) {
      options.log(`cannot rotate ${path}: ${errnoOf(cause)}`);
    }
  }
}

async function rotate(path: string, { bytesMax, filesMax }: LogRotationOptions): Promise<void> {
  const file = await open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  try {
    const facts = await file.stat();
    // A second name would be somebody else's file.
    if (!facts.isFile() || facts.nlink !== 1) return;
    const fresh = `${path}.${randomUUID()}`;
    const copy = await open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, facts.mode & 0o777);
    try {
      if (process.geteuid?.() === 0) await copy.chown(facts.uid, facts.gid);
      const from = facts.size > 2 * bytesMax ? facts.size - bytesMax : 0;
      const copied = await copyMost(file, copy, from);
      for (let number = filesMax - 1; number >= 1; number--) {
        await renameIfThere(`${path}.${number}`, `${path}.${number + 1}`);
      }
      await rename(fresh, `${path}.1`);
      copyRestAndCut(file.fd, copy.fd, copied);
    } catch (cause) {
      await rm(fresh, { force: true });
      throw cause;
    } finally {
      await copy.close();
    }
  } finally {
    await file.close();
  }
}

/** Copies from byte `from` on until little is left; up to which byte. */
async function copyMost(file: FileHandle, copy: FileHandle, from: number): Promise<number> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let at = from;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { size } = await file.stat();
    if (round > 0 && size - at <= REST_BYTES) break;
    while (at < size) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, at);
      if (bytesRead === 0) break;
      await copy.appendFile(chunk.subarray(0, bytesRead));
      at += bytesRead;
    }
  }
  return at;
}

/** In one go: the task has as little time as can be between the last look and the cut. */
function copyRestAndCut(file: number, copy: number, from: number): void {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let at = from;
  let end = fstatSync(copy).size;
  for (;;) {
    const length = readSync(file, chunk, 0, CHUNK_BYTES, at);
    for (let written = 0; written < length; ) {
      written += writeSync(copy, chunk, written, length - written, end + written);
    }
    at += length;
    end += length;
    if (length < CHUNK_BYTES) break;
  }
  ftruncateSync(file, 0);
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (cause) {
    if (errnoOf(cause) !== "ENOENT") throw cause;
  }
}
