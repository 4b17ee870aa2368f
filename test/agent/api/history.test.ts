/** What is kept of rows that left the checkpoint. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ContainerId, containerId } from "../../../agent/containerizer/containerizer.ts";
import { complete } from "../../../agent/core/completed.ts";
import { defaultExecutorTimes } from "../../../agent/core/limits.ts";
import type { RunRow } from "../../../agent/core/rows.ts";
import { type AgentState, newSeq, newState, noRows } from "../../../agent/core/state.ts";
import { History } from "../../../agent/shell/history.ts";
import type { AgentId, ExecutorId, FrameworkId, TaskId } from "../../../worker/protocol/ids.ts";

let directory: string;
let state: AgentState;
let history: History;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rimrock-history-"));
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
  state = newState(facts, noRows);
  history = new History(directory);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function container(name: string): ContainerId {
  const id = containerId(name);
  if (!id.ok) throw new Error(`${name} is no container id`);
  return id.value;
}

const framework = "f" as FrameworkId;

function run(name: string, more: Partial<RunRow> = {}): RunRow {
  return state.run.put({
    seq: newSeq(state),
    containerId: container(name),
    agentId: "a" as AgentId,
    frameworkId: framework,
    taskId: name as TaskId,
    executorId: name as ExecutorId,
    info: "{}",
    runNumber: "1",
    stage: { state: "ENDED", endedMs: 1 },
    ...more,
  });
}

/** One step and its commit. */
function commit(change: () => void): void {
  state.changes = [];
  change();
  expect(history.keep(state.changes).ok).toBe(true);
  history.forget(state.changes, state);
}

test("a run, its executor and its framework can be read when they have left", async () => {
  const executor = container("e");
  commit(() => {
    state.framework.put({ seq: newSeq(state), id: framework, info: "{}", capabilities: [] });
    state.executor.put({
      seq: newSeq(state),
      containerId: executor,
      agentId: "a" as AgentId,
      frameworkId: framework,
      executorId: "e" as ExecutorId,
      info: "{}",
      stage: "RUNNING",
    });
  });
  const row = run("c1", { parentId: executor, status: "{}", earlierStatuses: ["{}"] });
  commit(() => {
    state.framework.delete(framework);
    state.executor.delete(executor);
  });
  commit(() => complete(state, row, 2));
  expect(await history.run(row.containerId)).toEqual(row);
  expect(await history.executor(executor)).toMatchObject({ executorId: "e" });
  expect(await history.framework(framework)).toMatchObject({ id: "f" });
});

test("when the last run of a framework is forgotten, nothing of it is left", () => {
  commit(() => {
    state.framework.put({ seq: newSeq(state), id: framework, info: "{}", capabilities: [] });
  });
  const rows = [run("c1"), run("c2")];
  commit(() => state.framework.delete(framework));
  for (const row of rows) commit(() => complete(state, row, 2));
  expect(readdirSync(directory).sort()).toEqual(["framework-f", "run-c1", "run-c2"]);
  commit(() => state.completedRun.delete(container("c1")));
  expect(readdirSync(directory).sort()).toEqual(["framework-f", "run-c2"]);
  commit(() => state.completedRun.delete(container("c2")));
  expect(readdirSync(directory)).toEqual([]);
});

test("a framework that goes before anything of it ran leaves nothing", () => {
  commit(() => {
    state.framework.put({ seq: newSeq(state), id: framework, info: "{}", capabilities: [] });
  });
  commit(() => state.framework.delete(framework));
  expect(readdirSync(directory)).toEqual([]);
});

test("what a crash left is removed at the start, and a torn file is no file", async () => {
  const row = run("c1");
  commit(() => complete(state, row, 2));
  writeFileSync(join(directory, "run-never-committed"), "{}");
  writeFileSync(join(directory, "run-c1"), '{"seq":1,');
  expect(new History(directory).open(state).ok).toBe(true);
  expect(readdirSync(directory)).toEqual(["run-c1"]);
  expect(await history.run(row.containerId)).toBeUndefined();
});

test("a directory that cannot be written is told, and stops nothing", () => {
  rmSync(directory, { recursive: true });
  const row = run("c1");
  state.changes = [];
  complete(state, row, 2);
  const kept = history.keep(state.changes);
  expect(kept).toMatchObject({ ok: false, error: expect.stringContaining("ENOENT") });
  expect(state.completedRun.size).toBe(1);
});
