import { describe, expect, test } from "vitest";
import { type DocumentPath, documents } from "../../../worker/core/operator/documents/index.ts";
import { wholeText } from "../../../worker/core/operator/documents/long-text.ts";
import type { MasterState } from "../../../worker/core/state.ts";
import { masked, recorded, shape } from "./golden-text.ts";
import {
  endedCluster,
  offeredCluster,
  RecordedCluster,
  runningCluster,
  unreachableCluster,
} from "./recorded-cluster.ts";

function text(state: MasterState, path: DocumentPath, query: Record<string, string> = {}): string {
  return wholeText(documents[path](state, query, 0));
}

function expectRecorded(state: MasterState, path: DocumentPath, name: string): void {
  expect(masked(text(state, path))).toEqual(masked(recorded(name)));
}

/** A document, of which a test looks at what it is about. */
interface Parsed {
  readonly slaves: readonly Readonly<Record<string, unknown>>[];
  readonly frameworks: readonly Readonly<Record<string, unknown>>[];
  readonly completed_frameworks: readonly Readonly<Record<string, unknown>>[];
  readonly tasks: readonly { readonly id: string }[];
  readonly roles: readonly Readonly<Record<string, unknown>>[];
  readonly unreachable_slaves: number;
  readonly activated_slaves: number;
  readonly deactivated_slaves: number;
}

function parsed(
  state: MasterState,
  path: DocumentPath,
  query: Record<string, string> = {},
): Parsed {
  // Each test knows which of the members its document has.
  return JSON.parse(text(state, path, query)) as Parsed;
}

describe("a document of the cluster with a running task is as Mesos writes it", () => {
  const { host } = runningCluster().cluster;
  test.each([
    ["/slaves", "slaves-running"],
    ["/frameworks", "frameworks-running"],
    ["/state", "state-running"],
    ["/roles", "roles-running"],
    ["/version", "version"],
  ] as const)("%s", (path, name) => {
    expectRecorded(host.state, path, name);
  });

  test("/state-summary, but for how many tasks had ended", () => {
    const ours = text(host.state, "/state-summary");
    expect(shape(ours)).toEqual(shape(recorded("state-summary-running")));
    const counts = { TASK_RUNNING: 1, TASK_FINISHED: 1, TASK_FAILED: 1, TASK_KILLED: 0 };
    const { slaves, frameworks } = parsed(host.state, "/state-summary");
    expect(slaves).toMatchObject([{ ...counts, framework_ids: [frameworks[0]?.id] }]);
    expect(frameworks).toMatchObject([{ ...counts, slave_ids: [slaves[0]?.id] }]);
  });

  test("/tasks of one task id", () => {
    const ours = text(host.state, "/tasks", { task_id: "long" });
    expect(masked(ours)).toEqual(masked(recorded("tasks-by-id")));
  });
});

describe("a document of the cluster with an outstanding offer is as Mesos writes it", () => {
  const { host } = offeredCluster().cluster;
  test.each([
    ["/slaves", "slaves-offered"],
    ["/frameworks", "frameworks-offered"],
    ["/state", "state-offered"],
    ["/roles", "roles-offered"],
  ] as const)("%s", (path, name) => {
    expectRecorded(host.state, path, name);
  });
});

describe("a document of the cluster whose agent is unreachable is as Mesos writes it", () => {
  test.each([
    ["/slaves", "slaves-unreachable"],
    ["/frameworks", "frameworks-unreachable"],
    ["/tasks", "tasks-unreachable"],
  ] as const)("%s", (path, name) => {
    expectRecorded(unreachableCluster().host.state, path, name);
  });

  test("/state counts it apart from the active ones", () => {
    const { activated_slaves, unreachable_slaves } = parsed(
      unreachableCluster().host.state,
      "/state",
    );
    expect([activated_slaves, unreachable_slaves]).toEqual([0, 1]);
  });
});

test("a removed framework is shown as Mesos shows it, with the tasks it had", () => {
  const { cluster, frameworkId } = endedCluster();
  // It came back once, so its second registration is told as well.
  cluster.subscribe("again", { name: "golden", id: { value: frameworkId } });
  cluster.call(frameworkId, { type: "TEARDOWN" });
  expectRecorded(cluster.host.state, "/frameworks", "frameworks-removed");
});

describe("parameters", () => {
  const { cluster, frameworkId } = runningCluster();
  const { state } = cluster.host;
  const ids = (query: Record<string, string>): unknown =>
    parsed(state, "/tasks", query).tasks.map(({ id }) => id);

  test("tasks come the latest first, or the oldest with order=asc", () => {
    expect(ids({})).toEqual(["long", "exit3", "sleep1"]);
    expect(ids({ order: "asc" })).toEqual(["sleep1", "exit3", "long"]);
    expect(ids({ order: "anything else" })).toEqual(["long", "exit3", "sleep1"]);
  });

  test("limit and offset cut the sorted list", () => {
    expect(ids({ order: "asc", limit: "1" })).toEqual(["sleep1"]);
    expect(ids({ order: "asc", limit: "1", offset: "1" })).toEqual(["exit3"]);
    expect(ids({ limit: "0" })).toEqual([]);
    expect(ids({ limit: "-1" })).toHaveLength(3);
    expect(ids({ offset: "3" })).toEqual([]);
  });

  test("a limit or offset that is no whole number counts as not given", () => {
    expect(ids({ limit: "all", offset: "1.5" })).toHaveLength(3);
  });

  test("tasks of one framework, or of none that exists", () => {
    expect(ids({ framework_id: frameworkId })).toHaveLength(3);
    expect(ids({ framework_id: "other" })).toEqual([]);
    expect(ids({ framework_id: frameworkId, task_id: "exit3" })).toEqual(["exit3"]);
  });

  test("one agent, one framework", () => {
    expect(parsed(state, "/slaves", { slave_id: cluster.agentId }).slaves).toHaveLength(1);
    expect(parsed(state, "/slaves", { slave_id: "other" }).slaves).toEqual([]);
    const query = { framework_id: frameworkId };
    expect(parsed(state, "/frameworks", query).frameworks).toHaveLength(1);
    expect(parsed(state, "/frameworks", { framework_id: "other" }).frameworks).toEqual([]);
  });
});

