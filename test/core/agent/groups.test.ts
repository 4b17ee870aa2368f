import { describe, expect, test } from "vitest";
import type { ContainerId } from "../../../agent/containerizer/containerizer.ts";
import type { Effect } from "../../../agent/core/effect.ts";
import { registerRequest } from "../../../agent/core/registration.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { defined } from "../../../worker/std/assert.ts";
import {
  Bench,
  exited,
  framework,
  PID,
  reported,
  signaled,
  states,
  statuses,
  task,
  types,
} from "./bench.ts";

const executor: mesos.ExecutorInfo = {
  type: "DEFAULT",
  executor_id: { value: "e" },
  resources: [{ name: "mem", type: "SCALAR", scalar: { value: 32 } }],
};
const KILLED = signaled("SIGTERM", 15);

/** A bench whose words name a task of a group. */
class GroupBench extends Bench {
  runGroup(
    number: number,
    tasks: readonly mesos.TaskInfo[],
    info: mesos.FrameworkInfo = framework("f1"),
    more: Partial<mesos.ExecutorInfo> = {},
  ): Effect[] {
    const run_task_group = {
      framework: info,
      executor: { ...executor, ...more },
      task_group: { tasks },
    };
    return this.commands({ type: "RUN_TASK_GROUP", number: BigInt(number), run_task_group });
  }

  container(taskId: string): ContainerId {
    const run = [...this.state.run.values()].findLast((row) => row.taskId === taskId);
    return defined(run, `${taskId} has a run`).containerId;
  }

  start(...taskIds: string[]): Effect[] {
    return taskIds.flatMap((taskId) =>
      this.input({ type: "CONTAINER_STARTED", containerId: this.container(taskId), pid: PID }),
    );
  }

  end(taskId: string, termination = exited(0)): Effect[] {
    return this.input({
      type: "CONTAINER_ENDED",
      containerId: this.container(taskId),
      termination,
    });
  }

  /** Everything that is reported is answered and acknowledged. */
  settle(): void {
    while (this.state.link.state === "REPORTING") {
      const told = [...this.state.update.values()];
      this.reportDone();
      for (const { uuid, taskId } of told) {
        const bytes = Uint8Array.from(Buffer.from(uuid, "base64"));
        this.acknowledge({ task_id: { value: taskId }, uuid: bytes, state: "TASK_RUNNING" });
      }
    }
  }
}

/** Group 1 of tasks `a` and `b`, running, its updates acknowledged. */
function runningGroup(info?: mesos.FrameworkInfo): GroupBench {
  const bench = new GroupBench();
  bench.runGroup(1, [task("a"), task("b")], info);
  bench.start("a", "b");
  bench.settle();
  return bench;
}

const exits = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.type === "REPORT" ? effect.executorExits : []));
const executors = (bench: Bench) =>
  registerRequest(bench.state).executors?.map(({ executor }) => executor.executor_id.value);
const killed = (effects: readonly Effect[], bench: GroupBench, taskId: string) =>
  effects.some((one) => one.type === "TERMINATE" && one.containerId === bench.container(taskId));

