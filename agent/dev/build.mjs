/** Builds dist/ for the npm package: every bundle, and the type declarations of the SDK. */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundleInto } from "./bundle.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
rmSync(`${root}/dist`, { recursive: true, force: true });
await bundleInto(`${root}/dist`, { withSdk: true });
execFileSync(`${root}/node_modules/.bin/tsc`, ["-p", "agent/dev/tsconfig.sdk-types.json"], {
  cwd: root,
  stdio: "inherit",
});
