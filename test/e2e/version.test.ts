import { execFileSync } from "node:child_process";
import { afterEach, expect, test } from "vitest";
import { endEverything, ROOT, startCluster } from "./harness.ts";

afterEach(endEverything);

test("a master tells when, by whom and from which commit it was built", async () => {
  const { url } = await startCluster({ agents: 0 });
  const version = (await (await fetch(`${url}/version`)).json()) as Record<string, unknown>;
  expect(version).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    build_date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    build_user: expect.stringMatching(/./),
  });
  const builtMs = Number(version.build_time) * 1_000;
  expect(new Date(builtMs).toISOString().slice(0, 10)).toBe(version.build_date);
  expect(builtMs).toBeLessThanOrEqual(Date.now());
  expect(version.git_sha).toEqual(commit());
});

/** Undefined: these sources are no checkout. */
function commit(): unknown {
  try {
    const args = ["rev-parse", "HEAD"];
    execFileSync("git", args, { cwd: ROOT, stdio: "ignore" });
    return expect.stringMatching(/^[0-9a-f]{9,40}(-dirty)?$/);
  } catch {
    return undefined;
  }
}
