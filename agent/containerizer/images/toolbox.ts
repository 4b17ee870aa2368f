/**
 * A folder like the machine's root as far as its programs and their libraries are concerned: the
 * same links, and empty folders onto which the machine's own are mounted, read-only.
 *
 * It stays as it is: what is mounted in the containers that run would go with its folders. A
 * machine that has other ones some day gets another one.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { BOX_FOLDERS } from "../supervisor/root-change.ts";

const NAME = /^(?:usr|bin|sbin|lib\w*)$/;

/** Those of the machine that are folders, absolute. */
export function systemFolders(): readonly string[] {
  return systemEntries().flatMap(({ name, target }) => (target === undefined ? [`/${name}`] : []));
}

/** Absolute. Throws what the file system says. */
export function makeToolbox(storeDirectory: string): string {
  const entries = systemEntries();
  const folders = [...Object.values(BOX_FOLDERS), "proc", "dev"];
  const hash = createHash("sha256")
    .update(JSON.stringify([entries, folders]))
    .digest("hex");
  const path = join(storeDirectory, `toolbox-${hash.slice(0, 16)}`);
  if (existsSync(path)) return path;
  const fresh = join(storeDirectory, "tmp", `toolbox-${process.pid}`);
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o755 });
  for (const name of folders) mkdirSync(join(fresh, name));
  for (const { name, target } of entries) {
    if (target === undefined) mkdirSync(join(fresh, name));
    else symlinkSync(target, join(fresh, name));
  }
  renameSync(fresh, path);
  return path;
}

/** `target`: of a link. */
function systemEntries(): readonly { readonly name: string; readonly target?: string }[] {
  return readdirSync("/").flatMap((name) => {
    if (!NAME.test(name)) return [];
    const stat = lstatSync(`/${name}`);
    if (stat.isSymbolicLink()) return [{ name, target: readlinkSync(`/${name}`) }];
    return stat.isDirectory() ? [{ name }] : [];
  });
}
