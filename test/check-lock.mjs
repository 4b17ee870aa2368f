// A lock file made on one platform can lack the optional packages of the others; `npm ci` then
// fails on every machine. This fails first, and names what is missing.
import { readFileSync } from "node:fs";

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
const present = new Set(
  Object.entries(packages)
    .filter(([, entry]) => entry.version)
    .map(([path]) => path.split("node_modules/").pop()),
);
const missing = [];
for (const [path, entry] of Object.entries(packages)) {
  for (const wanted of Object.keys(entry.optionalDependencies ?? {})) {
    if (!present.has(wanted)) missing.push(`${wanted} (wanted by ${path || "the project"})`);
  }
}
if (missing.length > 0) {
  console.error(`package-lock.json lacks:\n${missing.join("\n")}`);
  process.exit(1);
}
