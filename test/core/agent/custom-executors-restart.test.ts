import { describe, expect, test } from "vitest";
import type { Effect } from "../../../agent/core/effect.ts";
import { exited, PID, signaled, states, statuses, types } from "./bench.ts";
import { ExecutorBench, events, exits, names, withTask } from "./executor-bench.ts";

describe("after a restart of the agent", () => {
  const alive = (bench: ExecutorBench) =>
    [{ containerId: bench.container, state: "RUNNING", pid: PID }] as const;

  test("an executor that comes back goes on, and what it tells is taken", () => {
    const bench = withTask();
    bench.update(bench.status("t1", "TASK_RUNNING"));
    bench.crash(alive(bench));
    bench.register();
    bench.reportsDone();
    const finished = bench.status("t1", "TASK_FINISHED");
    const { container: containerId } = bench;
    const taskIds: string[] = [];
    const updates = [finished];
    const effects = bench.input({
      type: "EXECUTOR_SUBSCRIBED",
      ...{ containerId, connection: 1, taskIds, updates },
    });
    expect(names(effects)).toEqual(["SUBSCRIBED", "ACKNOWLEDGED"]);
    bench.reportsDone();
    expect([...bench.state.run.values()][0]?.stage.state).toBe("ENDED");
    expect(types(bench.pass(5_000))).not.toContain("DESTROY");
  });

  test("one that does not come back within two seconds is destroyed, and its tasks are GONE", () => {
    const bench = withTask("PARTITION_AWARE");
    bench.crash(alive(bench));
    bench.register();
    expect(types(bench.pass(1_999))).not.toContain("DESTROY");
    expect(types(bench.pass(1))).toContain("DESTROY");
    const [status] = statuses(bench.executorEnded(signaled("SIGKILL", 9)));
    expect(status).toMatchObject({
      state: "TASK_GONE",
      reason: "REASON_EXECUTOR_REREGISTRATION_TIMEOUT",
    });
  });

  test("to a framework that does not know GONE they are LOST", () => {
    const bench = withTask();
    bench.crash(alive(bench));
    bench.register();
    bench.pass(2_000);
    expect(states(bench.executorEnded())).toEqual(["TASK_LOST"]);
  });

  test("a task that was on its way to it is dropped, one that it names is not", () => {
    const bench = withTask();
    bench.launch("t2");
    bench.crash(alive(bench));
    bench.register();
    const effects = bench.subscribe(["t1"]);
    expect(statuses(effects)).toMatchObject([
      { task_id: { value: "t2" }, state: "TASK_LOST", reason: "REASON_AGENT_RESTARTED" },
    ]);
  });

  test("a task that waited for it is handed over", () => {
    const bench = new ExecutorBench();
    bench.launch("t1");
    bench.executorStarted();
    bench.crash(alive(bench));
    bench.register();
    expect(names(bench.subscribe())).toEqual(["SUBSCRIBED", "LAUNCH"]);
  });

  test("one that ended meanwhile takes its tasks along, and its exit is told", () => {
    const bench = withTask();
    const { container: containerId } = bench;
    bench.crash([{ containerId, state: "ENDED", termination: exited(1) }]);
    const effects = bench.register();
    expect(states(effects)).toEqual(["TASK_FAILED"]);
    expect(exits(effects)).toMatchObject([{ status: 256 }]);
  });

  test("one whose launch was lost drops its tasks as safe to launch again", () => {
    const bench = new ExecutorBench();
    bench.launch("t1");
    bench.crash([]);
    const effects = bench.register();
    expect(statuses(effects)).toMatchObject([
      { state: "TASK_LOST", reason: "REASON_AGENT_RESTARTED" },
    ]);
    expect(exits(effects)).toHaveLength(1);
  });

  test("one that was told to end hears it again, and keeps the end of its grace", () => {
    const bench = withTask();
    bench.shutdown();
    bench.crash(alive(bench));
    bench.register();
    expect(names(bench.subscribe(["t1"]))).toEqual(["SHUTDOWN"]);
    expect(types(bench.pass(5_000))).toContain("DESTROY");
  });
});

describe("messages", () => {
  test("of its framework reach the executor that listens", () => {
    const bench = withTask();
    const ids = { framework_id: { value: "f1" }, executor_id: { value: "e" } };
    const framework_message = { ...ids, data: new Uint8Array([9]) };
    const send = () => bench.commands({ type: "FRAMEWORK_MESSAGE", framework_message });
    expect(events(send())).toEqual([{ type: "MESSAGE", message: { data: new Uint8Array([9]) } }]);
    bench.disconnect();
    expect(events(send())).toEqual([]);
  });

  test("of the executor are in the next report, and only in that", () => {
    const bench = withTask();
    bench.reportsDone();
    const data = new Uint8Array([1, 2, 3]);
    const say = () => bench.input({ type: "EXECUTOR_MESSAGE", containerId: bench.container, data });
    const sent = (effects: readonly Effect[]) =>
      effects.flatMap((effect) => (effect.type === "REPORT" ? effect.executorMessages : []));
    const message = { framework_id: { value: "f1" }, executor_id: { value: "e" }, data };
    expect(sent(say())).toEqual([message]);
    expect(sent(say())).toEqual([]);
    expect(sent(bench.reportDone())).toEqual([message]);
    expect(sent(bench.reportDone())).toEqual([]);
  });

  test("that wait for a report are bounded: the oldest go", () => {
    const bench = withTask();
    const { container: containerId } = bench;
    for (let at = 0; at < 4; at++) {
      const data = new Uint8Array(1024 * 1024).fill(at);
      bench.input({ type: "EXECUTOR_MESSAGE", containerId, data });
    }
    const kept = bench.state.executorMessages.map(({ data }) => data[0]);
    expect(kept).toEqual([2, 3]);
    expect(bench.state.executorTraffic).toMatchObject({ messagesPassed: 3, messagesDropped: 1 });
  });

  test("are counted, and updates that have no business with a task", () => {
    const bench = withTask();
    const ids = { framework_id: { value: "f1" }, executor_id: { value: "e" } };
    const send = (more: object) => {
      const framework_message = { ...ids, data: new Uint8Array([9]), ...more };
      bench.commands({ type: "FRAMEWORK_MESSAGE", framework_message });
    };
    const says = { type: "EXECUTOR_MESSAGE", containerId: bench.container } as const;
    send({});
    bench.input({ ...says, data: new Uint8Array([1]) });
    send({ executor_id: { value: "nobody" } });
    bench.update(bench.status("t1", "TASK_RUNNING"));
    bench.update(bench.status("unknown", "TASK_RUNNING"));
    bench.disconnect();
    send({});
    expect(bench.state.executorTraffic).toEqual({
      messagesPassed: 2,
      messagesDropped: 2,
      updatesDropped: 1,
    });
  });
});
