// npm run bench: bundles the benchmarks and runs them. `npm run bench -- --help`.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../", import.meta.url));
// Two folders below the root, as the sources are: the harness finds the root from there.
const outfile = `${root}node_modules/.bench/main.mjs`;
mkdirSync(`${root}node_modules/.bench`, { recursive: true });
await build({
  entryPoints: [`${root}test/bench/main.ts`],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  external: ["vitest", "esbuild"],
  logLevel: "error",
});
await import(outfile);
