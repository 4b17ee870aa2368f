import { afterAll, afterEach, describe, expect, test } from "vitest";
import {
  type ContainerizerChoice,
  describeChoice,
  readContainerizer,
  unboundedOption,
} from "../../../agent/containerizer-options.ts";
import { readIsolationOptions } from "../../../agent/isolation-options.ts";
import { type GivenOptions, readOptions } from "../../../agent/read-options.ts";
import { assert } from "../../../worker/std/assert.ts";
import { err, type Result } from "../../../worker/std/result.ts";
import { requirement } from "../../support/require.ts";
import { endMasters, newMaster } from "./agent-lab.ts";
import { cleanUp, startAgent, temporaryDirectory } from "./agent-process.ts";

const cgroups = requirement("cgroups");

afterEach(endMasters);
afterAll(() => cleanUp());

function givenOf(...args: string[]): GivenOptions {
  const given = readOptions({ args, env: {}, readFile: () => err("no") });
  assert(given.ok, "the line is in order");
  return given.value;
}

function choice(isRoot: boolean, ...args: string[]): Result<ContainerizerChoice, string> {
  const given = givenOf(...args);
  const isolation = readIsolationOptions(given, (read, otherwise) =>
    read.ok ? read.value : otherwise,
  );
  return readContainerizer(given, isolation, { isRoot });
}

describe("which containerizer runs tasks that are not Docker's", () => {
  test("where nobody says, the one that isolates if the agent has the rights for it", () => {
    expect(choice(true)).toMatchObject({ value: { kind: "cgroups", reason: "ROOT" } });
    expect(choice(false)).toMatchObject({ value: { kind: "process", reason: "NOT_ROOT" } });
  });

  test("the one that is named, whoever the agent runs as", () => {
    const named = { value: { kind: "process", reason: "NAMED" } };
    expect(choice(true, "--containerizer", "process")).toMatchObject(named);
    expect(choice(false, "--containerizer", "cgroups")).toMatchObject({
      value: { kind: "cgroups" },
    });
  });

  test.each([
    ["posix/cpu,posix/mem", "process"],
    ["posix/cpu,posix/mem,filesystem/posix", "process"],
    ["cgroups/cpu,cgroups/mem", "cgroups"],
    ["posix/cpu,posix/mem,disk/du", "cgroups"],
  ])("--isolation=%s asks for %s by itself, as in Mesos", (isolation, kind) => {
    for (const isRoot of [true, false]) {
      expect(choice(isRoot, "--isolation", isolation)).toMatchObject({
        value: { kind, reason: "ISOLATION" },
      });
    }
  });

  test("isolation from the one that has none is a contradiction", () => {
    const line = ["--containerizer", "process", "--isolation", "cgroups/mem"];
    expect(choice(true, ...line)).toMatchObject({
      error:
        "--isolation asks for cgroups/mem, and --containerizer process isolates nothing; " +
        "leave one of them out",
    });
    expect(choice(true, "--containerizer", "process", "--isolation", "posix/mem").ok).toBe(true);
  });

  test("a bound that would bound nothing is refused", () => {
    const bounded = (kind: "process" | "cgroups", ...names: ("mesos" | "docker")[]) =>
      unboundedOption(givenOf("--enforce-container-disk-quota"), kind, names);
    expect(bounded("process", "mesos")).toMatch(/^--enforce-.* needs containers whose limits hold/);
    expect(bounded("process", "mesos", "docker")).toBeUndefined();
    expect(bounded("cgroups", "mesos")).toBeUndefined();
    const caps = unboundedOption(givenOf("--cgroups-enable-cfs"), "process", ["mesos"]);
    expect(caps).toMatch(/^--cgroups-enable-cfs needs/);
  });

  test("the agent's log says which one it is, and why", () => {
    expect(describeChoice({ kind: "process", reason: "NOT_ROOT" })).toBe(
      "process (no isolation), as the agent does not run as root",
    );
    expect(describeChoice({ kind: "cgroups", reason: "NAMED" })).toBe("cgroups");
  });
});

describe.skipIf(cgroups.missing)(cgroups.title("an agent of root's without options"), () => {
  test("isolates its tasks, and says so", async () => {
    const master = await newMaster();
    const workDirectory = temporaryDirectory();
    const agent = await startAgent(["--master", master.url, "--work-dir", workDirectory]);
    await master.until("the agent registers", () => master.registrations[0]);
    expect(agent.log()).toContain("containerizer cgroups, as the agent runs as root; API at");
    master.run("t1", "test $$ -lt 100 && exit 3");
    const { message } = await master.state("t1", "TASK_FAILED");
    expect(message).toBe("Command exited with status 3");
  });
});
