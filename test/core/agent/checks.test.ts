import { describe, expect, test } from "vitest";
import type { CheckKind, CheckResult } from "../../../agent/core/check-result.ts";
import type { Effect } from "../../../agent/core/effect.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { Bench, framework, PID, reported, signaled, statuses, task, types } from "./bench.ts";

const command: mesos.CheckInfo = {
  type: "COMMAND",
  command: { command: { value: "true" } },
  delay_seconds: 1,
  interval_seconds: 2,
};
const health: mesos.HealthCheck = {
  type: "TCP",
  tcp: { port: 80 },
  delay_seconds: 1,
  interval_seconds: 2,
  grace_period_seconds: 0,
};
const exit = (code: number): CheckResult => ({ kind: "EXIT_CODE", code });
const refused: CheckResult = { kind: "CONNECTION", succeeded: false, why: "connection refused" };
const connected: CheckResult = { kind: "CONNECTION", succeeded: true };

/** A task with these checks, running; its first updates are acknowledged. */
function running(more: Partial<mesos.TaskInfo>): Bench {
  const bench = new Bench();
  bench.run(1, task("t1", more), framework("f1", "TASK_KILLING_STATE"));
  settle(bench, bench.started(1));
  return bench;
}

function settle(bench: Bench, effects: readonly Effect[]): void {
  const told = statuses([...effects, ...bench.reportsDone()]);
  for (const status of told) bench.acknowledge(status);
}

const made = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.type === "CHECK" ? [effect.kind] : []));

/** The check under way comes to this; what is told of it. */
function done(bench: Bench, kind: CheckKind, result: CheckResult): mesos.TaskStatus[] {
  const effects = bench.input({
    type: "CHECK_DONE",
    containerId: bench.containerOf(1),
    kind,
    result,
  });
  const told = statuses(effects);
  settle(bench, effects);
  bench.effects = effects;
  return told;
}

/** The next one comes to this. */
function next(bench: Bench, kind: CheckKind, result: CheckResult): mesos.TaskStatus[] {
  expect(made(bench.pass(2_000))).toContain(kind);
  return done(bench, kind, result);
}

describe("a check", () => {
  test("is made after its delay, and again its interval after the last one ended", () => {
    const bench = running({ check: command });
    expect(made(bench.pass(999))).toEqual([]);
    const effects = bench.pass(1);
    expect(made(effects)).toEqual(["CHECK"]);
    expect(effects.find(({ type }) => type === "CHECK")).toMatchObject({ pid: PID });
    expect(made(bench.pass(10_000))).toEqual([]);
    done(bench, "CHECK", exit(0));
    expect(made(bench.pass(1_999))).toEqual([]);
    expect(made(bench.pass(1))).toEqual(["CHECK"]);
  });

  test("has Mesos' times where none are given, and never more than ten a second", () => {
    const { delay_seconds: _, interval_seconds: __, ...plain } = command;
    const bench = running({ check: plain });
    expect(made(bench.pass(14_999))).toEqual([]);
    expect(made(bench.pass(1))).toEqual(["CHECK"]);
    const fast = new Bench();
    fast.run(1, task("t1", { check: { ...plain, delay_seconds: 0, interval_seconds: 0 } }));
    expect(made(fast.started(1))).toEqual(["CHECK"]);
    done(fast, "CHECK", exit(0));
    expect(made(fast.pass(99))).toEqual([]);
    expect(made(fast.pass(1))).toEqual(["CHECK"]);
  });

  test("is in every status, empty before its first outcome", () => {
    const bench = new Bench();
    bench.run(1, task("t1", { check: command }));
    const told = statuses(bench.started(1));
    expect(told.map(({ check_status }) => check_status)).toEqual([
      { type: "COMMAND", command: {} },
      { type: "COMMAND", command: {} },
    ]);
  });

  test("is told when it differs from what was told last, and never kills", () => {
    const bench = running({ check: command });
    bench.pass(1_000);
    expect(done(bench, "CHECK", exit(0))).toMatchObject([
      {
        state: "TASK_RUNNING",
        source: "SOURCE_EXECUTOR",
        reason: "REASON_TASK_CHECK_STATUS_UPDATED",
        check_status: { type: "COMMAND", command: { exit_code: 0 } },
      },
    ]);
    expect(next(bench, "CHECK", exit(0))).toEqual([]);
    for (let at = 0; at < 10; at++) next(bench, "CHECK", exit(at));
    const [status] = next(bench, "CHECK", { kind: "NONE", why: "took too long" });
    expect(status?.check_status).toEqual({ type: "COMMAND", command: {} });
    expect(bench.runRow(1)?.stage.state).toBe("RUNNING");
    expect(bench.runRow(1)?.earlierStatuses).toHaveLength(1);
  });

  const outcomes: [mesos.CheckInfo, CheckResult, mesos.CheckStatusInfo][] = [
    [
      { type: "HTTP", http: { port: 80 } },
      { kind: "STATUS_CODE", code: 503 },
      { type: "HTTP", http: { status_code: 503 } },
    ],
    [{ type: "TCP", tcp: { port: 80 } }, refused, { type: "TCP", tcp: { succeeded: false } }],
    [{ type: "TCP", tcp: { port: 80 } }, connected, { type: "TCP", tcp: { succeeded: true } }],
  ];
  test.each(outcomes)("%j tells its outcome as it is", (check, result, expected) => {
    const bench = running({ check });
    bench.pass(15_000);
    expect(done(bench, "CHECK", result)[0]?.check_status).toEqual(expected);
  });
});

