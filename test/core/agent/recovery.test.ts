import { expect, test } from "vitest";
import {
  Bench,
  exited,
  framework,
  PID,
  running,
  signaled,
  states,
  statuses,
  task,
  types,
} from "./bench.ts";

test("a task that kept running is told nothing about, and its end is seen", () => {
  const bench = running();
  const containerId = bench.containerOf(1);
  expect(bench.crash([{ containerId, state: "RUNNING", pid: PID }])).toEqual([
    { type: "REGISTER" },
  ]);
  expect(states(bench.register())).toEqual([]);
  expect(states(bench.ended(1, exited(7)))).toEqual(["TASK_FAILED"]);
});

test("a task that ended meanwhile has its own exit code", () => {
  const bench = running();
  const containerId = bench.containerOf(1);
  bench.crash([{ containerId, state: "ENDED", termination: exited(3) }]);
  expect(statuses(bench.register())).toMatchObject([
    { state: "TASK_FAILED", message: "Command exited with status 3" },
  ]);
});

test("a task whose container was lost ends FAILED with the containerizer's words", () => {
  const bench = running();
  const containerId = bench.containerOf(1);
  const termination = { kind: "LOST", message: "The machine restarted" } as const;
  bench.crash([{ containerId, state: "ENDED", termination }]);
  expect(statuses(bench.register())).toMatchObject([
    {
      state: "TASK_FAILED",
      source: "SOURCE_AGENT",
      reason: "REASON_EXECUTOR_TERMINATED",
      message: "The machine restarted",
    },
  ]);
});

test("a task whose launch was only written down is DROPPED, or LOST to those who do not know DROPPED", () => {
  for (const [info, state] of [
    [framework("f1"), "TASK_LOST"],
    [framework("f1", "PARTITION_AWARE"), "TASK_DROPPED"],
  ] as const) {
    const bench = new Bench();
    bench.run(1, task("t1"), info);
    const containerId = bench.containerOf(1);
    const termination = { kind: "LOST", message: "unknown" } as const;
    bench.crash([{ containerId, state: "ENDED", termination }]);
    expect(statuses(bench.register())).toMatchObject([
      { state, source: "SOURCE_AGENT", reason: "REASON_AGENT_RESTARTED" },
    ]);
  }
});

test("a task whose launch the crash interrupted before the command ran is told as never launched", () => {
  const bench = new Bench();
  bench.run(1);
  const containerId = bench.containerOf(1);
  const termination = { kind: "NOT_STARTED", message: "the supervisor was killed" } as const;
  bench.crash([{ containerId, state: "ENDED", termination }]);
  expect(statuses(bench.register())).toMatchObject([
    { state: "TASK_LOST", reason: "REASON_AGENT_RESTARTED" },
  ]);
});

test("a container that started just before the crash is told of as if the agent had seen it start", () => {
  const bench = new Bench();
  bench.run(1);
  bench.crash([{ containerId: bench.containerOf(1), state: "RUNNING", pid: PID }]);
  expect(states(bench.register())).toEqual(["TASK_STARTING", "TASK_RUNNING"]);
});

test("a container that started and ended around the crash is told of in full", () => {
  const bench = new Bench();
  bench.run(1);
  const containerId = bench.containerOf(1);
  bench.crash([{ containerId, state: "ENDED", termination: exited(0) }]);
  expect(states(bench.register())).toEqual(["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]);
});

test("a kill under way is taken up again: SIGTERM at once, SIGKILL when the old grace ends", () => {
  const bench = running();
  bench.kill(2, 1, 5_000);
  bench.pass(4_000);
  const containerId = bench.containerOf(1);
  expect(types(bench.crash([{ containerId, state: "RUNNING", pid: PID }]))).toContain("TERMINATE");
  expect(types(bench.pass(999))).not.toContain("DESTROY");
  expect(types(bench.pass(1))).toContain("DESTROY");
});

test("a kill whose grace ended while the agent was away is SIGKILL at once", () => {
  const bench = running();
  bench.kill(2, 1, 5_000);
  bench.nowMs += 60_000;
  const effects = bench.crash([{ containerId: bench.containerOf(1), state: "RUNNING", pid: PID }]);
  expect(types(effects)).toContain("DESTROY");
});

test("a killed task that is gone after the crash ends KILLED", () => {
  const bench = running();
  bench.kill(2, 1);
  const containerId = bench.containerOf(1);
  bench.crash([{ containerId, state: "ENDED", termination: signaled("SIGTERM", 15) }]);
  expect(states(bench.register())).toEqual(["TASK_KILLED"]);
});

test("a task killed during its launch is destroyed when the crash let the launch through", () => {
  const bench = new Bench();
  bench.run(1);
  bench.kill(2, 1);
  const containerId = bench.containerOf(1);
  expect(types(bench.crash([{ containerId, state: "RUNNING", pid: PID }]))).toContain("DESTROY");
  expect(states(bench.ended(1, signaled("SIGKILL", 9)))).toEqual([]);
  expect(states(bench.register())).toEqual(["TASK_KILLED"]);
});

test("unacknowledged updates survive the crash, with their uuids, in their order", () => {
  const bench = new Bench();
  bench.run(1);
  const before = statuses(bench.started(1));
  expect(before).toHaveLength(2);
  bench.crash([{ containerId: bench.containerOf(1), state: "RUNNING", pid: PID }]);
  expect(statuses(bench.register())).toEqual(before);
});

test("a command carried out before the crash is not carried out again", () => {
  const bench = running();
  const containerId = bench.containerOf(1);
  bench.crash([{ containerId, state: "RUNNING", pid: PID }]);
  expect(bench.register()).toContainEqual({ type: "POLL", acknowledgedCommand: 1n });
  expect(types(bench.run(1))).toEqual(["POLL"]);
});
