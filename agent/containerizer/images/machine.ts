/** Whether this machine can make file systems of images, found out by making one. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../supervisor/host-tools.ts";
import { findRootTools } from "../supervisor/root-change.ts";
import { runProgram } from "./unpack.ts";

/** Arguments: a folder with what follows, mount(8) and pivot_root(8). */
const TRIAL = `cd "$1" &&
"$2" -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay root &&
cd root && exec "$3" . .`;

/** `directory`: where the layers would be. A sentence without its full stop; undefined: it can. */
export async function whyNoImages(directory: string): Promise<string | undefined> {
  if (process.geteuid?.() !== 0) return "only root can mount layers; run the agent as root";
  const tools = findRootTools();
  if (!tools.ok) return tools.error;
  const [mount, sh] = [findProgram("mount"), findProgram("sh")];
  if (mount === undefined || sh === undefined) {
    return "the program mount is missing; install util-linux";
  }
  if (findProgram("tar") === undefined) return "the program tar is missing; install tar";
  const folder = mkdtempSync(join(directory, "trial-"));
  try {
    for (const name of ["lower", "upper", "work", "root"]) mkdirSync(join(folder, name));
    const { unshare, pivot_root } = tools.value;
    const words = [sh, "-c", TRIAL, "sh", folder, mount, pivot_root] as const;
    const signal = new AbortController().signal;
    const tried = await runProgram([unshare, "--mount", ...words], { folder: "/", signal });
    if (tried.ok) return undefined;
    const where = `put layers together in ${directory} by overlayfs`;
    return `the kernel does not ${where} (${tried.error}); choose another --docker-store-dir`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
