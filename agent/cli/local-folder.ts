/**
 * The folder on this machine that files are fetched into. What the other side calls its files is
 * not to be trusted: nothing is written outside of it, nor through a link that lies in it.
 */
import {
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  type Stats,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../worker/std/result.ts";

/** What a file is called until all of it is there. */
export const PART_SUFFIX = ".rimrock-part";

/** What is there under this name, the link itself where it is one; undefined: nothing. */
export function localFacts(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** The path of `name` in a folder of ours. The error is a sentence. */
export function pathIn(folder: string, name: string): Result<string, string> {
  if (name === "" || name === "." || name === ".." || /[/\0]/.test(name)) {
    return err(`the agent names a file "${name}", which would lead out of ${folder}`);
  }
  return ok(join(folder, name));
}

/** Makes the folder unless it is there. */
export function makeFolder(path: string): Result<void, string> {
  const facts = localFacts(path);
  if (facts === undefined) mkdirSync(path, { recursive: true });
  else if (facts.isSymbolicLink())
    return err(`${path} is a link, which is not followed; remove it`);
  else if (!facts.isDirectory()) return err(`${path} is there and is no folder; move it away`);
  return ok(undefined);
}

/** Opens a file that is being fetched, for reading what is there and writing on. */
export function openPart(path: string): Result<number, string> {
  const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
  const facts = localFacts(path);
  if (facts !== undefined && !facts.isFile()) return err(`${path} is no file; move it away`);
  return ok(openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600));
}

/** The last bytes that are there, up to `length`. */
export function lastBytes(file: number, size: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(Math.min(size, length));
  const read = readSync(file, bytes, 0, bytes.length, size - bytes.length);
  return bytes.subarray(0, read);
}

/**
 * From its name while it was fetched to its own; a rename takes a link's place, not its target's.
 */
export function finishPart(part: string, path: string, changedMs: number): void {
  utimesSync(part, changedMs / 1_000, changedMs / 1_000);
  renameSync(part, path);
}