describe("a group", () => {
  test("is one container per task, all of one executor and one number", () => {
    const bench = new GroupBench();
    const effects = bench.runGroup(1, [task("a"), task("b")]);
    expect(types(effects)).toEqual(["LAUNCH", "LAUNCH", "POLL"]);
    const [{ containerId: parent }] = [...bench.state.executor.values()] as [never];
    for (const effect of effects) {
      if (effect.type === "LAUNCH")
        expect(effect.executor).toEqual({ containerId: parent, info: executor });
    }
    bench.start("a", "b");
    const told = [...bench.state.update.values()].map(({ status }) => JSON.parse(status));
    expect(told.map(({ task_id, state }) => [task_id.value, state])).toEqual([
      ["a", "TASK_STARTING"],
      ["a", "TASK_RUNNING"],
      ["b", "TASK_STARTING"],
      ["b", "TASK_RUNNING"],
    ]);
    const nameOf = (taskId: string) => ({
      container_id: { value: bench.container(taskId), parent: { value: parent } },
    });
    for (const status of told) expect(status).toMatchObject({ executor_id: { value: "e" } });
    expect(told[0].container_status).toEqual(nameOf("a"));
    expect(told[1].container_status).toMatchObject({ ...nameOf("a"), executor_pid: PID });
    expect(told[2].container_status).toMatchObject({ ...nameOf("b"), executor_pid: PID });
    const tasks = registerRequest(bench.state).tasks?.map(({ task, run_number }) => [
      task.task_id.value,
      task.executor_id?.value,
      run_number,
    ]);
    expect(tasks).toEqual([
      ["a", "e", 1n],
      ["b", "e", 1n],
    ]);
  });

  test("goes on when one of its tasks has FINISHED", () => {
    const bench = runningGroup();
    const effects = bench.end("a");
    expect(states(effects)).toEqual(["TASK_FINISHED"]);
    expect(types(effects)).not.toContain("TERMINATE");
    bench.settle();
    expect(states(bench.end("b"))).toEqual(["TASK_FINISHED"]);
  });

  test("ends with a task that FAILED: the others are KILLED", () => {
    const bench = runningGroup(framework("f1", "TASK_KILLING_STATE"));
    const effects = bench.end("a", exited(1));
    expect(killed(effects, bench, "b")).toBe(true);
    expect(killed(effects, bench, "a")).toBe(false);
    expect(states(effects)).toEqual(["TASK_FAILED", "TASK_KILLING"]);
    bench.settle();
    expect(statuses(bench.end("b", KILLED))).toMatchObject([
      { task_id: { value: "b" }, state: "TASK_KILLED", executor_id: { value: "e" } },
    ]);
  });

  test("ends with a task that was killed, once that has ended", () => {
    const bench = runningGroup();
    const kill = { framework_id: { value: "f1" }, task_id: { value: "a" }, run_number: 1n };
    const first = bench.commands({ type: "KILL_TASK", number: 2n, kill_task: kill });
    expect([killed(first, bench, "a"), killed(first, bench, "b")]).toEqual([true, false]);
    expect(killed(bench.end("a", KILLED), bench, "b")).toBe(true);
  });

  test("gives each of its tasks the grace of its own, when another's end takes it along", () => {
    const bench = new GroupBench();
    const kill_policy = { grace_period: { nanoseconds: 7_000_000_000n } };
    bench.runGroup(1, [task("a"), task("b", { kill_policy }), task("c")]);
    for (const id of ["a", "b", "c"]) bench.start(id);
    const effects = bench.end("a", exited(1));
    expect([killed(effects, bench, "b"), killed(effects, bench, "c")]).toEqual([true, true]);
    const destroyed = (more: readonly Effect[]) =>
      more.flatMap((effect) => (effect.type === "DESTROY" ? effect.containerId : []));
    const at = (id: string) => [...bench.state.run.values()].find((run) => run.taskId === id);
    expect(destroyed(bench.pass(2_999))).toEqual([]);
    expect(destroyed(bench.pass(1))).toEqual([at("c")?.containerId]);
    expect(destroyed(bench.pass(3_999))).toEqual([]);
    expect(destroyed(bench.pass(1))).toEqual([at("b")?.containerId]);
  });

  test("is not touched by the end of another group of its executor", () => {
    const bench = runningGroup();
    bench.runGroup(2, [task("c")]);
    bench.start("c");
    expect(bench.state.executor.size).toBe(1);
    expect(types(bench.end("c", exited(1)))).not.toContain("TERMINATE");
  });

  test("a task that cannot start FAILS, and takes along those that run and those that would", () => {
    const bench = new GroupBench();
    bench.runGroup(1, [task("a"), task("b"), task("c")]);
    bench.start("a");
    const containerId = bench.container("b");
    const effects = bench.input({ type: "LAUNCH_FAILED", containerId, message: "no such user" });
    expect(killed(effects, bench, "a")).toBe(true);
    bench.settle();
    expect(types(bench.start("c"))).toContain("DESTROY");
    expect(states(bench.end("c", KILLED))).toEqual(["TASK_KILLED"]);
  });

  test("a task that the agent cannot run FAILS, and no task of its group starts", () => {
    const bench = new GroupBench();
    const effects = bench.runGroup(1, [task("a"), task("b", { command: {} })]);
    expect(types(effects)).not.toContain("LAUNCH");
    expect(statuses(effects)).toMatchObject([
      { task_id: { value: "a" }, state: "TASK_KILLED", reason: "REASON_TASK_KILLED_DURING_LAUNCH" },
      { task_id: { value: "b" }, state: "TASK_FAILED", reason: "REASON_CONTAINER_LAUNCH_FAILED" },
    ]);
  });

  test("of an executor of its own making is refused whole", () => {
    const bench = new GroupBench();
    const effects = bench.runGroup(1, [task("a")], framework("f1"), { type: "CUSTOM" });
    expect(statuses(effects)).toMatchObject([
      { state: "TASK_FAILED", reason: "REASON_CONTAINER_LAUNCH_FAILED" },
    ]);
  });

  test("with an id that is still running is dropped whole, and the executor's exit is told", () => {
    const bench = new GroupBench();
    bench.run(1, task("a"));
    const effects = bench.runGroup(2, [task("a"), task("b")]);
    expect(types(effects)).not.toContain("LAUNCH");
    expect(statuses(effects)).toMatchObject([
      { task_id: { value: "a" }, state: "TASK_LOST", reason: "REASON_TASK_INVALID" },
      { task_id: { value: "b" }, state: "TASK_LOST", reason: "REASON_TASK_INVALID" },
    ]);
    bench.reportDone();
    expect(exits(bench.pass(1_000))).toHaveLength(1);
  });

  test("that comes twice is launched once", () => {
    const bench = runningGroup();
    expect(types(bench.runGroup(1, [task("a"), task("b")]))).toEqual(["POLL"]);
  });

  test("an acknowledgement of one task's end completes that task alone", () => {
    const bench = runningGroup();
    bench.end("a");
    bench.end("b");
    const [first] = reported(bench.reportDone());
    bench.acknowledge(defined(first, "the end of b is reported").status);
    expect([...bench.state.run.values()].map(({ taskId }) => taskId)).toEqual(["a"]);
  });
});

