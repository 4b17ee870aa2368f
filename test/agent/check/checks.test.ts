import { expect, test, vi } from "vitest";
import { linkCheck } from "../../../agent/check/link.ts";
import { optionsCheck, workDirectoryCheck } from "../../../agent/check/machine.ts";
import { checks, runChecks } from "../../../agent/check/run-checks.ts";
import { seccompCheck } from "../../../agent/check/seccomp.ts";
import { readCommandLine } from "../../../agent/config.ts";
import { whyNoFilters } from "../../../agent/containerizer/cgroups/seccomp/machine.ts";
import { assert } from "../../../worker/std/assert.ts";
import { err } from "../../../worker/std/result.ts";

function contextOf(...args: string[]) {
  const read = readCommandLine({ args: ["check", ...args], env: {}, readFile: () => err("no") });
  assert(read.ok && read.value.type === "CHECK", "the line is in order");
  return read.value;
}

async function linesOf(...args: string[]): Promise<{ code: number; lines: string[] }> {
  const lines: string[] = [];
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    lines.push(String(text).trimEnd());
    return true;
  });
  try {
    return { code: await runChecks(contextOf(...args)), lines };
  } finally {
    write.mockRestore();
  }
}

test("every check has a line; what the agent cannot run without makes the exit code 1", async () => {
  const { code, lines } = await linesOf("--master", "http://127.0.0.1:2");
  expect(lines).toHaveLength(checks.length);
  expect(code).toBe(1);
  expect(lines.at(-1)).toMatch(/^FAILED +control plane +http:\/\/127\.0\.0\.1:2: .*ECONNREFUSED/);
});

test("with --json each line is an object", async () => {
  const { lines } = await linesOf("--json", "--master", "http://127.0.0.1:2");
  const findings = lines.map((line) => JSON.parse(line));
  expect(findings.map(({ check }) => check)).toEqual(checks.map(({ title }) => title));
  expect(findings[0]).toEqual({ check: "options", state: "OK", detail: "in order" });
});

test("mistakes in the options are findings", async () => {
  expect(await optionsCheck.run(contextOf("--port", "0"))).toMatchObject({
    state: "FAILED",
    detail: expect.stringMatching(/no master.*; --port '0' is not a port/),
  });
});

test("a folder that cannot be made is told before the agent tries", async () => {
  expect(await workDirectoryCheck.run(contextOf("--work-dir", "/proc/none/agent"))).toMatchObject({
    state: "FAILED",
    detail: expect.stringMatching(/^\/proc\/none\/agent: nothing can be made in \/proc \(/),
    advice: "choose another with --work-dir",
  });
});

test("a name that nobody knows has an advice of its own", async () => {
  expect(await linkCheck.run(contextOf("--master", "https://nobody.invalid"))).toMatchObject({
    state: "FAILED",
    advice: "check the name; behind a proxy set HTTPS_PROXY",
  });
});

test("a filter that every task is to have and cannot keeps the agent from running", async () => {
  const without = await seccompCheck.run(contextOf());
  const named = ["--seccomp-config-dir", "/nowhere", "--seccomp-profile-name", "default.json"];
  const asked = await seccompCheck.run(contextOf(...named));
  const lacking = whyNoFilters();
  expect(without.state).toBe(lacking === undefined ? "OK" : "LACKING");
  expect(asked.state).toBe("FAILED");
  expect(asked.detail).toContain(lacking ?? "/nowhere: ENOENT");
});
