// npm run mutants [-- TEXT …]: puts one mistake after the other into a copy of the sources and runs
// the allocator's tests. Prints who got through and `killed N of N`; exits 1 if anybody did, 2 if a
// mutant no longer fits the sources. With TEXT only the mutants whose names contain it.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mutants } from "./mutants.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const TESTS = ["test/core/allocator", "test/core/policies", "test/core/offer"];
/** A mistake may also be that something never comes to an end. */
const RUN_MS = 180_000;

const wanted = process.argv.slice(2);
const chosen = mutants.filter(
  ({ name }) => wanted.length === 0 || wanted.some((text) => name.includes(text)),
);
const copy = mkdtempSync(join(tmpdir(), "rimrock-mutants-"));
process.exitCode = 2;
try {
  for (const name of [
    "worker",
    "agent",
    "test",
    "docs",
    "package.json",
    "tsconfig.json",
    "wrangler.toml",
  ]) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  if (!passes()) throw new Error("the tests fail without any mutant");
  const alive = chosen.filter((mutant) => survives(mutant));
  console.log(`killed ${chosen.length - alive.length} of ${chosen.length}`);
  process.exitCode = alive.length === 0 ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}

function survives({ name, file, from, to }) {
  const path = join(copy, file);
  const text = readFileSync(path, "utf8");
  if (text.split(from).length !== 2) throw new Error(`'${name}' does not fit ${file} any more`);
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
  const isAlive = passes();
  writeFileSync(path, text);
  console.log(`${isAlive ? "ALIVE " : "killed"} ${name}`);
  return isAlive;
}

function passes() {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const options = ["--config", "test/vitest.config.ts", "--project", "fast", "--bail", "1"];
  const { status } = spawnSync(process.execPath, [vitest, "run", ...options, ...TESTS], {
    cwd: copy,
    timeout: RUN_MS,
    killSignal: "SIGKILL",
    stdio: "ignore",
  });
  return status === 0;
}
