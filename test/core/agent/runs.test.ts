import { describe, expect, test } from "vitest";
import type { ContainerTermination } from "../../../agent/containerizer/containerizer.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import {
  AGENT_ID,
  Bench,
  exited,
  framework,
  PID,
  reported,
  running,
  signaled,
  states,
  statuses,
  task,
  types,
} from "./bench.ts";

describe("launch", () => {
  test("nothing is said before the container is there, then STARTING and RUNNING in one report", () => {
    const bench = new Bench();
    expect(types(bench.run(1))).toEqual(["LAUNCH", "POLL"]);
    const said = {
      task_id: { value: "t1" },
      agent_id: { value: AGENT_ID },
      executor_id: { value: "t1" },
      source: "SOURCE_EXECUTOR",
      timestamp: 1_000,
      container_status: {
        container_id: { value: bench.containerOf(1) },
        network_infos: [{ ip_addresses: [{ protocol: "IPv4", ip_address: "10.0.0.7" }] }],
        executor_pid: PID,
      },
    };
    expect(reported(bench.started(1))).toMatchObject([
      { status: { ...said, state: "TASK_STARTING" }, latest_state: "TASK_RUNNING" },
      { status: { ...said, state: "TASK_RUNNING" }, latest_state: "TASK_RUNNING" },
    ]);
  });

  test("a RUN_TASK that comes twice launches once", () => {
    const bench = new Bench();
    bench.run(1);
    expect(types(bench.run(1))).toEqual(["POLL"]);
  });

  test("an answer that comes late, with lower numbers, changes nothing", () => {
    const bench = new Bench();
    bench.run(5);
    expect(types(bench.run(3, task("t3")))).toEqual(["POLL"]);
    expect(bench.effects).toEqual([{ type: "POLL", acknowledgedCommand: 5n }]);
  });

  test("another run of a task that still runs is dropped, and the task runs on", () => {
    const bench = running();
    const effects = bench.run(2);
    expect(types(effects)).not.toContain("LAUNCH");
    expect(reported(effects)).toMatchObject([
      {
        run_number: 2n,
        status: { state: "TASK_LOST", source: "SOURCE_AGENT", reason: "REASON_TASK_INVALID" },
      },
    ]);
    expect(bench.runRow(1)?.stage.state).toBe("RUNNING");
  });

  test("the same task id runs again after its end, even when the acknowledgement was lost", () => {
    const bench = running();
    bench.ended(1, exited(0));
    expect(types(bench.run(2))).toContain("LAUNCH");
    bench.started(2);
    const told = reported(bench.reportsDone());
    expect(told.map(({ run_number, status }) => [run_number, status.state])).toEqual([
      [2n, "TASK_STARTING"],
      [2n, "TASK_RUNNING"],
    ]);
    for (const { status } of told) bench.acknowledge(status);
    expect(states(bench.pass(700_000))).toEqual([]);
    expect(bench.tasks().map(({ run_number }) => run_number)).toEqual([2n]);
  });

  test("a launch that fails is told FAILED from the agent, without STARTING", () => {
    const bench = new Bench();
    bench.run(1);
    const containerId = bench.containerOf(1);
    const effects = bench.input({ type: "LAUNCH_FAILED", containerId, message: "no such user" });
    expect(statuses(effects)).toMatchObject([
      {
        state: "TASK_FAILED",
        executor_id: { value: "t1" },
        source: "SOURCE_AGENT",
        reason: "REASON_CONTAINER_LAUNCH_FAILED",
        message: "Failed to launch container: no such user",
      },
    ]);
    expect(statuses(effects)[0]?.container_status).toBeUndefined();
    expect(types(effects)).toContain("REMOVE");
  });

  const unsupported: [string, Partial<mesos.TaskInfo>, RegExp][] = [
    ["an executor without a command", { executor: { executor_id: { value: "e" } } }, /no `value`/],
    ["no command value", { command: {} }, /no `value`/],
    [
      "a secret that is elsewhere",
      {
        command: {
          value: "true",
          environment: {
            variables: [{ name: "A", type: "SECRET", secret: { type: "REFERENCE" } }],
          },
        },
      },
      /secret of 'A'/,
    ],
    ["a Docker container", { container: { type: "DOCKER" } }, /DOCKER/],
    [
      "a volume from nowhere",
      { container: { type: "MESOS", volumes: [{ mode: "RW", container_path: "/x" }] } },
      /volume at '\/x' has neither/,
    ],
    ["an id that is no folder name", { task_id: { value: ".." } }, /folder/],
  ];
  test.each(unsupported)(
    "a task with %s is refused with a reason and no STARTING, not run without",
    (_, more, why) => {
      const bench = new Bench();
      const effects = bench.run(1, task("t1", more));
      expect(types(effects)).not.toContain("LAUNCH");
      expect(statuses(effects)).toMatchObject([
        { state: "TASK_FAILED", reason: "REASON_CONTAINER_LAUNCH_FAILED" },
      ]);
      expect(statuses(effects)[0]?.message).toMatch(why);
    },
  );
});

