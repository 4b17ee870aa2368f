/** Which runs that are over an agent remembers, and for how long. */
import { expect, test } from "vitest";
import { type ContainerId, containerId } from "../../../agent/containerizer/containerizer.ts";
import { complete } from "../../../agent/core/completed.ts";
import {
  COMPLETED_EXECUTORS_PER_FRAMEWORK_MAX,
  COMPLETED_FRAMEWORKS_MAX,
  COMPLETED_RUNS_MAX,
  COMPLETED_TASKS_PER_EXECUTOR_MAX,
  defaultExecutorTimes,
} from "../../../agent/core/limits.ts";
import type { RunRow } from "../../../agent/core/rows.ts";
import { type AgentState, newSeq, newState, noRows } from "../../../agent/core/state.ts";
import { taskWithHistory } from "../../../agent/core/task.ts";
import type { AgentId, ExecutorId, FrameworkId, TaskId } from "../../../worker/protocol/ids.ts";
import { encodeJson } from "../../../worker/protocol/wire/json.ts";

function emptyAgent(): AgentState {
  const agentInfo = { hostname: "machine", port: 5051 };
  const executorTimes = defaultExecutorTimes;
  const facts = {
    agentInfo,
    ip: "127.0.0.1",
    version: "1.12.0",
    capabilities: [],
    sessionId: "s",
    executorTimes,
  };
  return newState(facts, noRows);
}

interface RunFacts {
  readonly framework: string;
  readonly name: string;
  /** Of a task group. */
  readonly executor?: string;
}

function container(name: string): ContainerId {
  const id = containerId(name);
  if (!id.ok) throw new Error(`${name} is no container id`);
  return id.value;
}

function ended(state: AgentState, { framework, name, executor }: RunFacts): RunRow {
  const info = {
    name,
    task_id: { value: name },
    agent_id: { value: "a" },
    resources: [{ name: "cpus", type: "SCALAR" as const, scalar: { value: 1 } }],
  };
  return state.run.put({
    seq: newSeq(state),
    containerId: container(`c-${framework}-${name}`),
    agentId: "a" as AgentId,
    frameworkId: framework as FrameworkId,
    taskId: name as TaskId,
    executorId: (executor ?? name) as ExecutorId,
    ...(executor !== undefined && { parentId: container(executor) }),
    info: encodeJson("mesos.v1.TaskInfo", info),
    runNumber: String(state.nextSeq),
    stage: { state: "ENDED", endedMs: 5 },
  });
}

function completeRuns(state: AgentState, runs: readonly RunFacts[]): void {
  for (const facts of runs) complete(state, ended(state, facts), 10);
}

function remembered(state: AgentState): string[] {
  return [...state.completedRun.values()].map(
    ({ frameworkId, taskId }) => `${frameworkId}/${taskId}`,
  );
}

function many(count: number, of: (index: number) => RunFacts): RunFacts[] {
  return Array.from({ length: count }, (_, index) => of(index));
}

test("as many executors of a framework as Mesos keeps are remembered, and not one more", () => {
  const state = emptyAgent();
  const most = COMPLETED_EXECUTORS_PER_FRAMEWORK_MAX;
  completeRuns(
    state,
    many(most, (index) => ({ framework: "f", name: `t${index}` })),
  );
  expect(state.completedRun.size).toBe(most);
  completeRuns(state, [{ framework: "f", name: "last" }]);
  expect(state.completedRun.size).toBe(most);
  expect(remembered(state)).not.toContain("f/t0");
  expect(remembered(state)).toContain("f/t1");
  expect(remembered(state)).toContain("f/last");
});

test("an executor's tasks are one executor, and bounded by themselves", () => {
  const state = emptyAgent();
  const most = COMPLETED_TASKS_PER_EXECUTOR_MAX;
  completeRuns(
    state,
    many(most + 1, (index) => ({ framework: "f", name: `t${index}`, executor: "group" })),
  );
  expect(state.completedRun.size).toBe(most);
  expect(remembered(state)).not.toContain("f/t0");
  expect(remembered(state)).toContain("f/t1");
});

test("the framework that left first is forgotten with all of its runs", () => {
  const state = emptyAgent();
  completeRuns(state, [
    { framework: "f0", name: "a" },
    { framework: "f0", name: "b" },
    ...many(COMPLETED_FRAMEWORKS_MAX - 1, (index) => ({ framework: `f${index + 1}`, name: "a" })),
  ]);
  expect(remembered(state)).toContain("f0/b");
  completeRuns(state, [{ framework: "new", name: "a" }]);
  expect(remembered(state)).not.toContain("f0/a");
  expect(remembered(state)).not.toContain("f0/b");
  expect(remembered(state)).toContain("f1/a");
});

test("all frameworks together have a bound as well", () => {
  const state = emptyAgent();
  completeRuns(
    state,
    many(COMPLETED_RUNS_MAX + 1, (index) => ({ framework: `f${index % 20}`, name: `t${index}` })),
  );
  expect(state.completedRun.size).toBe(COMPLETED_RUNS_MAX);
  expect(remembered(state)).not.toContain("f0/t0");
});

test("a run whose end is acknowledged is told apart from one whose end nobody heard", () => {
  const state = emptyAgent();
  const heard = ended(state, { framework: "f", name: "heard" });
  const unheard = ended(state, { framework: "f", name: "unheard" });
  const { frameworkId, taskId, runNumber } = unheard;
  const status = encodeJson("mesos.v1.TaskStatus", {
    task_id: { value: taskId },
    state: "TASK_FINISHED",
  });
  const about = { frameworkId, taskId, runNumber };
  state.update.put({ seq: newSeq(state), ...about, uuid: "u", state: "TASK_FINISHED", status });
  complete(state, heard, 10);
  complete(state, unheard, 10);
  expect(state.completedRun.get(heard.containerId)?.isUnacknowledged).toBeUndefined();
  expect(state.completedRun.get(unheard.containerId)?.isUnacknowledged).toBe(true);
});

test("a task shows its statuses oldest first, and one without any shows none", () => {
  const state = emptyAgent();
  const run = ended(state, { framework: "f", name: "t" });
  expect(taskWithHistory(run).statuses).toBeUndefined();
  const [starting, running, finished] = (
    ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"] as const
  ).map((taskState) =>
    encodeJson("mesos.v1.TaskStatus", { task_id: { value: "t" }, state: taskState }),
  );
  const told = { ...run, status: finished ?? "", earlierStatuses: [starting ?? "", running ?? ""] };
  const task = taskWithHistory(told);
  expect(task.statuses?.map(({ state: each }) => each)).toEqual([
    "TASK_STARTING",
    "TASK_RUNNING",
    "TASK_FINISHED",
  ]);
  expect(task.state).toBe("TASK_FINISHED");
});
