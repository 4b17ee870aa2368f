import { expect, test } from "vitest";
import type * as link from "../../../worker/protocol/link/messages.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import {
  Bench,
  exited,
  framework,
  reported,
  running,
  signaled,
  states,
  statuses,
  task,
  types,
} from "./bench.ts";

test("a kill sends SIGTERM, SIGKILL after 3 s, and ends KILLED", () => {
  const bench = running();
  expect(types(bench.kill(2, 1))).toContain("TERMINATE");
  expect(types(bench.pass(2_999))).not.toContain("DESTROY");
  expect(types(bench.pass(1))).toContain("DESTROY");
  expect(statuses(bench.ended(1, signaled("SIGKILL", 9)))).toMatchObject([
    {
      state: "TASK_KILLED",
      source: "SOURCE_EXECUTOR",
      message: "Command terminated with signal Killed",
    },
  ]);
});

test("a killed task that exits with 0 ends KILLED", () => {
  const bench = running();
  bench.kill(2, 1);
  expect(states(bench.ended(1, exited(0)))).toEqual(["TASK_KILLED"]);
});

test("a framework that says anew what it can take is told so from then on", () => {
  const less = running({ framework: framework("f1", "TASK_KILLING_STATE") });
  less.commands(updateFramework(2, framework("f1")));
  expect(states(less.kill(3, 1))).toEqual([]);
  const more = running();
  more.commands(updateFramework(2, framework("f1", "TASK_KILLING_STATE")));
  expect(states(more.kill(3, 1))).toEqual(["TASK_KILLING"]);
  const aware = running();
  aware.commands(updateFramework(2, framework("f1", "PARTITION_AWARE")));
  expect(states(aware.kill(5, 3))).toEqual(["TASK_DROPPED"]);
});

test("news of a framework that is not here are dropped", () => {
  const bench = running();
  bench.commands(updateFramework(2, framework("stranger")));
  expect([...bench.state.framework.values()].map(({ id }) => id)).toEqual(["f1"]);
});

function updateFramework(number: number, info: mesos.FrameworkInfo): link.Command {
  const update_framework = { framework: info };
  return { type: "UPDATE_FRAMEWORK", number: BigInt(number), update_framework };
}

test("TASK_KILLING is for frameworks that know it", () => {
  const knowing = running({ framework: framework("f1", "TASK_KILLING_STATE") });
  expect(states(knowing.kill(2, 1))).toEqual(["TASK_KILLING"]);
  expect(states(running().kill(2, 1))).toEqual([]);
});

test("the task's own grace period holds when the KILL names none", () => {
  const patient = task("t1", {
    kill_policy: { grace_period: { nanoseconds: 10_000_000_000n } },
  });
  const bench = running({ task: patient });
  bench.kill(2, 1);
  expect(types(bench.pass(9_999))).not.toContain("DESTROY");
  expect(types(bench.pass(1))).toContain("DESTROY");
});

test("the KILL's grace period wins over the task's", () => {
  const patient = task("t1", {
    kill_policy: { grace_period: { nanoseconds: 10_000_000_000n } },
  });
  const bench = running({ task: patient });
  bench.kill(2, 1, 500);
  expect(types(bench.pass(500))).toContain("DESTROY");
});

test("a grace of 0 kills at once", () => {
  const bench = running();
  expect(types(bench.kill(2, 1, 0))).toContain("DESTROY");
});

test("a later KILL shortens the grace, counted from the first", () => {
  const bench = running();
  bench.kill(2, 1, 60_000);
  bench.pass(1_000);
  bench.kill(3, 1, 5_000);
  expect(types(bench.pass(3_999))).not.toContain("DESTROY");
  expect(types(bench.pass(1))).toContain("DESTROY");
});

test("a later KILL whose grace is over already kills at once", () => {
  const bench = running();
  bench.kill(2, 1, 60_000);
  bench.pass(10_000);
  expect(types(bench.kill(3, 1, 5_000))).toContain("DESTROY");
});

test("a later KILL never lengthens the grace, and one without a policy changes nothing", () => {
  const bench = running();
  bench.kill(2, 1, 1_000);
  bench.kill(3, 1, 60_000);
  bench.kill(4, 1);
  expect(types(bench.pass(1_000))).toContain("DESTROY");
});

test("a task killed while it is being launched ends KILLED with the reason for that", () => {
  const bench = new Bench();
  bench.run(1);
  bench.kill(2, 1);
  expect(reported(bench.effects)).toEqual([]);
  expect(types(bench.started(1))).toEqual(["DESTROY"]);
  expect(statuses(bench.ended(1, signaled("SIGKILL", 9)))).toMatchObject([
    { state: "TASK_KILLED", source: "SOURCE_AGENT", reason: "REASON_TASK_KILLED_DURING_LAUNCH" },
  ]);
});

test("RUN_TASK and KILL_TASK in one answer launch and kill once", () => {
  const bench = new Bench();
  const effects = bench.commands(
    { type: "RUN_TASK", number: 1n, run_task: { framework: framework("f1"), task: task("t1") } },
    {
      type: "KILL_TASK",
      number: 2n,
      kill_task: { framework_id: { value: "f1" }, task_id: { value: "t1" }, run_number: 1n },
    },
  );
  expect(types(effects)).toEqual(["LAUNCH", "POLL"]);
  expect(types(bench.started(1))).toEqual(["DESTROY"]);
});

test("a kill of a run that is not here is answered DROPPED, or LOST to those who do not know DROPPED", () => {
  const plain = new Bench();
  expect(statuses(plain.kill(5, 3))).toMatchObject([
    { state: "TASK_LOST", source: "SOURCE_AGENT", reason: "REASON_EXECUTOR_TERMINATED" },
  ]);
  expect(statuses(plain.effects)[0]?.uuid).toHaveLength(16);
  const aware = running({ framework: framework("f1", "PARTITION_AWARE") });
  expect(states(aware.kill(5, 3))).toEqual(["TASK_DROPPED"]);
});

test("a kill that comes before its launch changes nothing: the launch is still on its way", () => {
  const bench = new Bench();
  const volatileKill = {
    type: "KILL_TASK",
    kill_task: { framework_id: { value: "f1" }, task_id: { value: "t1" }, run_number: 7n },
  } as const;
  expect(types(bench.commands(volatileKill))).toEqual(["POLL"]);
  expect(types(bench.run(7))).toContain("LAUNCH");
});

test("a kill of a run that has ended, or is completed, changes nothing", () => {
  const bench = running();
  const [status] = statuses(bench.ended(1, exited(0)));
  bench.reportDone();
  expect(types(bench.kill(2, 1))).toEqual(["POLL"]);
  bench.acknowledge(status as never);
  expect(types(bench.kill(3, 1))).toEqual(["POLL"]);
});