describe("ends", () => {
  const ends: [string, ContainerTermination, Partial<mesos.TaskStatus>][] = [
    ["exit 0", exited(0), { state: "TASK_FINISHED", message: "Command exited with status 0" }],
    ["exit 3", exited(3), { state: "TASK_FAILED", message: "Command exited with status 3" }],
    [
      "a signal",
      signaled("SIGTERM", 15),
      { state: "TASK_FAILED", message: "Command terminated with signal Terminated" },
    ],
    [
      "a core dump",
      signaled("SIGSEGV", 11 | 0x80),
      { message: "Command terminated with signal Segmentation fault (core dumped)" },
    ],
    [
      "a signal without words",
      signaled("SIGRTMIN+3", 37),
      { message: "Command terminated with signal SIGRTMIN+3" },
    ],
    [
      "the memory limit",
      { kind: "LIMITED", reason: "MEMORY", message: "too much" },
      {
        state: "TASK_FAILED",
        message: "too much",
        source: "SOURCE_AGENT",
        reason: "REASON_CONTAINER_LIMITATION_MEMORY",
        limitation: {
          resources: [{ name: "mem", type: "SCALAR", scalar: { value: 64 }, role: "*" }],
        },
      },
    ],
    [
      "no command at all",
      { kind: "NOT_STARTED", message: "no such user" },
      { state: "TASK_FAILED", reason: "REASON_CONTAINER_LAUNCH_FAILED" },
    ],
    [
      "nobody knows how",
      { kind: "LOST", message: "no trace" },
      { state: "TASK_FAILED", reason: "REASON_EXECUTOR_TERMINATED", message: "no trace" },
    ],
  ];
  test.each(ends)("a task that ended by %s says so", (_, termination, expected) => {
    const bench = running();
    const effects = bench.ended(1, termination);
    expect(statuses(effects)).toMatchObject(
      [{ source: "SOURCE_EXECUTOR", ...expected }].map((status) =>
        status.reason === undefined ? status : { ...status, source: "SOURCE_AGENT" },
      ),
    );
    expect(types(effects)).toContain("REMOVE");
  });

  test("an end that is told twice is reported once", () => {
    const bench = running();
    const containerId = bench.containerOf(1);
    bench.ended(1, exited(0));
    bench.reportDone();
    bench.input({ type: "CONTAINER_ENDED", containerId, termination: exited(1) });
    expect(reported(bench.effects)).toEqual([]);
  });

  test("a run whose end is acknowledged is completed: neither repeated nor registered again", () => {
    const bench = running();
    const [status] = statuses(bench.ended(1, exited(0)));
    bench.reportDone();
    bench.acknowledge(status as mesos.TaskStatus);
    expect(bench.tasks()).toEqual([]);
    expect(states(bench.pass(3_600_000))).toEqual([]);
    expect([...bench.state.completedRun.values()]).toHaveLength(1);
  });
});

describe("max_completion_time", () => {
  const limited = task("t1", { max_completion_time: { nanoseconds: 5_000_000_000n } });

  test("a task beyond it is killed without grace and ends FAILED", () => {
    const bench = running({ task: limited });
    expect(types(bench.pass(4_999))).not.toContain("DESTROY");
    expect(types(bench.pass(1))).toContain("DESTROY");
    expect(statuses(bench.ended(1, signaled("SIGKILL", 9)))).toMatchObject([
      { state: "TASK_FAILED", reason: "REASON_MAX_COMPLETION_TIME_REACHED" },
    ]);
  });

  test("a task killed before it ends KILLED", () => {
    const bench = running({ task: limited });
    bench.kill(2, 1, 60_000);
    expect(types(bench.pass(10_000))).not.toContain("DESTROY");
    expect(states(bench.ended(1, exited(0)))).toEqual(["TASK_KILLED"]);
  });

  test("it counts from the start, also across a crash", () => {
    const bench = running({ task: limited });
    bench.pass(4_000);
    bench.crash([{ containerId: bench.containerOf(1), state: "RUNNING", pid: PID }]);
    expect(types(bench.pass(1_000))).toContain("DESTROY");
  });
});

