import { expect, test } from "vitest";
import { Bench, framework, PID, signaled, states, statuses, task, types } from "./bench.ts";

const fetching = task("t1", { command: { value: "true", uris: [{ value: "http://h/a.tgz" }] } });

function fetched(bench: Bench) {
  return bench.input({ type: "FETCHED", containerId: bench.containerOf(1) });
}

test("a task with URIs is fetched for, then launched; nothing is said of it before it runs", () => {
  const bench = new Bench();
  const effects = bench.run(1, fetching);
  expect(types(effects)).toEqual(["FETCH", "POLL"]);
  expect(effects[0]).toMatchObject({ task: fetching, framework: { id: { value: "f1" } } });
  expect(types(fetched(bench))).toEqual(["LAUNCH"]);
  expect(types(fetched(bench)), "told twice").toEqual([]);
  expect(states(bench.started(1))).toEqual(["TASK_STARTING", "TASK_RUNNING"]);
});

test("a fetch that fails is a launch that fails", () => {
  const bench = new Bench();
  bench.run(1, fetching);
  const containerId = bench.containerOf(1);
  const message = "Failed to fetch all URIs for container 'x': HTTP 404";
  const effects = bench.input({ type: "LAUNCH_FAILED", containerId, message });
  expect(statuses(effects)).toMatchObject([
    {
      state: "TASK_FAILED",
      source: "SOURCE_AGENT",
      reason: "REASON_CONTAINER_LAUNCH_FAILED",
      message: `Failed to launch container: ${message}`,
    },
  ]);
});

test("a task killed while it is fetched for ends at once, and the fetch with it", () => {
  const bench = new Bench();
  bench.run(1, fetching);
  const containerId = bench.containerOf(1);
  const effects = bench.kill(2, 1);
  expect(effects).toContainEqual({ type: "CANCEL_FETCH", containerId });
  expect(statuses(effects)).toMatchObject([
    { state: "TASK_KILLED", source: "SOURCE_AGENT", reason: "REASON_TASK_KILLED_DURING_LAUNCH" },
  ]);
  expect(types(bench.input({ type: "FETCHED", containerId })), "too late").toEqual([]);
  bench.input({ type: "LAUNCH_FAILED", containerId, message: "cancelled" });
  bench.reportsDone();
  expect(states(bench.effects)).toEqual([]);
});

test("a framework that goes meanwhile ends the fetch, and nothing is said", () => {
  const bench = new Bench();
  bench.run(1, fetching);
  const effects = bench.commands({
    type: "SHUTDOWN_FRAMEWORK",
    number: 2n,
    shutdown_framework: { framework_id: { value: "f1" } },
  });
  expect(types(effects)).toContain("CANCEL_FETCH");
  expect(states(effects)).toEqual([]);
  expect(bench.state.run.size).toBe(0);
});

test("a crash during a fetch has it done again", () => {
  const bench = new Bench();
  bench.run(1, fetching);
  expect(types(bench.crash([]))).toEqual(["FETCH", "REGISTER"]);
  expect(bench.tasks()).toMatchObject([{ run_number: 1n, task: { state: "TASK_STAGING" } }]);
  fetched(bench);
  bench.started(1);
  expect(states(bench.register())).toEqual(["TASK_STARTING", "TASK_RUNNING"]);
});

test("a crash after the fetch is one during the launch: the task is dropped, or found running", () => {
  for (const [container, told] of [
    [{ state: "RUNNING", pid: PID }, ["TASK_STARTING", "TASK_RUNNING"]],
    [{ state: "ENDED", termination: { kind: "LOST", message: "no trace" } }, ["TASK_LOST"]],
  ] as const) {
    const bench = new Bench();
    bench.run(1, fetching);
    fetched(bench);
    bench.crash([{ containerId: bench.containerOf(1), ...container }]);
    expect(states(bench.register())).toEqual(told);
  }
});

test("a shutdown of their executor ends a group that is half fetched, each task once", () => {
  const bench = new Bench();
  const ids = ["a", "b", "c"];
  const run_task_group = {
    framework: framework("f1", "TASK_KILLING_STATE"),
    executor: { type: "DEFAULT", executor_id: { value: "e" } } as const,
    task_group: {
      tasks: ids.map((id) =>
        id === "b" ? task(id) : { ...fetching, name: id, task_id: { value: id } },
      ),
    },
  };
  bench.commands({ type: "RUN_TASK_GROUP", number: 1n, run_task_group });
  const [, b] = [...bench.state.run.values()].map(({ containerId }) => containerId);
  bench.input({ type: "CONTAINER_STARTED", containerId: b as never, pid: PID });
  const shutdown_executor = { framework_id: { value: "f1" }, executor_id: { value: "e" } };
  bench.commands({ type: "SHUTDOWN_EXECUTOR", number: 2n, shutdown_executor });
  bench.input({
    type: "CONTAINER_ENDED",
    containerId: b as never,
    termination: signaled("SIGTERM", 15),
  });
  const made = [...bench.state.update.values()].map(({ taskId, state }) => [taskId, state]);
  expect(made).toEqual([
    ["b", "TASK_STARTING"],
    ["b", "TASK_RUNNING"],
    ["a", "TASK_KILLED"],
    ["b", "TASK_KILLING"],
    ["c", "TASK_KILLED"],
    ["b", "TASK_KILLED"],
  ]);
});

test("a drained agent ends what it fetches for", () => {
  const bench = new Bench();
  bench.run(1, fetching);
  const effects = bench.commands({ type: "DRAIN", number: 2n, drain: { config: {} } });
  expect(statuses(effects)).toMatchObject([
    { state: "TASK_KILLED", reason: "REASON_AGENT_DRAINING" },
  ]);
  expect(types(effects)).toContain("CANCEL_FETCH");
});
