/**
 * `npm run build`: dist/ for the npm package (every bundle, and the type declarations of the SDK),
 * and in dist/public what a deployment serves to machines that install the agent from it.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundleInto } from "./bundle.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dist = `${root}dist`;
mkdirSync(`${dist}/public/agent`, { recursive: true });
// The folder of a deployment is never absent: a `wrangler dev` may be looking at it.
for (const name of readdirSync(dist)) {
  if (name !== "public") rmSync(`${dist}/${name}`, { recursive: true });
}
await bundleInto(dist, { withSdk: true });
execFileSync(`${root}/node_modules/.bin/tsc`, ["-p", "agent/dev/tsconfig.sdk-types.json"], {
  cwd: root,
  stdio: "inherit",
});

const agent = `#!/usr/bin/env node\n${readFileSync(`${dist}/rimrock-agent.mjs`, "utf8")}`;
const path = `${dist}/public/agent/rimrock-agent.mjs`;
writeFileSync(`${path}.new`, agent, { mode: 0o755 });
renameSync(`${path}.new`, path);
const size = `${Math.round(agent.length / 1024)} kB`;
process.stdout.write(`dist/public/agent/rimrock-agent.mjs  ${size}, needs nothing but Node\n`);
