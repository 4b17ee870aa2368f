/** Paths that stay beneath a folder. */
import { chownSync, lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Account } from "../containerizer/supervisor/users.ts";

export function isFolderName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);
}

/**
 * The names of a relative path, outermost first; undefined when it is absolute, empty, or could
 * lead out of the folder that it is relative to.
 */
export function folderNames(path: string): readonly string[] | undefined {
  if (path.startsWith("/")) return undefined;
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  return names.length > 0 && names.every(isFolderName) ? names : undefined;
}

/**
 * Makes folders inside one another, those that are not there owned by `account` (undefined: the
 * agent's own). A link on the way is refused (EEXIST): it may lead anywhere.
 */
export function makeFolders(
  from: string,
  names: readonly string[],
  account: Account | undefined,
): void {
  let path = from;
  for (const name of names) {
    path = join(path, name);
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) continue;
    mkdirSync(path, { mode: 0o755 });
    if (account !== undefined) chownSync(path, account.userId, account.groupId);
  }
}
