/** Builds dist/ for the npm package: every bundle, and the type declarations of the SDK. */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { bundleInto } from "./bundle.mjs";

rmSync("dist", { recursive: true, force: true });
await bundleInto("dist", { withSdk: true });
execFileSync("node_modules/.bin/tsc", ["-p", "worker/sdk/tsconfig.declarations.json"], {
  stdio: "inherit",
});
