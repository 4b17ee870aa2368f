import { describe, expect, test } from "vitest";
import type { AgentId } from "../../../worker/protocol/ids.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import {
  Bench,
  exited,
  framework,
  reported,
  running,
  states,
  statuses,
  task,
  types,
} from "./bench.ts";

describe("reports", () => {
  test("one report is in flight; what comes meanwhile goes into the next, with what is unacknowledged of its run", () => {
    const bench = new Bench();
    bench.run(1);
    const [starting] = statuses(bench.started(1));
    bench.acknowledge(starting as mesos.TaskStatus);
    expect(reported(bench.run(2, task("t2")))).toEqual([]);
    expect(reported(bench.started(2))).toEqual([]);
    expect(reported(bench.ended(1, exited(0)))).toEqual([]);
    const next = reported(bench.reportDone());
    expect(
      next.map(({ status, latest_state }) => [status.task_id.value, status.state, latest_state]),
    ).toEqual([
      ["t1", "TASK_RUNNING", "TASK_FINISHED"],
      ["t2", "TASK_STARTING", "TASK_RUNNING"],
      ["t2", "TASK_RUNNING", "TASK_RUNNING"],
      ["t1", "TASK_FINISHED", "TASK_FINISHED"],
    ]);
  });

  test("an update tells the latest state of its run, also when repeated", () => {
    const bench = new Bench();
    bench.run(1);
    bench.started(1);
    bench.reportsDone();
    bench.ended(1, exited(0));
    bench.reportDone();
    const repeated = reported(bench.pass(10_000));
    expect(repeated.map(({ status, latest_state }) => [status.state, latest_state])).toEqual([
      ["TASK_STARTING", "TASK_FINISHED"],
      ["TASK_RUNNING", "TASK_FINISHED"],
      ["TASK_FINISHED", "TASK_FINISHED"],
    ]);
  });

  test("an update is repeated after 10 s, doubling to 10 min, until acknowledged", () => {
    const bench = running();
    const [first] = statuses(bench.ended(1, exited(0)));
    bench.reportDone();
    const gaps: number[] = [];
    let seconds = 0;
    for (let round = 0; round < 250; round++) {
      seconds += 10;
      const repeated = states(bench.pass(10_000));
      if (repeated.length === 0) continue;
      expect(repeated).toEqual(["TASK_FINISHED"]);
      gaps.push(seconds);
      seconds = 0;
      bench.reportDone();
    }
    expect(gaps).toEqual([10, 20, 40, 80, 160, 320, 600, 600, 600]);
    bench.acknowledge(first as mesos.TaskStatus);
    expect(states(bench.pass(3_600_000))).toEqual([]);
  });

  test("an acknowledgement with another uuid changes nothing", () => {
    const bench = new Bench();
    bench.run(1);
    const [status] = statuses(bench.started(1));
    bench.reportsDone();
    bench.acknowledge({ ...(status as mesos.TaskStatus), uuid: new Uint8Array(16) });
    expect(states(bench.pass(10_000))).toEqual(["TASK_STARTING", "TASK_RUNNING"]);
  });

  test("RESUME_UPDATES repeats the framework's updates at once, and no other's", () => {
    const bench = new Bench();
    bench.run(1);
    bench.run(2, task("t2"), framework("f2"));
    bench.started(1);
    bench.started(2);
    bench.reportsDone();
    const effects = bench.commands({
      type: "RESUME_UPDATES",
      resume_updates: { framework_id: { value: "f2" } },
    });
    expect(reported(effects).map(({ framework_id }) => framework_id.value)).toEqual(["f2", "f2"]);
  });

  test("a report that failed is repeated, in order with what came since, after a short pause", () => {
    const bench = new Bench();
    bench.run(1);
    bench.started(1);
    bench.input({ type: "REPORT_FAILED", reportNumber: bench.state.lastReportNumber });
    expect(states(bench.ended(1, exited(0)))).toEqual([]);
    expect(states(bench.pass(100))).toEqual(["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]);
  });

  test("while reports fail they are tried at least every 2 s", () => {
    const bench = new Bench();
    bench.run(1);
    bench.started(1);
    let attempts = 0;
    for (let round = 0; round < 30; round++) {
      bench.input({ type: "REPORT_FAILED", reportNumber: bench.state.lastReportNumber });
      attempts += types(bench.pass(2_000)).filter((type) => type === "REPORT").length;
    }
    expect(attempts).toBe(30);
  });

  test("the answer to an older report says nothing about the newer one", () => {
    const bench = new Bench();
    bench.run(1);
    bench.started(1);
    const older = bench.state.lastReportNumber;
    bench.input({ type: "REGISTER_AGAIN" });
    bench.register();
    bench.input({ type: "REPORT_DONE", reportNumber: older });
    expect(bench.state.link.state).toBe("REPORTING");
  });

  test("a report carries at most 1,000 runs; the rest follows, and nothing is sent over and over", () => {
    const bench = new Bench();
    const last = 2_200;
    for (let number = 1; number <= last; number++) bench.run(number, task(`t${number}`));
    for (let number = 1; number <= last; number++) bench.started(number);
    for (let number = 1; number <= last; number++) bench.ended(number, exited(0));
    bench.input({ type: "REGISTER_AGAIN" });
    const rounds = [reported(bench.register())];
    for (let round = 0; round < 5; round++) rounds.push(reported(bench.reportDone()));
    expect(rounds.map((updates) => updates.length)).toEqual([3_000, 3_000, 600, 0, 0, 0]);
    const sent = rounds.flat().map(({ status }) => String(status.uuid));
    expect(new Set(sent).size).toBe(3 * last);
  });
});

describe("reconciliation", () => {
  const reconcile = (run: number) =>
    ({
      type: "RECONCILE_TASKS",
      reconcile_tasks: {
        tasks: [
          { framework_id: { value: "f1" }, task_id: { value: "t1" }, run_number: BigInt(run) },
        ],
      },
    }) as const;

  test("a run that the agent does not have is answered once, with a uuid, and repeated like any update", () => {
    const bench = new Bench();
    bench.run(4, task("t4"));
    expect(statuses(bench.commands(reconcile(3)))).toMatchObject([
      { state: "TASK_LOST", source: "SOURCE_AGENT", reason: "REASON_RECONCILIATION" },
    ]);
    bench.reportDone();
    expect(statuses(bench.commands(reconcile(3)))).toEqual([]);
    expect(states(bench.pass(10_000))).toEqual(["TASK_LOST"]);
  });

  test("a partition-aware framework is told DROPPED", () => {
    const bench = new Bench();
    bench.run(4, task("t4"), framework("f1", "PARTITION_AWARE"));
    expect(states(bench.commands(reconcile(3)))).toEqual(["TASK_DROPPED"]);
  });

  test("a run that the agent has, had, or is still to get needs no answer", () => {
    const bench = running();
    expect(statuses(bench.commands(reconcile(1)))).toEqual([]);
    expect(statuses(bench.commands(reconcile(9)))).toEqual([]);
    const [status] = statuses(bench.ended(1, exited(0)));
    bench.reportDone();
    bench.acknowledge(status as mesos.TaskStatus);
    expect(statuses(bench.commands(reconcile(1)))).toEqual([]);
  });
});

describe("registration", () => {
  test("the request lists every run that is not completed, with its state and run number", () => {
    const bench = running();
    bench.run(2, task("t2", { labels: { labels: [{ key: "a", value: "b" }] } }));
    expect(bench.tasks()).toMatchObject([
      {
        run_number: 1n,
        task: { task_id: { value: "t1" }, state: "TASK_RUNNING", framework_id: { value: "f1" } },
      },
      { run_number: 2n, task: { state: "TASK_STAGING", labels: { labels: [{ key: "a" }] } } },
    ]);
    bench.ended(1, exited(0));
    expect(bench.tasks()[0]?.task.state).toBe("TASK_FINISHED");
  });

  test("after registering again, unacknowledged updates go out at once and polling goes on", () => {
    const bench = new Bench();
    bench.run(1);
    bench.started(1);
    bench.reportsDone();
    expect(bench.input({ type: "REGISTER_AGAIN" })).toEqual([{ type: "REGISTER" }]);
    expect(bench.input({ type: "REGISTER_AGAIN" })).toEqual([]);
    const effects = bench.register();
    expect(types(effects)).toEqual(["POLL", "REPORT"]);
    expect(states(effects)).toEqual(["TASK_STARTING", "TASK_RUNNING"]);
    expect(effects[0]).toEqual({ type: "POLL", acknowledgedCommand: 1n });
  });

  test("commands of a session that has ended are left to the next one", () => {
    const bench = new Bench();
    bench.input({ type: "REGISTER_AGAIN" });
    expect(bench.run(1)).toEqual([]);
    bench.register();
    expect(types(bench.run(1))).toContain("LAUNCH");
  });

  test("under another id nothing of the old life is told, its containers end, and numbers begin anew", () => {
    const bench = running();
    bench.run(7, task("t7"));
    const containerId = bench.containerOf(1);
    bench.input({ type: "REGISTER_AGAIN" });
    const effects = bench.register("other-S0" as AgentId);
    expect(types(effects)).toContain("TERMINATE");
    expect(effects).toContainEqual({ type: "POLL", acknowledgedCommand: 0n });
    expect(bench.tasks()).toEqual([]);
    // A run of the new life may have the number of an old one.
    expect(types(bench.run(1))).toContain("LAUNCH");
    bench.input({ type: "CONTAINER_ENDED", containerId, termination: exited(0) });
    expect(states(bench.started(1))).toEqual(["TASK_STARTING", "TASK_RUNNING"]);
  });
});

test("a CALL goes to the shell as it came; commands without their part do nothing", () => {
  const bench = new Bench();
  const call = { type: "GET_HEALTH" } as const;
  const effects = bench.commands(
    { type: "CALL", call: { call_id: "c1", call } },
    { type: "CALL" },
    { type: "RUN_TASK", number: 1n },
    { type: "KILL_TASK", number: 2n },
    { type: "ACKNOWLEDGE" },
    { type: "RECONCILE_TASKS" },
    { type: "SHUTDOWN_FRAMEWORK", number: 3n },
    { type: "SHUTDOWN_EXECUTOR", number: 4n },
    { type: "FRAMEWORK_MESSAGE" },
    { type: "RESUME_UPDATES" },
    { type: "UNKNOWN" },
  );
  expect(effects).toEqual([
    { type: "CALL", callId: "c1", call: { call_id: "c1", call } },
    { type: "POLL", acknowledgedCommand: 4n },
  ]);
});
