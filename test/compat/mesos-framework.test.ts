/**
 * npm mesos-framework 0.5.3, unmodified, against a running cluster. It parses chunk by chunk: one
 * record, one chunk.
 */
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { endEverything, newFolder, ROOT, startCluster, startProcess } from "../e2e/harness.ts";

afterEach(endEverything);

interface Line {
  readonly event: string;
  readonly id?: string;
  readonly state?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly frameworkId?: string;
}

test("npm mesos-framework runs five tasks, reconciles, kills one and tears down", async () => {
  const cluster = await startCluster({ agents: 2 });
  const { hostname, port } = new URL(cluster.url);
  const program = startProcess(
    process.execPath,
    [join(ROOT, "test/compat/mesos-framework-program.cjs"), hostname, port],
    { env: { LOG_FOLDER: newFolder() } },
  );
  expect(await program.ended, program.err.join("\n")).toBe(0);

  const lines = program.out.map((line) => JSON.parse(line) as Line);
  const updates = lines.filter(({ event }) => event === "update");
  const statesOf = (name: string): (string | undefined)[] =>
    updates
      .filter(({ id, reason }) => id?.includes(`.${name}-`) && reason !== "REASON_RECONCILIATION")
      .map(({ state }) => state);
  const lived = ["TASK_STARTING", "TASK_RUNNING"];
  for (const name of ["ok-one", "ok-two", "ok-three"]) {
    expect(statesOf(name), name).toEqual([...lived, "TASK_FINISHED"]);
  }
  expect(statesOf("fails")).toEqual([...lived, "TASK_FAILED"]);
  expect(statesOf("killed")).toEqual([...lived, "TASK_KILLED"]);
  const failure = updates.find(({ state }) => state === "TASK_FAILED");
  expect(failure?.message).toBe("Command exited with status 3");
  const answers = updates.filter(({ reason }) => reason === "REASON_RECONCILIATION");
  expect(answers.map(({ state }) => state)).toEqual(["TASK_RUNNING"]);
  expect(lines.some(({ event }) => event === "torn-down")).toBe(true);

  const frameworkId = lines.find(({ event }) => event === "subscribed")?.frameworkId;
  const response = await fetch(`${cluster.url}/frameworks`);
  const { completed_frameworks: completed } = (await response.json()) as {
    completed_frameworks: { id: string }[];
  };
  expect(completed.map(({ id }) => id)).toContain(frameworkId);
});