describe("a health check", () => {
  test("tells each failure, the first success, and each success after a failure", () => {
    const bench = running({ health_check: health });
    bench.pass(1_000);
    const told = [
      done(bench, "HEALTH", connected),
      next(bench, "HEALTH", connected),
      next(bench, "HEALTH", refused),
      next(bench, "HEALTH", refused),
      next(bench, "HEALTH", connected),
    ];
    expect(told.map((all) => all.map(({ healthy }) => healthy))).toEqual([
      [true],
      [],
      [false],
      [false],
      [true],
    ]);
    expect(told[3]?.[0]).toMatchObject({
      state: "TASK_RUNNING",
      reason: "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED",
      message: "Health check failed (2 in a row): connection refused",
    });
  });

  test("kills after as many failures in a row as asked, and the end says unhealthy", () => {
    const bench = running({ health_check: { ...health, consecutive_failures: 2 } });
    bench.pass(1_000);
    done(bench, "HEALTH", refused);
    next(bench, "HEALTH", connected);
    next(bench, "HEALTH", refused);
    expect(types(bench.effects)).not.toContain("TERMINATE");
    next(bench, "HEALTH", refused);
    expect(types(bench.effects)).toContain("TERMINATE");
    expect(made(bench.pass(60_000))).toEqual([]);
    const [ended] = statuses(bench.ended(1, signaled("SIGTERM", 15)));
    expect(ended).toMatchObject({ state: "TASK_KILLED", healthy: false });
    expect(ended?.reason).toBeUndefined();
  });

  test("does not count failures within the grace period, until the first success", () => {
    const bench = running({ health_check: { ...health, grace_period_seconds: 5 } });
    bench.pass(1_000);
    expect(done(bench, "HEALTH", refused)).toEqual([]);
    expect(next(bench, "HEALTH", refused)).toEqual([]);
    expect(next(bench, "HEALTH", refused)).toEqual([]);
    expect(next(bench, "HEALTH", refused).map(({ healthy }) => healthy)).toEqual([false]);
    const other = running({ health_check: { ...health, grace_period_seconds: 60 } });
    other.pass(1_000);
    done(other, "HEALTH", connected);
    expect(next(other, "HEALTH", refused).map(({ healthy }) => healthy)).toEqual([false]);
  });

  test("counts a failure a moment after the grace period, not at its last", () => {
    for (const [graceSeconds, counted] of [
      [1, false],
      [0.999, true],
    ] as const) {
      const bench = running({ health_check: { ...health, grace_period_seconds: graceSeconds } });
      bench.pass(1_000);
      expect(done(bench, "HEALTH", refused).length > 0).toBe(counted);
    }
  });

  test("takes the statuses of the framework for good, else those from 200 to 399", () => {
    const answers = (http: mesos.HealthCheckHTTPCheckInfo, code: number) => {
      const bench = running({ health_check: { ...health, type: "HTTP", http } });
      bench.pass(1_000);
      return done(bench, "HEALTH", { kind: "STATUS_CODE", code })[0]?.healthy;
    };
    const codes = [199, 200, 399, 400];
    expect(codes.map((code) => answers({ port: 1 }, code))).toEqual([false, true, true, false]);
    expect(codes.map((code) => answers({ port: 1, statuses: [400] }, code))).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  test("that takes a group's task takes the group", () => {
    const bench = new Bench();
    const executor = { type: "DEFAULT" as const, executor_id: { value: "e" } };
    const tasks = [task("a", { health_check: { ...health, consecutive_failures: 1 } }), task("b")];
    const run_task_group = { framework: framework("f1"), executor, task_group: { tasks } };
    bench.commands({ type: "RUN_TASK_GROUP", number: 1n, run_task_group });
    const [a, b] = [...bench.state.run.values()].map(({ containerId }) => containerId);
    if (a === undefined || b === undefined) throw new Error("a group of two");
    for (const containerId of [a, b]) {
      bench.input({ type: "CONTAINER_STARTED", containerId, pid: PID });
    }
    expect(made(bench.pass(1_000))).toEqual(["HEALTH"]);
    bench.input({ type: "CHECK_DONE", containerId: a, kind: "HEALTH", result: refused });
    const ended = bench.input({
      type: "CONTAINER_ENDED",
      containerId: a,
      termination: signaled("SIGTERM", 15),
    });
    expect(ended).toContainEqual({ type: "TERMINATE", containerId: b });
  });
});

describe("checks", () => {
  test("end with the kill of their task, and an outcome that is late changes nothing", () => {
    const bench = running({ check: command, health_check: health });
    expect(made(bench.pass(1_000))).toEqual(["CHECK", "HEALTH"]);
    const killed = bench.kill(2, 1);
    expect(types(killed).filter((type) => type === "CANCEL_CHECK")).toHaveLength(2);
    settle(bench, killed);
    expect(done(bench, "HEALTH", refused)).toEqual([]);
    expect(made(bench.pass(60_000))).toEqual([]);
  });

  test("of both kinds are told together", () => {
    const bench = running({ check: command, health_check: health });
    bench.pass(1_000);
    done(bench, "HEALTH", connected);
    const [status] = done(bench, "CHECK", exit(1));
    expect(status).toMatchObject({
      healthy: true,
      check_status: { command: { exit_code: 1 } },
      reason: "REASON_TASK_CHECK_STATUS_UPDATED",
    });
  });

  test("go on after a restart of the agent, with what was told before", () => {
    const bench = running({ check: command, health_check: health });
    bench.pass(1_000);
    done(bench, "CHECK", exit(0));
    done(bench, "HEALTH", connected);
    bench.pass(500);
    bench.crash([{ containerId: bench.containerOf(1), state: "RUNNING", pid: PID }]);
    bench.register();
    // Within their interval, each at a moment of its own.
    expect(made(bench.pass(2_000)).toSorted()).toEqual(["CHECK", "HEALTH"]);
    expect(done(bench, "CHECK", exit(0))).toEqual([]);
    expect(done(bench, "HEALTH", connected)).toEqual([]);
    expect(reported(bench.effects)).toEqual([]);
  });

  test("that a custom executor makes itself are not made here", () => {
    const bench = new Bench();
    const executor = { executor_id: { value: "e" }, command: { value: "x" } };
    bench.run(1, task("t1", { command: undefined, executor, health_check: health }));
    expect(made(bench.pass(600_000))).toEqual([]);
  });
});
