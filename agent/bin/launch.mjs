/**
 * Finds and runs one of the bundles, in this process. In a checkout they are made from the sources
 * (so that they are never older than these); in the npm package they are there already.
 *
 * It has to run on any Node that knows modules, if only to say which one is needed.
 */
import { existsSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What package.json's "engines" says. */
const NEEDED = [20, 19];

/** `name`: of a file in dist/, without its ending. */
export async function launch(name) {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
    fail(`${name} needs Node ${NEEDED.join(".")} or newer; this is Node ${process.versions.node}`);
  }
  const bundler = new URL("../dev/bundle.mjs", import.meta.url);
  let folder = new URL("../../dist/", import.meta.url);
  if (existsSync(fileURLToPath(bundler))) {
    try {
      const { bundleIntoCache } = await import(bundler.href);
      folder = pathToFileURL(`${await bundleIntoCache()}/`);
    } catch (error) {
      // esbuild has printed what is wrong in which source.
      fail(`${name}: the sources cannot be bundled: ${error.message}`);
    }
  }
  await import(new URL(`${name}.mjs`, folder).href);
}

function fail(line) {
  process.stderr.write(`${line}\n`);
  process.exit(1);
}
