/** Small files, there as a whole or not at all, whatever ends the process or the machine. */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";

/** Replaces what is at `path`; only its owner may read it. Throws what the file system says. */
export function writeWholeFile(path: string, data: string | Uint8Array): void {
  const fresh = `${path}.new`;
  const file = openSync(fresh, "w", 0o600);
  try {
    writeFileSync(file, data);
    // A rename may reach the disk before what was written.
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
}
