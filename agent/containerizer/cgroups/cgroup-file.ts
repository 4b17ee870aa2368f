/**
 * The files of a cgroup. They live in memory and answer in microseconds, so they are read in place.
 */
import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { FileError } from "../containerizer.ts";
import { fileError } from "../supervisor/file-error.ts";

export function readCgroupFile(cgroup: string, name: string): Result<string, FileError> {
  const path = join(cgroup, name);
  try {
    return ok(readFileSync(path, "utf8"));
  } catch (cause) {
    return err(fileError("read", path, cause));
  }
}

export function writeCgroupFile(
  cgroup: string,
  name: string,
  value: string | number,
): Result<void, FileError> {
  const path = join(cgroup, name);
  try {
    // Never created: a file that the kernel does not offer is an error.
    const file = openSync(path, constants.O_WRONLY | constants.O_TRUNC);
    try {
      writeSync(file, String(value));
    } finally {
      closeSync(file);
    }
    return ok(undefined);
  } catch (cause) {
    return err(fileError("write", path, cause, String(value)));
  }
}

/** For a file that takes one line at a time: in order, up to the first failure. */
export function writeCgroupLines(
  cgroup: string,
  name: string,
  lines: readonly string[],
): Result<void, FileError> {
  const path = join(cgroup, name);
  let value: string | undefined;
  try {
    const file = openSync(path, constants.O_WRONLY | constants.O_TRUNC);
    try {
      for (value of lines) writeSync(file, value);
    } finally {
      closeSync(file);
    }
    return ok(undefined);
  } catch (cause) {
    return err(fileError("write", path, cause, value));
  }
}

/** Writes in order, up to the first failure. */
export function writeCgroupFiles(
  cgroup: string,
  writes: readonly (readonly [name: string, value: string | number])[],
): Result<void, FileError> {
  for (const [name, value] of writes) {
    const written = writeCgroupFile(cgroup, name, value);
    if (!written.ok) return written;
  }
  return ok(undefined);
}

/** Files of lines `name number`, like cpu.stat and memory.events. */
export function readCounters(
  cgroup: string,
  name: string,
): Result<ReadonlyMap<string, number>, FileError> {
  const text = readCgroupFile(cgroup, name);
  return text.ok ? ok(parseCounters(text.value)) : text;
}

export function parseCounters(text: string): ReadonlyMap<string, number> {
  const counters = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [key, value] = line.split(" ");
    if (key && value) counters.set(key, Number(value));
  }
  return counters;
}

/** A file of one number; `max` and v1's huge "no limit" numbers are undefined. */
export function readAmount(cgroup: string, name: string): Result<number | undefined, FileError> {
  const text = readCgroupFile(cgroup, name);
  return text.ok ? ok(parseAmount(text.value)) : text;
}

// 9223372036854771712: v1 shows the largest multiple of a page for "no limit".
const NO_LIMIT = 2 ** 62;

export function parseAmount(text: string): number | undefined {
  const amount = text.trim() === "max" ? Number.POSITIVE_INFINITY : Number(text);
  return amount >= NO_LIMIT || amount < 0 ? undefined : amount;
}
