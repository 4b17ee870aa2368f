/**
 * Paths beneath a folder that somebody else may change at any time: opened component by component,
 * through the descriptor of the folder before, following no link.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
} from "node:fs";
import { err, ok, type Result } from "../../../../worker/std/result.ts";
import { errnoOf } from "../../supervisor/file-error.ts";
import type { Account } from "../../supervisor/users.ts";

const { O_RDONLY, O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK, O_CREAT, O_EXCL } = constants;

export interface Found {
  /** `<device>:<inode>`, as stat(1) shows it with `%d:%i`. */
  readonly identity: string;
  readonly isFolder: boolean;
}

export interface Making {
  readonly kind: "FOLDER" | "FILE";
  /** Owner of what is made; undefined: the agent's own. */
  readonly account: Account | undefined;
  /** Of what is made. */
  readonly mode: number;
}

/** The names on the way, in order; undefined: it leads out of the folder, or nowhere. */
export function namesOf(path: string): readonly string[] | undefined {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (path.startsWith("/") || names.includes("..") || path.includes("\0")) return undefined;
  return names;
}

/**
 * What is at `names` beneath `folder`. `making`: makes what is missing, folders on the way
 * included. The error is a system's name like "ELOOP" (a link) or "ENOENT".
 */
export function lookBeneath(
  folder: string,
  names: readonly string[],
  making?: Making,
): Result<Found, string> {
  let at: number | undefined;
  try {
    at = openSync(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    for (const [index, name] of names.entries()) {
      const isLast = index === names.length - 1;
      const next = openIn(at, name, { isLast, making });
      closeSync(at);
      at = next;
    }
    const { dev, ino, ...stat } = fstatSync(at);
    return ok({ identity: `${dev}:${ino}`, isFolder: (stat.mode & 0o170000) === 0o040000 });
  } catch (cause) {
    return err(errnoOf(cause));
  } finally {
    if (at !== undefined) closeSync(at);
  }
}

function openIn(
  folder: number,
  name: string,
  step: { readonly isLast: boolean; readonly making: Making | undefined },
): number {
  const { isLast, making } = step;
  const path = `/proc/self/fd/${folder}/${name}`;
  // Not to wait for the writer of a pipe.
  const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | (isLast ? 0 : O_DIRECTORY);
  try {
    return openSync(path, flags);
  } catch (cause) {
    if (making === undefined || errnoOf(cause) !== "ENOENT") throw cause;
  }
  const isFile = isLast && making.kind === "FILE";
  if (!isFile) mkdirSync(path, { mode: 0o755 });
  const made = openSync(path, isFile ? flags | O_CREAT | O_EXCL : flags | O_DIRECTORY, 0o644);
  if (making.account !== undefined) {
    fchownSync(made, making.account.userId, making.account.groupId);
  }
  // Against the agent's umask.
  if (isLast) fchmodSync(made, making.mode);
  return made;
}