describe("framework and agent shutdown", () => {
  const shutdownFramework = (number: number) =>
    ({
      type: "SHUTDOWN_FRAMEWORK",
      number: BigInt(number),
      shutdown_framework: { framework_id: { value: "f1" } },
    }) as const;

  test("a framework that is gone has its tasks killed, and nothing more is said of them", () => {
    const bench = running();
    expect(types(bench.commands(shutdownFramework(2)))).toContain("TERMINATE");
    expect(bench.tasks()).toEqual([]);
    expect(types(bench.pass(3_000))).toContain("DESTROY");
    const effects = bench.ended(1, signaled("SIGKILL", 9));
    expect(types(effects)).toEqual(["REMOVE"]);
    expect(states(bench.pass(3_600_000))).toEqual([]);
  });

  test("a framework that is gone silences a kill that was under way, and updates still to be repeated", () => {
    const bench = running();
    bench.kill(2, 1, 60_000);
    bench.commands(shutdownFramework(3));
    expect(states(bench.ended(1, exited(0)))).toEqual([]);
    expect(bench.state.update.size).toBe(0);
  });

  test("a task being launched when its framework goes is destroyed as soon as it is there", () => {
    const bench = new Bench();
    bench.run(1);
    bench.commands(shutdownFramework(2));
    const containerId = [...bench.state.run.values()][0]?.containerId as never;
    expect(types(bench.input({ type: "CONTAINER_STARTED", containerId, pid: PID }))).toEqual([
      "DESTROY",
    ]);
    bench.input({ type: "CONTAINER_ENDED", containerId, termination: signaled("SIGKILL", 9) });
    expect(bench.state.run.size).toBe(0);
    expect(bench.state.update.size).toBe(0);
  });

  test("SHUTDOWN_EXECUTOR ends a command task as a kill does", () => {
    const bench = running({ framework: framework("f1", "TASK_KILLING_STATE") });
    const effects = bench.commands({
      type: "SHUTDOWN_EXECUTOR",
      number: 2n,
      shutdown_executor: { framework_id: { value: "f1" }, executor_id: { value: "t1" } },
    });
    expect(states(effects)).toEqual(["TASK_KILLING"]);
    bench.reportDone();
    expect(states(bench.ended(1, signaled("SIGTERM", 15))).at(-1)).toBe("TASK_KILLED");
  });

  test("SHUTDOWN kills every task, takes no new one, and ends the agent when all are gone", () => {
    const bench = running();
    const effects = bench.commands(
      { type: "SHUTDOWN", number: 2n, shutdown: { message: "marked gone" } },
      { type: "RUN_TASK", number: 3n, run_task: { framework: framework("f1"), task: task("t2") } },
    );
    expect(types(effects)).toContain("TERMINATE");
    expect(types(effects)).not.toContain("LAUNCH");
    const last = bench.ended(1, signaled("SIGTERM", 15));
    const message = "marked gone";
    expect(last).toContainEqual({ type: "EXIT", reason: { type: "MASTER_SHUTDOWN", message } });
  });

  test("an agent that may not come back ends its tasks, and then itself", () => {
    const bench = running();
    const message = "marked gone";
    expect(types(bench.input({ type: "GONE", message }))).toContain("TERMINATE");
    const last = bench.ended(1, signaled("SIGTERM", 15));
    expect(last).toContainEqual({ type: "EXIT", reason: { type: "MASTER_SHUTDOWN", message } });
  });

  test("a signal ends the agent and leaves its tasks alone", () => {
    const bench = running();
    expect(bench.input({ type: "SHUTDOWN", reason: "SIGNAL" })).toEqual([
      { type: "EXIT", reason: { type: "SIGNAL" } },
    ]);
  });

  test("the parent's end destroys every task at once; the agent exits when the last is gone", () => {
    const bench = running();
    bench.run(2, task("t2"));
    expect(types(bench.input({ type: "SHUTDOWN", reason: "PARENT_ENDED" }))).toEqual(["DESTROY"]);
    expect(types(bench.started(2))).toEqual(["DESTROY"]);
    bench.ended(1, signaled("SIGKILL", 9));
    expect(types(bench.effects)).not.toContain("EXIT");
    bench.ended(2, signaled("SIGKILL", 9));
    expect(bench.effects).toContainEqual({ type: "EXIT", reason: { type: "PARENT_ENDED" } });
    bench.crash([]);
    const told = statuses(bench.register());
    expect(told.map(({ task_id, state, reason }) => [task_id.value, state, reason])).toEqual([
      ["t1", "TASK_FAILED", "REASON_EXECUTOR_TERMINATED"],
      ["t2", "TASK_FAILED", "REASON_EXECUTOR_TERMINATED"],
    ]);
    expect(told[0]?.message).toMatch(/together with the process that started it/);
  });
});
