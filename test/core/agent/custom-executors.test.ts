import { describe, expect, test } from "vitest";
import type { Effect } from "../../../agent/core/effect.ts";
import { registerRequest } from "../../../agent/core/registration.ts";
import { defined } from "../../../worker/std/assert.ts";
import {
  AGENT_ID,
  exited,
  framework,
  PID,
  reported,
  signaled,
  states,
  statuses,
  types,
} from "./bench.ts";
import { ExecutorBench, events, exits, info, names, withTask } from "./executor-bench.ts";

const gigabyte = 1024 ** 3;

describe("a custom executor", () => {
  test("is started as a command task of its id would be, with its tasks' resources", () => {
    const bench = new ExecutorBench();
    const effects = bench.launch("t1");
    expect(types(effects)).toEqual(["POLL", "LAUNCH"]);
    const launch = effects[1];
    expect(launch).toMatchObject({
      containerId: bench.container,
      custom: { shutdownGraceMs: 5_000 },
      task: { task_id: { value: "e" }, command: { value: "./executor" } },
    });
    const megabytes = (launch as Effect & { type: "LAUNCH" }).task.resources?.map(
      ({ scalar }) => scalar?.value,
    );
    expect(megabytes).toEqual([32, 64]);
  });

  test("gets its tasks when it subscribes, in their order, and later ones at once", () => {
    const bench = new ExecutorBench();
    bench.launch("t1");
    expect(types(bench.launch("t2"))).toEqual(["POLL"]);
    bench.executorStarted();
    const told = events(bench.subscribe());
    expect(told.map(({ type }) => type)).toEqual(["SUBSCRIBED", "LAUNCH", "LAUNCH"]);
    expect(told[0]?.subscribed).toMatchObject({
      executor_info: info,
      framework_info: { id: { value: "f1" } },
      agent_info: { id: { value: AGENT_ID } },
      container_id: { value: bench.container },
    });
    expect(told.map(({ launch }) => launch?.task.task_id.value)).toEqual([undefined, "t1", "t2"]);
    expect(names(bench.launch("t3"))).toEqual(["LAUNCH"]);
  });

  test("gets a group as one event, whose tasks name it", () => {
    const bench = new ExecutorBench();
    bench.launchGroup("a", "b");
    bench.executorStarted();
    const [, group] = events(bench.subscribe());
    expect(group?.type).toBe("LAUNCH_GROUP");
    const { tasks } = defined(group?.launch_group, "a group").task_group;
    expect(
      tasks?.map(({ task_id, executor }) => [task_id.value, executor?.executor_id.value]),
    ).toEqual([
      ["a", "e"],
      ["b", "e"],
    ]);
  });

  test("may use what its tasks may use, as they come and go", () => {
    const bench = withTask();
    const limits = (effects: readonly Effect[]) =>
      effects.flatMap((effect) =>
        effect.type === "UPDATE_LIMITS" ? (effect.limits.memoryLimitBytes ?? 0) / gigabyte : [],
      );
    expect(limits(bench.launch("t2"))).toEqual([160 / 1024]);
    expect(limits(bench.update(bench.status("t2", "TASK_RUNNING")))).toEqual([]);
    expect(limits(bench.update(bench.status("t2", "TASK_FINISHED")))).toEqual([96 / 1024]);
  });

  test("that subscribes before the containerizer says so is known all the same", () => {
    const bench = new ExecutorBench();
    bench.launch("t1");
    expect(names(bench.subscribe())).toEqual(["SUBSCRIBED", "LAUNCH"]);
    bench.executorStarted();
    expect(bench.executorRow()).toMatchObject({ pid: PID, process: { state: "SUBSCRIBED" } });
    expect(types(bench.pass(3_600_000))).not.toContain("DESTROY");
  });

  test("that never subscribes is destroyed after a minute, and its tasks FAIL with that reason", () => {
    const bench = new ExecutorBench();
    bench.launch("t1");
    bench.executorStarted();
    expect(types(bench.pass(59_999))).not.toContain("DESTROY");
    expect(types(bench.pass(1))).toContain("DESTROY");
    const effects = bench.executorEnded(signaled("SIGKILL", 9));
    expect(statuses(effects)).toMatchObject([
      {
        state: "TASK_FAILED",
        reason: "REASON_EXECUTOR_REGISTRATION_TIMEOUT",
        executor_id: { value: "e" },
        container_status: { container_id: { value: bench.container } },
      },
    ]);
    expect(exits(effects)).toMatchObject([{ executor_id: { value: "e" }, status: 9 }]);
  });

  test("that cannot be launched takes its tasks along, and its exit is told", () => {
    const bench = new ExecutorBench();
    bench.launch("t1");
    bench.launch("t2");
    const containerId = bench.container;
    const effects = bench.input({ type: "LAUNCH_FAILED", containerId, message: "no such user" });
    const failed = { state: "TASK_FAILED", reason: "REASON_CONTAINER_LAUNCH_FAILED" };
    expect(statuses(effects)).toMatchObject([failed, failed]);
    expect(exits(effects)).toHaveLength(1);
  });

  test("that ends by itself takes along what it had not told the end of", () => {
    const bench = withTask();
    bench.launch("t2");
    bench.update(bench.status("t2", "TASK_FINISHED"));
    bench.reportsDone();
    const effects = bench.executorEnded(exited(3));
    bench.reportsDone();
    expect(states(effects)).toEqual(["TASK_FAILED"]);
    expect(statuses(effects)[0]?.reason).toBe("REASON_EXECUTOR_TERMINATED");
    expect(exits(effects)).toMatchObject([{ status: 3 << 8 }]);
    expect(bench.state.executor.size).toBe(0);
  });

  test("is named to the master until it has ended, and then no more", () => {
    const bench = withTask();
    const named = () => registerRequest(bench.state).executors?.length;
    expect(named()).toBe(1);
    expect(registerRequest(bench.state).tasks).toMatchObject([
      { task: { state: "TASK_STAGING", executor_id: { value: "e" } } },
    ]);
    bench.executorEnded();
    expect(named()).toBe(0);
  });

  test("whose only task was killed before it subscribed is told to end", () => {
    const bench = new ExecutorBench();
    bench.launch("t1");
    bench.executorStarted();
    const effects = bench.killTask("t1", 1);
    expect(statuses(effects)).toMatchObject([
      { state: "TASK_KILLED", reason: "REASON_TASK_KILLED_DURING_LAUNCH" },
    ]);
    expect(names(bench.subscribe())).toEqual(["SUBSCRIBED", "SHUTDOWN"]);
    expect(types(bench.pass(5_000))).toContain("DESTROY");
  });

  test("that had a task stays when it has none any more", () => {
    const bench = withTask();
    bench.update(bench.status("t1", "TASK_FINISHED"));
    bench.pass(3_600_000);
    expect(names(bench.subscribe())).toEqual(["SUBSCRIBED"]);
    expect(bench.executorRow()?.stage).toBe("RUNNING");
  });

  test("whose tasks are all refused is not started, and its exit is told", () => {
    const bench = new ExecutorBench();
    const effects = bench.launch("t1", { command: {} });
    expect(states(effects)).toEqual(["TASK_FAILED"]);
    expect(types(effects)).not.toContain("LAUNCH");
    expect(exits(effects)).toHaveLength(1);
  });

  test("that fetches first is launched when everything is there", () => {
    const bench = new ExecutorBench();
    const command = { value: "./executor", uris: [{ value: "http://x/executor" }] };
    expect(types(bench.launch("t1", { command }))).toEqual(["POLL", "FETCH"]);
    const { container: containerId } = bench;
    expect(types(bench.input({ type: "FETCHED", containerId }))).toEqual(["LAUNCH"]);
  });
});