describe("an executor", () => {
  test("exits 1 s after all ends of its containers are acknowledged; the report is repeated until answered", () => {
    const bench = runningGroup();
    expect(executors(bench)).toEqual(["e"]);
    bench.end("a");
    bench.settle();
    const [last] = statuses(bench.end("b"));
    bench.reportDone();
    const told = [{ framework_id: { value: "f1" }, executor_id: { value: "e" }, status: 0 }];
    bench.acknowledge(defined(last, "the end of b is reported"));
    expect(executors(bench)).toEqual(["e"]);
    expect(exits(bench.pass(999))).toEqual([]);
    expect(exits(bench.pass(1))).toEqual(told);
    expect(executors(bench)).toEqual([]);
    bench.input({ type: "REPORT_FAILED", reportNumber: bench.state.lastReportNumber });
    expect(exits(bench.pass(2_000))).toEqual(told);
    bench.reportDone();
    expect(bench.state.executor.size).toBe(0);
    expect(exits(bench.pass(3_600_000))).toEqual([]);
  });

  test("waits for acknowledgements for 60 s at most", () => {
    const bench = runningGroup();
    bench.end("a");
    bench.end("b");
    bench.reportsDone();
    expect(exits(bench.pass(59_999))).toEqual([]);
    bench.reportsDone();
    expect(exits(bench.pass(1))).toHaveLength(1);
  });

  test("that gets another group in its last second stays as it is", () => {
    const bench = runningGroup();
    const before = [...bench.state.executor.values()];
    bench.end("a");
    bench.end("b");
    bench.settle();
    bench.pass(500);
    bench.runGroup(2, [task("c")]);
    bench.start("c");
    bench.settle();
    expect(exits(bench.pass(5_000))).toEqual([]);
    expect([...bench.state.executor.values()]).toEqual(before);
    bench.end("c");
    bench.settle();
    expect(exits(bench.pass(999))).toEqual([]);
    expect(exits(bench.pass(1))).toHaveLength(1);
  });

  test("its exit survives the agent's crash", () => {
    const bench = runningGroup();
    bench.end("a");
    bench.end("b");
    bench.reportsDone();
    bench.pass(60_000);
    bench.crash([]);
    expect(exits(bench.register())).toHaveLength(1);
  });

  test("a crash of the agent does not end it, nor its wait", () => {
    const bench = runningGroup();
    const found = ["a", "b"].map((id) => bench.container(id));
    bench.crash(found.map((containerId) => ({ containerId, state: "RUNNING", pid: PID })));
    bench.register();
    expect(executors(bench)).toEqual(["e"]);
    bench.end("a");
    bench.end("b");
    bench.nowMs += 100_000;
    expect(exits(bench.crash([]))).toEqual([]);
    expect(executors(bench)).toEqual([]);
    expect(exits(bench.register())).toHaveLength(1);
  });

  test("that gets a new group before its exit was told lives on, in a new sandbox", () => {
    const bench = runningGroup();
    const before = [...bench.state.executor.values()].map((row) => row.containerId);
    bench.end("a");
    bench.end("b");
    bench.reportsDone();
    bench.input({ type: "REGISTER_AGAIN" });
    bench.pass(60_000);
    bench.register();
    bench.runGroup(2, [task("c")]);
    bench.start("c");
    expect(executors(bench)).toEqual(["e"]);
    const after = [...bench.state.executor.values()].map((row) => row.containerId);
    expect(after).not.toEqual(before);
    expect(bench.state.executor.size).toBe(1);
  });

  test("SHUTDOWN_EXECUTOR ends all of its tasks, with the grace that it was given", () => {
    const bench = new GroupBench();
    const grace = { shutdown_grace_period: { nanoseconds: 10_000_000_000n } };
    bench.runGroup(1, [task("a")], framework("f1"), grace);
    bench.runGroup(2, [task("b")], framework("f1"), grace);
    bench.start("a", "b");
    bench.settle();
    const shutdown_executor = { framework_id: { value: "f1" }, executor_id: { value: "e" } };
    const effects = bench.commands({ type: "SHUTDOWN_EXECUTOR", number: 3n, shutdown_executor });
    expect(types(effects).filter((type) => type === "TERMINATE")).toHaveLength(2);
    expect(types(bench.pass(7_999))).not.toContain("DESTROY");
    expect(types(bench.pass(1))).toContain("DESTROY");
  });

  test("of a framework that is gone is not spoken of any more", () => {
    const bench = runningGroup();
    const shutdown_framework = { framework_id: { value: "f1" } };
    bench.commands({ type: "SHUTDOWN_FRAMEWORK", number: 2n, shutdown_framework });
    expect(executors(bench)).toEqual([]);
    bench.end("a", KILLED);
    expect(exits(bench.end("b", KILLED))).toEqual([]);
    expect(bench.state.run.size).toBe(0);
  });
});

test("a crash in the middle of a group's launch ends the group, and nothing of it twice", () => {
  const bench = new GroupBench();
  bench.runGroup(1, [task("a"), task("b")]);
  const [a, b] = [bench.container("a"), bench.container("b")];
  const lost = { kind: "LOST", message: "unknown" } as const;
  const effects = bench.crash([
    { containerId: a, state: "RUNNING", pid: PID },
    { containerId: b, state: "ENDED", termination: lost },
  ]);
  expect(killed(effects, bench, "a")).toBe(true);
  expect(states(bench.register())).toEqual(["TASK_STARTING", "TASK_RUNNING", "TASK_LOST"]);
});
