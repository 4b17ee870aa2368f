/** The command that runs `launcher.ts`: bundled once, because Node 20 cannot run TypeScript. */
import { existsSync, renameSync } from "node:fs";
import { fileURLToPath } from "node:url";

let bundled: Promise<string> | undefined;

export async function launcherCommand(): Promise<readonly [string, ...string[]]> {
  // In the virtual machine there is no esbuild; the bundle was put there with the checks.
  const given = process.env.RIMROCK_LAUNCHER;
  if (given !== undefined && existsSync(given)) return [process.execPath, given];
  bundled ??= bundle();
  return [process.execPath, await bundled];
}

/** Renamed into place: test files that run at the same time make the same file. */
async function bundle(): Promise<string> {
  const outfile = fileURLToPath(new URL("../../../.rimrock/test/launcher.mjs", import.meta.url));
  const own = `${outfile}.${process.pid}`;
  await bundleTo("launcher.ts", own);
  renameSync(own, outfile);
  return outfile;
}

/** `entry`: a file of this folder. */
export async function bundleTo(entry: string, outfile: string): Promise<void> {
  const { build } = await import("esbuild");
  await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
    external: ["esbuild"],
  });
}