describe("updates of a custom executor", () => {
  test("go to the master with what only the agent knows, and are acknowledged to it", () => {
    const bench = withTask();
    const status = {
      ...bench.status("t1", "TASK_RUNNING"),
      data: new Uint8Array([1, 2]),
      healthy: true,
      message: "hello",
      timestamp: 7,
    };
    const effects = bench.update(status);
    expect(events(effects)).toEqual([
      { type: "ACKNOWLEDGED", acknowledged: { task_id: { value: "t1" }, uuid: status.uuid } },
    ]);
    expect(statuses(effects)).toEqual([
      {
        ...status,
        agent_id: { value: AGENT_ID },
        executor_id: { value: "e" },
        container_status: {
          container_id: { value: bench.container },
          network_infos: [{ ip_addresses: [{ protocol: "IPv4", ip_address: "10.0.0.7" }] }],
          executor_pid: PID,
        },
      },
    ]);
  });

  test("that come twice are told once and acknowledged twice, also when the master has them", () => {
    const bench = withTask();
    const status = bench.status("t1", "TASK_RUNNING");
    bench.update(status);
    bench.reportDone();
    const again = bench.update(status);
    expect(names(again)).toEqual(["ACKNOWLEDGED"]);
    expect(types(again)).not.toContain("REPORT");
    bench.acknowledge(status);
    bench.update(bench.status("t1", "TASK_RUNNING"));
    bench.reportsDone();
    const late = bench.update(status);
    expect(names(late)).toEqual(["ACKNOWLEDGED"]);
    expect(types(late)).not.toContain("REPORT");
  });

  test("after a terminal one are acknowledged and not told", () => {
    const bench = withTask();
    bench.update(bench.status("t1", "TASK_FINISHED"));
    bench.reportsDone();
    const late = bench.update(bench.status("t1", "TASK_RUNNING"));
    expect(names(late)).toEqual(["ACKNOWLEDGED"]);
    expect([...bench.state.update.values()].map(({ state }) => state)).toEqual(["TASK_FINISHED"]);
  });

  test("with the uuid of another task's update change nothing and are not acknowledged", () => {
    const bench = withTask();
    bench.launch("t2");
    const first = bench.status("t1", "TASK_RUNNING");
    bench.update(first);
    const stolen = { ...bench.status("t2", "TASK_FINISHED"), uuid: defined(first.uuid, "uuid") };
    expect(events(bench.update(stolen))).toEqual([]);
    expect([...bench.state.update.values()].map(({ taskId }) => taskId)).toEqual(["t1"]);
  });

  test("of equal states are kept as the last one", () => {
    const bench = withTask();
    for (let at = 0; at < 5; at++) bench.update(bench.status("t1", "TASK_RUNNING"));
    const [run] = bench.state.run.values();
    expect(run?.earlierStatuses).toBeUndefined();
    expect(run?.receivedUuids).toHaveLength(5);
  });

  test("too large for one report follow one another, none of them lost", () => {
    const bench = withTask();
    bench.reportsDone();
    const data = new Uint8Array(1024 * 1024);
    for (let at = 0; at < 5; at++) bench.update({ ...bench.status("t1", "TASK_RUNNING"), data });
    const seen = new Set<string>();
    for (let round = 0; round < 10 && seen.size < 5; round++) {
      for (const effects of [bench.effects, bench.reportsDone(), bench.pass(10_000)]) {
        for (const { status } of reported(effects)) {
          seen.add(String(status.uuid));
          bench.acknowledge(status);
        }
      }
    }
    expect(seen.size).toBe(5);
  });
});

