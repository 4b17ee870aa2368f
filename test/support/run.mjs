/**
 * node test/support/run.mjs FOLDER [ARGUMENTS]: bundles `main.ts` of a folder below `test/` and
 * runs it. TypeScript does not run on Node 20; this is plain JavaScript, because it has to run as
 * it is.
 */
import { mkdirSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, stop } from "esbuild";

const [folder = ""] = process.argv.splice(2, 1);
const root = fileURLToPath(new URL("../../", import.meta.url));
// Two folders below the root, as the test harness is: it finds the root from there.
const outfolder = `${root}node_modules/.rimrock`;
const outfile = `${outfolder}/${folder.replaceAll("/", "-")}.mjs`;
mkdirSync(outfolder, { recursive: true });
await build({
  entryPoints: [`${root}test/${folder}/main.ts`],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  external: ["vitest", "esbuild"],
  sourcemap: "inline",
  logLevel: "error",
});
await stop();
process.setSourceMapsEnabled(true);
await import(pathToFileURL(outfile).href);
