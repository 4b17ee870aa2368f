// npm run golden -- FOLDER: bundles the golden runner and runs it. `npm run golden -- --help`.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../../", import.meta.url));
// Two folders below the root, as the test harness is: it finds the root from there.
const outfile = `${root}node_modules/.golden/main.mjs`;
mkdirSync(`${root}node_modules/.golden`, { recursive: true });
await build({
  entryPoints: [`${root}test/compat/golden/main.ts`],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  external: ["vitest", "esbuild"],
  logLevel: "error",
});
await import(outfile);
