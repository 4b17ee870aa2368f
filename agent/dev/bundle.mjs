/**
 * Bundles the sources of a checkout: TypeScript does not run on Node 20, workerd wants one file.
 *
 * `bundleIntoCache` is what the launchers call. A bundle lies in a folder named after the content
 * of all its sources, so that a process that still runs from an older one keeps its files, and two
 * builds at the same time make the same thing. When nothing changed, only the sources are read (no
 * esbuild is loaded).
 *
 * Plain JavaScript, because it has to run before anything is bundled.
 */
import { createHash } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { buildFacts } from "./build-facts.mjs";
import { REQUIRE_BANNER } from "./require-banner.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CACHE = join(ROOT, "node_modules", ".cache", "rimrock");
const SOURCE_LIST = join(CACHE, "sources.json");
const KEEP_MS = 7 * 24 * 3_600_000;

/** Output name → entry. All lie side by side: each finds the others next to its own file. */
const NODE_ENTRIES = {
  rimrock: "agent/cli/main.ts",
  "rimrock-agent": "agent/main.ts",
  "front-door": "agent/dev/front-door-main.ts",
};
const WORKER_ENTRIES = { worker: "worker/index.ts" };
const SDK_ENTRIES = { sdk: "worker/sdk/index.ts" };

/** What every bundle depends on without importing it. */
const EXTRA_SOURCES = [
  ...["agent/dev/build-facts.mjs", "agent/dev/bundle.mjs", "agent/dev/require-banner.mjs"],
  "package.json",
];

/** The folder with the bundles of the sources as they are now. */
export async function bundleIntoCache() {
  const known = readSourceList();
  if (known !== undefined) {
    const folder = join(CACHE, contentHash(known));
    if (isFolder(folder)) return folder;
  }
  return await buildIntoCache();
}

/**
 * Writes every bundle of the npm package into `folder`; answers with the sources, relative to the
 * root.
 */
export async function bundleInto(folder, { withSdk }) {
  const { build, stop } = await import("esbuild");
  const common = {
    absWorkingDir: ROOT,
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    metafile: true,
    logLevel: "error",
    loader: { ".sql": "text" },
    define: { RIMROCK_BUILD: JSON.stringify(buildFacts(ROOT)) },
  };
  const forWorkerd = {
    ...common,
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    mainFields: ["browser", "module", "main"],
    external: ["cloudflare:*", "node:*"],
  };
  const builds = await Promise.all([
    build({
      ...common,
      entryPoints: NODE_ENTRIES,
      platform: "node",
      target: "node20",
      external: ["miniflare"],
      banner: { js: REQUIRE_BANNER },
    }),
    build({ ...forWorkerd, entryPoints: WORKER_ENTRIES }),
    ...(withSdk
      ? [build({ ...common, entryPoints: SDK_ENTRIES, platform: "neutral", target: "es2022" })]
      : []),
  ]);
  // Otherwise esbuild's own process stays for as long as this one.
  await stop();
  return [...new Set(builds.flatMap(({ metafile }) => Object.keys(metafile.inputs)))].sort();
}

async function buildIntoCache() {
  makeCacheFolder();
  const fresh = join(CACHE, `building-${process.pid}-${Date.now()}`);
  try {
    const sources = [...EXTRA_SOURCES, ...(await bundleInto(fresh, { withSdk: false }))];
    const folder = join(CACHE, contentHash(sources));
    try {
      renameSync(fresh, folder);
    } catch (error) {
      // Another process built the same content meanwhile.
      if (!isFolder(folder)) throw error;
    }
    const list = `${fresh}.json`;
    writeFileSync(list, JSON.stringify(sources));
    renameSync(list, SOURCE_LIST);
    dropOldBundles(folder);
    return folder;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function makeCacheFolder() {
  try {
    mkdirSync(CACHE, { recursive: true });
  } catch (error) {
    throw new Error(
      `cannot write ${relative(process.cwd(), CACHE)} (${error.code}): ` +
        "run as the owner of the checkout, or make that folder writable",
    );
  }
}

function readSourceList() {
  try {
    return JSON.parse(readFileSync(SOURCE_LIST, "utf8"));
  } catch {
    // No build yet, or a list that was cut off: build.
    return undefined;
  }
}

/** Differs whenever a source differs, is missing or is new to the list. */
function contentHash(sources) {
  const hash = createHash("sha256");
  for (const source of sources) {
    let content = "missing";
    try {
      content = readFileSync(join(ROOT, source));
    } catch {
      // A source that is gone changes the hash, and the build says who wanted it.
    }
    hash.update(`${source}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex").slice(0, 20);
}

function isFolder(path) {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Running processes may use older bundles for days; nobody uses one for longer unless it is
 * touched.
 */
function dropOldBundles(current) {
  const nowMs = Date.now();
  utimesSync(current, new Date(nowMs), new Date(nowMs));
  for (const name of readdirSync(CACHE)) {
    const path = join(CACHE, name);
    if (path !== current && path !== SOURCE_LIST && nowMs - statSync(path).mtimeMs > KEEP_MS) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}