describe("a kill of a custom executor's task", () => {
  test("is passed on with its grace, and asked again when the executor is back", () => {
    const bench = withTask();
    const kill_policy = { grace_period: { nanoseconds: 7_000_000_000n } };
    const kill = { type: "KILL", kill: { task_id: { value: "t1" }, kill_policy } };
    expect(events(bench.killTask("t1", 1, 7_000))).toEqual([kill]);
    bench.disconnect();
    expect(events(bench.killTask("t1", 1))).toEqual([]);
    expect(events(bench.subscribe(["t1"]))).toContainEqual(kill);
    const ended = bench.update(bench.status("t1", "TASK_KILLED"));
    expect(names(ended)).toEqual(["ACKNOWLEDGED"]);
  });

  test("that waits with its group kills the whole group", () => {
    const bench = new ExecutorBench();
    bench.launchGroup("a", "b");
    bench.launch("c", { type: "CUSTOM" });
    expect(states(bench.killTask("b", 1))).toEqual(["TASK_KILLED", "TASK_KILLED"]);
    bench.executorStarted();
    expect(names(bench.subscribe())).toEqual(["SUBSCRIBED", "LAUNCH"]);
  });

  test("by a drain gives the reason of the drain to what the executor tells", () => {
    const bench = withTask();
    const config = { max_grace_period: { nanoseconds: 1_000_000_000n } };
    const effects = bench.commands({ type: "DRAIN", number: 100n, drain: { config } });
    expect(events(effects)[0]?.kill?.kill_policy?.grace_period?.nanoseconds).toBe(1_000_000_000n);
    const [status] = statuses(bench.update(bench.status("t1", "TASK_KILLED")));
    expect(status?.reason).toBe("REASON_AGENT_DRAINING");
  });
});

describe("the end of a custom executor", () => {
  test("is asked with SHUTDOWN, forced after its grace, and no new task is taken meanwhile", () => {
    const bench = new ExecutorBench();
    const shutdown_grace_period = { nanoseconds: 8_000_000_000n };
    const of = framework("f1", "PARTITION_AWARE");
    bench.launch("t1", { shutdown_grace_period }, of);
    bench.executorStarted();
    bench.subscribe();
    expect(names(bench.shutdown())).toEqual(["SHUTDOWN"]);
    const late = bench.launch("t2", { shutdown_grace_period }, of);
    expect(statuses(late)).toMatchObject([
      { state: "TASK_DROPPED", reason: "REASON_EXECUTOR_TERMINATED" },
    ]);
    expect(types(bench.pass(7_999))).not.toContain("DESTROY");
    expect(types(bench.pass(1))).toContain("DESTROY");
  });

  test("with its framework tells nobody anything, and its container goes", () => {
    const bench = withTask();
    bench.reportsDone();
    const shutdown_framework = { framework_id: { value: "f1" } };
    const effects = bench.commands({
      type: "SHUTDOWN_FRAMEWORK",
      number: 100n,
      shutdown_framework,
    });
    expect(names(effects)).toEqual(["SHUTDOWN"]);
    expect(registerRequest(bench.state)).toMatchObject({
      tasks: [],
      executors: [],
      frameworks: [],
    });
    const ended = bench.executorEnded();
    expect(types(ended)).toContain("REMOVE");
    expect(types(ended)).not.toContain("REPORT");
    expect(bench.state.executor.size + bench.state.run.size + bench.state.update.size).toBe(0);
  });

  test("ends an agent that was shut down when all of them are gone", () => {
    const bench = withTask();
    bench.update(bench.status("t1", "TASK_FINISHED"));
    const effects = bench.commands({ type: "SHUTDOWN", number: 100n, shutdown: { message: "x" } });
    expect(names(effects)).toEqual(["SHUTDOWN"]);
    expect(types(effects)).not.toContain("EXIT");
    expect(types(bench.executorEnded())).toContain("EXIT");
  });
});
