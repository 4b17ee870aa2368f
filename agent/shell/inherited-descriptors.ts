/**
 * Closes what whoever started this process left open beside stdin, stdout and stderr: the lock of a
 * `flock`, a pipe of a build server. Tasks would inherit it and outlive this process with it.
 *
 * Node opens everything of its own so that no other program gets it (O_CLOEXEC). At its start it
 * does the same to what it inherited, but stops at the first number beyond 15 that is free (libuv's
 * `uv_disable_stdio_inheritance`), and has no call for the rest.
 */
import { closeSync, readdirSync, readFileSync } from "node:fs";

const O_CLOEXEC = 0o2000000;

/** Before anything of ours is open that others are to inherit. */
export function closeInheritedDescriptors(): void {
  for (const name of readdirSync("/proc/self/fd")) {
    const descriptor = Number(name);
    if (descriptor <= 2 || isKept(descriptor)) continue;
    closeSync(descriptor);
  }
}

function isKept(descriptor: number): boolean {
  try {
    const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8");
    const flags = Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(info)?.[1] ?? "", 8);
    return Number.isNaN(flags) || (flags & O_CLOEXEC) !== 0;
  } catch {
    // That by which the list was read.
    return true;
  }
}
