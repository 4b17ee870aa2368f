import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes the folder with its parents; one that is there stays as it is. Throws what `mkdir` throws.
 *
 * Not `mkdirSync` with `recursive`: where the kernel answers ENOENT below an existing folder (as in
 * /proc), Node 20 tries the same two calls for ever.
 */
export function makeDirectory(path: string, mode?: number): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent, mode);
  mkdirSync(path, { mode });
}
