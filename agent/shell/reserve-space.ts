/** Room on the disk that is kept for the day on which there is none. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The descriptor's number in the tool. */
const TARGET = 3;

/** What an agent writes until it has found its tasks, many times over. */
const START_BYTES = 512 * 1024;
const START_FILE = "start-reserve";

/**
 * For what will be appended to a file: fallocate(2) by the tool of util-linux, for Node has no such
 * call. The file's length stays as it is. Does not wait. Where it is not to be had (a full disk, a
 * file system that cannot, no such tool) the file grows as it would have.
 */
export function reserveSpace(
  file: number,
  { offset, length }: { readonly offset: number; readonly length: number },
): void {
  const range = ["--offset", String(offset), "--length", String(length)];
  const child = spawn("fallocate", ["--keep-size", ...range, `/proc/self/fd/${TARGET}`], {
    stdio: ["ignore", "ignore", "ignore", file],
  });
  child.on("error", () => {});
  child.unref();
}

/** For the next start: an agent that cannot start on a full disk would leave its tasks alone. */
export function keepStartReserve(metaDirectory: string): void {
  try {
    // What looks like noise takes its room on file systems that compress as well.
    writeFileSync(join(metaDirectory, START_FILE), randomBytes(START_BYTES), { mode: 0o600 });
  } catch {
    // What of it could be written is kept, and the next start makes it again.
  }
}

/** At the start, before anything is written. */
export function releaseStartReserve(metaDirectory: string): void {
  rmSync(join(metaDirectory, START_FILE), { force: true });
}
