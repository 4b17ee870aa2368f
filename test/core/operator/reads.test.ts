import { describe, expect, test } from "vitest";
import { operatorCalls } from "../../../worker/core/operator/index.ts";
import { takeSnapshot } from "../../../worker/core/operator/snapshot.ts";
import type { MasterState } from "../../../worker/core/state.ts";
import { ANSWER_JSON } from "../../../worker/protocol/limits.ts";
import type { CallType, Response } from "../../../worker/protocol/v1/master.ts";
import { decodeJsonWithin, encodeJson } from "../../../worker/protocol/wire/json.ts";
import { jsonPieces } from "../../../worker/protocol/wire/long-message.ts";
import { assert, defined } from "../../../worker/std/assert.ts";
import { masked, recorded } from "./golden-text.ts";
import {
  offeredCluster,
  RecordedCluster,
  runningCluster,
  unreachableCluster,
} from "./recorded-cluster.ts";

/** The answer as JSON text, long or not. */
function text(state: MasterState, type: CallType): string {
  const served = operatorCalls[type];
  if (served.kind === "READ") {
    return encodeJson("mesos.v1.master.Response", served.read(state, 0, { type }));
  }
  assert(served.kind === "LONG_READ", `${type} is a read`);
  const snapshot = takeSnapshot(state);
  const whole = [...jsonPieces(served.read(snapshot, { type }))].join("");
  snapshot.cold.close();
  return whole;
}

function read(state: MasterState, type: CallType): Response {
  const decoded = decodeJsonWithin("mesos.v1.master.Response", text(state, type), ANSWER_JSON);
  assert(decoded.ok, "an answer decodes");
  return decoded.value;
}

function answer(state: MasterState, type: CallType): unknown {
  return masked(text(state, type));
}

function expected(name: string): unknown {
  return masked(recorded(name));
}

describe("a cluster with a running task answers as Mesos does to", () => {
  const { host } = runningCluster().cluster;
  test.each([
    "GET_AGENTS",
    "GET_FRAMEWORKS",
    "GET_TASKS",
    "GET_EXECUTORS",
    "GET_ROLES",
    "GET_STATE",
  ] as const)("%s", (type) => {
    expect(answer(host.state, type)).toEqual(expected(`${type}-running`));
  });

  test.each(["GET_HEALTH", "GET_VERSION", "GET_MASTER"] as const)("%s", (type) => {
    expect(answer(host.state, type)).toEqual(expected(type));
  });
});

describe("a cluster with an outstanding offer answers as Mesos does to", () => {
  const { host } = offeredCluster().cluster;
  test.each(["GET_AGENTS", "GET_FRAMEWORKS"] as const)("%s", (type) => {
    expect(answer(host.state, type)).toEqual(expected(`${type}-offered`));
  });

  test("GET_ROLES counts allocated and offered resources as plain amounts", () => {
    const [role] = read(host.state, "GET_ROLES").get_roles?.roles ?? [];
    const amounts = role?.resources?.map(({ name, type, scalar }) => [name, type, scalar?.value]);
    expect(amounts).toEqual([
      ["cpus", "SCALAR", 4],
      ["disk", "SCALAR", 10_000],
      ["mem", "SCALAR", 4_096],
      ["ports", "SCALAR", 1_001],
    ]);
  });
});

