import { expect, test } from "vitest";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
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

const seconds = (value: number) => ({ nanoseconds: BigInt(value) * 1_000_000_000n });
const patient = task("t1", { kill_policy: { grace_period: seconds(60) } });
const aware = framework("f1", "PARTITION_AWARE", "TASK_KILLING_STATE");

function drain(bench: Bench, number: number, config: mesos.DrainConfig = {}) {
  return bench.commands({ type: "DRAIN", number: BigInt(number), drain: { config } });
}

test("every task is killed, and its updates say that the agent is being drained", () => {
  const bench = running({ framework: aware });
  const effects = drain(bench, 2);
  expect(types(effects)).toContain("TERMINATE");
  expect(statuses(effects)).toMatchObject([
    { state: "TASK_KILLING", source: "SOURCE_EXECUTOR", reason: "REASON_AGENT_DRAINING" },
  ]);
  bench.reportDone();
  expect(statuses(bench.ended(1, signaled("SIGTERM", 15))).at(-1)).toMatchObject({
    state: "TASK_KILLED",
    reason: "REASON_AGENT_DRAINING",
  });
});

test("a task's own grace holds, unless the longest grace is shorter", () => {
  for (const [config, graceMs] of [
    [{}, 60_000],
    [{ max_grace_period: seconds(5) }, 5_000],
    [{ max_grace_period: seconds(90) }, 60_000],
    [{ max_grace_period: seconds(0) }, 0],
  ] as const) {
    const bench = running({ task: patient });
    const kinds = [...types(drain(bench, 2, config))];
    kinds.push(...types(bench.pass(Math.max(graceMs - 1, 0))));
    expect(kinds.includes("DESTROY"), `${graceMs}`).toBe(graceMs === 0);
    if (graceMs > 0) expect(types(bench.pass(1))).toContain("DESTROY");
  }
});

test("a kill that is under way is hastened by the longest grace, and says the drain as its reason", () => {
  const bench = running({ task: patient });
  bench.kill(2, 1);
  expect(types(drain(bench, 3, { max_grace_period: seconds(1) }))).not.toContain("DESTROY");
  expect(types(bench.pass(1_000))).toContain("DESTROY");
  expect(statuses(bench.ended(1, signaled("SIGKILL", 9)))).toMatchObject([
    { state: "TASK_KILLED", reason: "REASON_AGENT_DRAINING" },
  ]);
});

test("before the agent is marked gone, those who know are told GONE_BY_OPERATOR, others KILLED", () => {
  for (const [info, state] of [
    [aware, "TASK_GONE_BY_OPERATOR"],
    [framework("f1"), "TASK_KILLED"],
  ] as const) {
    const bench = running({ framework: info });
    drain(bench, 2, { mark_gone: true });
    bench.reportsDone();
    expect(statuses(bench.ended(1, signaled("SIGTERM", 15))).at(-1)).toMatchObject({
      state,
      reason: "REASON_AGENT_DRAINING",
    });
  }
});

test("a task that ends by itself meanwhile tells its own end", () => {
  const bench = running({ task: task("t1", { max_completion_time: seconds(5) }) });
  bench.pass(5_000);
  drain(bench, 2);
  expect(statuses(bench.ended(1, exited(3)))).toMatchObject([
    { state: "TASK_FAILED", reason: "REASON_MAX_COMPLETION_TIME_REACHED" },
  ]);
});

test("a task that arrives is dropped, or lost to those who do not know DROPPED", () => {
  for (const [info, state] of [
    [aware, "TASK_DROPPED"],
    [framework("f1"), "TASK_LOST"],
  ] as const) {
    const bench = running({ framework: info });
    drain(bench, 2);
    bench.reportsDone();
    const effects = bench.run(3, task("t3"), info);
    expect(types(effects)).not.toContain("LAUNCH");
    expect(statuses(effects).at(-1)).toMatchObject({
      task_id: { value: "t3" },
      state,
      source: "SOURCE_AGENT",
      reason: "REASON_AGENT_DRAINING",
    });
  }
});

test("it goes on after a crash, and is over when the last end is acknowledged", () => {
  const bench = running();
  drain(bench, 2);
  bench.crash([{ containerId: bench.containerOf(1), state: "RUNNING", pid: PID }]);
  bench.register();
  expect(states(bench.run(3, task("t3")))).toEqual(["TASK_LOST"]);
  const [dropped] = statuses(bench.effects);
  bench.reportDone();
  bench.acknowledge(dropped as mesos.TaskStatus);
  const [killed] = statuses(bench.ended(1, signaled("SIGTERM", 15)));
  bench.reportDone();
  expect(bench.state.drain.size).toBe(1);
  bench.acknowledge(killed as mesos.TaskStatus);
  expect(bench.state.drain.size).toBe(0);
  expect(types(bench.run(4, task("t4")))).toContain("LAUNCH");
});

test("an agent without tasks is drained at once", () => {
  const bench = new Bench();
  drain(bench, 1);
  expect(bench.state.drain.size).toBe(0);
});
