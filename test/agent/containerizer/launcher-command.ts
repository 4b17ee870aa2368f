/** The command that runs `launcher.ts`: bundled once, because Node 20 cannot run TypeScript. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

let bundled: Promise<string> | undefined;

export async function launcherCommand(): Promise<readonly [string, ...string[]]> {
  // In the virtual machine there is no esbuild; the bundle was put there with the checks.
  const given = process.env.RIMROCK_LAUNCHER;
  if (given !== undefined && existsSync(given)) return [process.execPath, given];
  bundled ??= bundle();
  return [process.execPath, await bundled];
}

async function bundle(): Promise<string> {
  const outfile = fileURLToPath(
    new URL(`../../../.rimrock/test/launcher-${process.pid}.mjs`, import.meta.url),
  );
  await bundleTo("launcher.ts", outfile);
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