describe("agents and frameworks that are away", () => {
  test("an unreachable agent is not among the agents", () => {
    const { host } = unreachableCluster();
    expect(answer(host.state, "GET_AGENTS")).toEqual(expected("GET_AGENTS-unreachable"));
  });

  test("unreachable tasks are listed apart, as lost for a framework that knows no partitions", () => {
    const { host } = unreachableCluster();
    const lists = read(host.state, "GET_TASKS").get_tasks;
    expect(lists?.tasks).toBe(undefined);
    const tasks = lists?.unreachable_tasks?.map(({ name, state, statuses }) => ({
      name,
      state,
      statuses: statuses?.map((status) => status.state),
    }));
    expect(tasks).toEqual([
      {
        name: "plain",
        state: "TASK_LOST",
        statuses: ["TASK_STARTING", "TASK_RUNNING", "TASK_LOST"],
      },
      {
        name: "pa",
        state: "TASK_UNREACHABLE",
        statuses: ["TASK_STARTING", "TASK_RUNNING", "TASK_UNREACHABLE"],
      },
    ]);
  });

  test("a disconnected framework keeps its allocation and is neither active nor connected", () => {
    const { cluster } = runningCluster();
    const [stream] = cluster.host.state.tables.stream.values();
    const streamId = defined(stream, "it is subscribed").id;
    cluster.apply({ type: "STREAM_CLOSED", streamId, cause: "CLIENT_CLOSED" });
    expect(answer(cluster.host.state, "GET_FRAMEWORKS")).toEqual(
      expected("GET_FRAMEWORKS-disconnected"),
    );
  });

  test("after a restart a framework is recovered, and its agent and tasks are still there", () => {
    const { cluster } = runningCluster();
    cluster.host.evict();
    const { state } = cluster.host;
    const [framework] = read(state, "GET_FRAMEWORKS").get_frameworks?.frameworks ?? [];
    expect(framework).toMatchObject({ active: false, connected: false, recovered: true });
    expect(answer(state, "GET_AGENTS")).toEqual(expected("GET_AGENTS-running"));
    expect(answer(state, "GET_TASKS")).toEqual(expected("GET_TASKS-running"));
  });

  test("a removed framework is completed, and its running task with it", () => {
    const { cluster, frameworkId } = runningCluster();
    cluster.call(frameworkId, { type: "TEARDOWN" });
    const { state } = cluster.host;
    expect(answer(state, "GET_FRAMEWORKS")).toEqual(expected("GET_FRAMEWORKS-removed"));
    const completed = read(state, "GET_TASKS").get_tasks?.completed_tasks ?? [];
    expect(completed.map((task) => [task.name, task.state])).toEqual([
      ["sleep1", "TASK_FINISHED"],
      ["exit3", "TASK_FAILED"],
      ["long", "TASK_KILLED"],
    ]);
  });
});

test("a task that has ended stays among the tasks until its framework has acknowledged that", () => {
  const { cluster, frameworkId } = runningCluster();
  const names = (): unknown => {
    const lists = read(cluster.host.state, "GET_TASKS").get_tasks;
    return [lists?.tasks?.map(({ name }) => name), lists?.completed_tasks?.map(({ name }) => name)];
  };
  expect(names()).toEqual([["long"], ["sleep1", "exit3"]]);
  cluster.update(frameworkId, "long", "TASK_FINISHED");
  expect(names()).toEqual([undefined, ["sleep1", "exit3", "long"]]);
});

test("a static reservation is shown in both ways to write it, and its role is known", () => {
  const cluster = new RecordedCluster();
  cluster.registerAgent({
    resources: [
      { name: "cpus", type: "SCALAR", scalar: { value: 4 } },
      { name: "cpus", type: "SCALAR", scalar: { value: 1 }, role: "web" },
    ],
  });
  const [agent] = read(cluster.host.state, "GET_AGENTS").get_agents?.agents ?? [];
  expect(agent?.total_resources).toEqual([
    { name: "cpus", type: "SCALAR", scalar: { value: 4 }, role: "*" },
    {
      name: "cpus",
      type: "SCALAR",
      scalar: { value: 1 },
      role: "web",
      reservations: [{ type: "STATIC", role: "web" }],
    },
  ]);
  const roles = read(cluster.host.state, "GET_ROLES").get_roles?.roles ?? [];
  expect(roles.map(({ name }) => name)).toEqual(["web"]);
});

test("every answer decodes as the message it is", () => {
  const { host } = runningCluster().cluster;
  for (const [type, served] of Object.entries(operatorCalls)) {
    if (served.kind !== "READ") continue;
    const response = served.read(host.state, host.nowMs, {});
    expect(response.type).toBe(type);
    const text = encodeJson("mesos.v1.master.Response", response);
    expect(decodeJsonWithin("mesos.v1.master.Response", text, ANSWER_JSON).ok).toBe(true);
  }
});
