import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { readCommandLine } from "../../../agent/config.ts";
import { assert } from "../../../worker/std/assert.ts";
import { err, ok } from "../../../worker/std/result.ts";
import { endMasters, joined } from "./agent-lab.ts";
import { cleanUp, temporaryDirectory } from "./agent-process.ts";

afterEach(endMasters);
afterAll(() => cleanUp());

const files: Readonly<Record<string, string>> = { "/etc/vars.json": '{"A": "from file"}' };

function optionsOf(...args: string[]) {
  return readCommandLine({
    args: ["--master", "http://x", ...args],
    env: {},
    readFile: (path) => (path in files ? ok(files[path] ?? "") : err("it cannot be read (ENOENT)")),
  });
}

function tasksOf(...args: string[]) {
  const read = optionsOf(...args);
  assert(read.ok && read.value.type === "RUN", "the line is in order");
  return read.value.config.tasks;
}

describe("what all tasks find", () => {
  test("variables are JSON, or a file of it, as Mesos takes flags", () => {
    const name = "--executor_environment_variables";
    expect(tasksOf(name, '{"A": "1", "B": ""}').environment).toEqual({ A: "1", B: "" });
    for (const file of ["/etc/vars.json", "file:///etc/vars.json"]) {
      expect(tasksOf(`${name}=${file}`).environment).toEqual({ A: "from file" });
    }
    expect(tasksOf().environment).toEqual({});
  });

  test.each([
    ["{", /is not JSON; write an object like/],
    ["/no/file", /\/no\/file: it cannot be read/],
    ['{"A": 1}', /something else than a text for A; put it in quotes/],
    ['{"A=B": "x"}', /the name 'A=B', which no variable can have/],
    ['{"": "x"}', /the name ''/],
  ])("variables like %s are a mistake that is told", (text, why) => {
    expect(optionsOf("--executor-environment-variables", text)).toMatchObject({
      error: [expect.stringMatching(why)],
    });
  });

  test("users are switched to by root alone, and not where the operator forbids it", () => {
    expect(tasksOf().switchUser).toBe(process.geteuid?.() === 0);
    for (const forbidden of ["--no-switch_user", "--switch_user=false"]) {
      expect(tasksOf(forbidden).switchUser, forbidden).toBe(false);
    }
    expect(tasksOf("--switch_user").switchUser).toBe(process.geteuid?.() === 0);
  });

  test("folders are absolute", () => {
    expect(tasksOf("--frameworks_home=/srv/f/").frameworksHome).toBe("/srv/f");
    expect(optionsOf("--hadoop-home", "hadoop")).toMatchObject({
      error: ["--hadoop-home 'hadoop' is a relative path; make it absolute"],
    });
  });
});

test("a task has the operator's variables, and files of his folder by their relative paths", async () => {
  const folder = temporaryDirectory();
  writeFileSync(join(folder, "program"), '#!/bin/sh\necho "$GIVEN"; exit 3\n');
  const { master, workDirectory } = await joined(
    ...["--executor_environment_variables", '{"GIVEN": "by the operator"}'],
    ...["--frameworks_home", folder, "--no-switch_user"],
  );
  const uris = [{ value: "program", executable: true }];
  master.run("t1", "", { command: { value: "./program", uris } });
  await master.state("t1", "TASK_FAILED");
  const run = join(workDirectory, "slaves/test-S0/frameworks/f1/executors/t1/runs/latest");
  expect(readFileSync(join(run, "stdout"), "utf8")).toBe("by the operator\n");
});