test("more than 100 tasks are shown only when asked for", () => {
  const { cluster, frameworkId } = runningCluster();
  for (let task = 0; task < 100; task++) {
    cluster.run(frameworkId, `task-${task}`);
    cluster.update(frameworkId, `task-${task}`, "TASK_FINISHED");
  }
  expect(parsed(cluster.host.state, "/tasks").tasks).toHaveLength(100);
  expect(parsed(cluster.host.state, "/tasks", { limit: "1000" }).tasks).toHaveLength(103);
});

test("attributes are text or numbers, ranges as text", () => {
  const cluster = new RecordedCluster();
  cluster.registerAgent({
    attributes: [
      { name: "rack", type: "TEXT", text: { value: 'r "1"' } },
      { name: "level", type: "SCALAR", scalar: { value: 10 } },
      {
        name: "slots",
        type: "RANGES",
        ranges: {
          range: [
            { begin: 1n, end: 2n },
            { begin: 5n, end: 9n },
          ],
        },
      },
    ],
  });
  expect(text(cluster.host.state, "/slaves")).toContain(
    '"attributes":{"rack":"r \\"1\\"","level":10.0,"slots":"[1-2, 5-9]"}',
  );
});

test("a reservation is shown under its role, and counts in the agent's sum", () => {
  const cluster = new RecordedCluster();
  cluster.registerAgent({
    resources: [
      { name: "cpus", type: "SCALAR", scalar: { value: 4 } },
      { name: "cpus", type: "SCALAR", scalar: { value: 1.5 }, role: "web" },
    ],
  });
  const [agent] = parsed(cluster.host.state, "/slaves").slaves;
  expect(agent).toMatchObject({
    resources: { cpus: 5.5, mem: 0, disk: 0, gpus: 0 },
    reserved_resources: { web: { cpus: 1.5, mem: 0, disk: 0, gpus: 0 } },
    unreserved_resources: { cpus: 4 },
    reserved_resources_full: { web: [{ name: "cpus", role: "web", scalar: { value: 1.5 } }] },
  });
  expect(parsed(cluster.host.state, "/roles").roles).toMatchObject([
    { name: "web", reserved: { cpus: 1.5 }, quota: { consumed: { cpus: 1.5 } }, frameworks: [] },
  ]);
});

test("a framework without MULTI_ROLE has a role, one with it has roles", () => {
  const cluster = new RecordedCluster();
  cluster.registerAgent();
  cluster.subscribe("old", { roles: undefined, role: "web", capabilities: undefined });
  const [old] = parsed(cluster.host.state, "/frameworks").frameworks;
  expect(old).toMatchObject({ role: "web", capabilities: [] });
  expect(old).not.toHaveProperty("roles");
});

test("what is held below a role counts for the role", () => {
  const cluster = new RecordedCluster();
  cluster.registerAgent();
  cluster.subscribe("below", { roles: ["eng/web", "eng"] });
  const { roles } = parsed(cluster.host.state, "/roles");
  const cpus = roles.map(({ name, offered }) => [name, (offered as { cpus?: number }).cpus ?? 0]);
  expect(new Map(cpus as [string, number][]).get("eng")).toBe(4);
});

test("a build that does not say when and by whom it was made says so", () => {
  const cluster = new RecordedCluster({ build: undefined });
  const version = JSON.parse(text(cluster.host.state, "/version"));
  expect(version).toEqual({
    build_date: "unknown",
    build_time: 0,
    build_user: "unknown",
    version: "1.12.0",
  });
});

test("an agent that is drained or deactivated is shown as such, and is not among the active", () => {
  const { host } = runningCluster().cluster;
  const [agent] = host.state.tables.agent.values();
  if (agent === undefined) throw new Error("an agent is expected");
  const shown = (): unknown[] => {
    const [slave] = parsed(host.state, "/slaves").slaves;
    const { activated_slaves, deactivated_slaves } = parsed(host.state, "/state");
    const since = slave?.estimated_drain_start_time_seconds;
    const counts = [activated_slaves, deactivated_slaves];
    return [slave?.active, slave?.deactivated, slave?.drain_info, since, counts];
  };
  expect(shown()).toEqual([true, false, undefined, undefined, [1, 0]]);
  host.state.tables.agent.put({ ...agent, service: { state: "DEACTIVATED" } });
  expect(shown()).toEqual([false, true, undefined, undefined, [0, 1]]);
  const config = { maxGracePeriodNs: "5000000000", markGone: true };
  const service = { state: "DRAINING", config, startedMs: 12_345_678 } as const;
  host.state.tables.agent.put({ ...agent, service });
  const drain = {
    state: "DRAINING",
    config: { max_grace_period: { nanoseconds: 5_000_000_000 }, mark_gone: true },
  };
  expect(shown()).toEqual([false, true, drain, 12_345, [0, 1]]);
});
