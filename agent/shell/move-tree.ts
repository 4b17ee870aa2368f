/**
 * Moves what is in a folder into another one of the same file system: folders that are in both
 * become one, a file takes the place of a file or a link. On the side that tasks may change,
 * everything is reached through the descriptor of the folder before; no link is followed.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
} from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { errnoOf } from "./errno.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;

/** `from`: nobody else changes it meanwhile. The error is a clause; part may have been moved. */
export function moveTree(from: string, to: string): Result<void, string> {
  let into: number;
  try {
    into = openSync(to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (cause) {
    return err(`${to}: ${errnoOf(cause)}`);
  }
  try {
    for (const entry of readdirSync(from, { withFileTypes: true })) {
      const { name } = entry;
      const moved = moveEntry(join(from, name), into, { name, isFolder: entry.isDirectory() });
      if (!moved.ok) return moved;
    }
    return ok(undefined);
  } finally {
    closeSync(into);
  }
}

function moveEntry(
  source: string,
  into: number,
  { name, isFolder }: { readonly name: string; readonly isFolder: boolean },
): Result<void, string> {
  const target = `/proc/self/fd/${into}/${name}`;
  try {
    const there = lstatSync(target, { throwIfNoEntry: false });
    if (!isFolder || there === undefined) {
      rename(source, target, isFolder);
      return ok(undefined);
    }
    if (there.isDirectory()) return moveTree(source, target);
  } catch (cause) {
    return err(`${shown(into, name)}: ${errnoOf(cause)}`);
  }
  return err(`${shown(into, name)} is there already and is no folder`);
}

/** Only root may move a folder that nobody may write to. */
function rename(source: string, target: string, isFolder: boolean): void {
  const { mode } = lstatSync(source);
  const isLocked = isFolder && (mode & 0o200) === 0 && process.geteuid?.() !== 0;
  if (isLocked) chmodSync(source, (mode & 0o7777) | 0o200);
  renameSync(source, target);
  if (!isLocked) return;
  const folder = openSync(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  fchmodSync(folder, mode & 0o7777);
  closeSync(folder);
}

/** As whoever reads it knows the place. */
function shown(folder: number, name: string): string {
  return join(readlinkSync(`/proc/self/fd/${folder}`), name);
}
