import { describe, expect, test } from "vitest";
import { AGENT_MEMORY_MS } from "../../../worker/core/constants.ts";
import type { Outcome } from "../../../worker/core/master.ts";
import { countTurn, createCounters } from "../../../worker/core/metrics/counters.ts";
import { metricsOf } from "../../../worker/core/metrics/snapshot.ts";
import type { OperationRow } from "../../../worker/core/rows.ts";
import type {
  AgentId,
  FrameworkId,
  OperationUuid,
  SessionId,
} from "../../../worker/protocol/ids.ts";
import type * as link from "../../../worker/protocol/link/messages.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { defined } from "../../../worker/std/assert.ts";
import {
  offeredCluster,
  type RecordedCluster,
  runningCluster,
  scalar,
  unreachableCluster,
} from "../operator/recorded-cluster.ts";

type Snapshot = Readonly<Record<string, number>>;

function snapshot({ host, counters }: RecordedCluster): Snapshot {
  const metrics = metricsOf({ state: host.state, nowMs: host.nowMs, counters });
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}

/** By how much the master's counters differ after `act`. */
function counted(cluster: RecordedCluster, act: () => unknown): Snapshot {
  const before = new Map(cluster.counters.master);
  act();
  const after = [...cluster.counters.master];
  const differences = after.map(([name, n]) => [name, n - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(differences.filter(([, n]) => n !== 0));
}

/** The agent of the cluster reports; `sessionId` is the live one unless said otherwise. */
function report(cluster: RecordedCluster, facts: Partial<link.ReportRequest>): void {
  const agent = defined(cluster.host.state.tables.agent.get(cluster.agentId), "it registered");
  const request = {
    agent_id: { value: agent.id },
    session_id: agent.sessionId,
    report_number: 1,
    ...facts,
  };
  const messages = [{ type: "REPORT", report: request } as const];
  cluster.apply({ type: "RELAY_BATCH", relayId: agent.relayId, messages });
}

function update(
  frameworkId: FrameworkId,
  taskId: string,
  facts: Partial<link.StatusUpdate> = {},
): link.StatusUpdate {
  return {
    framework_id: { value: frameworkId },
    status: { task_id: { value: taskId }, state: "TASK_RUNNING", uuid: new Uint8Array(16).fill(7) },
    latest_state: "TASK_RUNNING",
    run_number: 0n,
    ...facts,
  };
}

describe("a report of an agent", () => {
  test("an update of a run that the master knows is valid, any other is not", () => {
    const { cluster, frameworkId } = runningCluster();
    const task = defined(cluster.host.state.tables.task.get(`${frameworkId}/long`), "it runs");
    const run_number = BigInt(task.run);
    const updates = [
      update(frameworkId, "long", { run_number }),
      update(frameworkId, "long", { run_number: run_number - 1n }),
      update(frameworkId, "nosuch"),
      update("nobody" as FrameworkId, "long", { run_number }),
    ];
    expect(counted(cluster, () => report(cluster, { updates }))).toMatchObject({
      messages_status_update: 4,
      valid_status_updates: 1,
      invalid_status_updates: 3,
    });
  });

  test("an end counts by its source and reason, in the old API's words", () => {
    const { cluster, frameworkId } = runningCluster();
    const task = defined(cluster.host.state.tables.task.get(`${frameworkId}/long`), "it runs");
    const status: mesos.TaskStatus = {
      task_id: { value: "long" },
      state: "TASK_FAILED",
      source: "SOURCE_AGENT",
      reason: "REASON_AGENT_RESTARTED",
      uuid: new Uint8Array(16).fill(9),
    };
    const run_number = BigInt(task.run);
    const failed = update(frameworkId, "long", { status, latest_state: "TASK_FAILED", run_number });
    const once = counted(cluster, () => report(cluster, { updates: [failed] }));
    expect(once).toMatchObject({
      tasks_failed: 1,
      "task_failed/source_slave/reason_slave_restarted": 1,
    });
    const again = counted(cluster, () => report(cluster, { updates: [failed] }));
    expect(again).toEqual({ messages_status_update: 1, valid_status_updates: 1 });
  });

  test("of a session that is over it is dropped, with all that it says", () => {
    const { cluster, frameworkId } = runningCluster();
    const session_id = "an older one" as SessionId;
    const message = {
      framework_id: { value: frameworkId },
      executor_id: { value: "e" },
      data: new Uint8Array(),
    };
    const facts = { session_id, updates: [update(frameworkId, "long")] };
    const act = (): void => report(cluster, { ...facts, executor_messages: [message] });
    expect(counted(cluster, act)).toEqual({
      dropped_messages: 1,
      messages_status_update: 1,
      invalid_status_updates: 1,
      messages_executor_to_framework: 1,
      invalid_executor_to_framework_messages: 1,
    });
  });

  test("a message for a framework is valid when it was passed on", () => {
    const { cluster, frameworkId } = runningCluster();
    const message = (id: string): link.ExecutorMessage => ({
      framework_id: { value: id },
      executor_id: { value: "e" },
      data: new Uint8Array(),
    });
    const executor_messages = [message(frameworkId), message("nobody")];
    expect(counted(cluster, () => report(cluster, { executor_messages }))).toEqual({
      messages_executor_to_framework: 2,
      valid_executor_to_framework_messages: 1,
      invalid_executor_to_framework_messages: 1,
    });
  });
});

describe("a call of a framework", () => {
  test("a message or an acknowledgement is valid when it went on to an agent", () => {
    const { cluster, frameworkId } = runningCluster();
    const agent_id = { value: cluster.agentId };
    const message = (id: string): Snapshot =>
      counted(cluster, () =>
        cluster.call(frameworkId, {
          type: "MESSAGE",
          message: { agent_id: { value: id }, executor_id: { value: "e" }, data: new Uint8Array() },
        }),
      );
    expect(message(cluster.agentId)).toEqual({
      messages_framework_to_executor: 1,
      valid_framework_to_executor_messages: 1,
    });
    expect(message("nosuch")).toMatchObject({ invalid_framework_to_executor_messages: 1 });
    const acknowledge = { agent_id, task_id: { value: "long" }, uuid: new Uint8Array(16) };
    const act = (): Outcome => cluster.call(frameworkId, { type: "ACKNOWLEDGE", acknowledge });
    expect(counted(cluster, act)).toEqual({
      messages_status_update_acknowledgement: 1,
      invalid_status_update_acknowledgements: 1,
    });
  });

  test("killing a task that nobody knows reconciles it", () => {
    const { cluster, frameworkId } = runningCluster();
    const kill = (taskId: string): Snapshot =>
      counted(cluster, () =>
        cluster.call(frameworkId, { type: "KILL", kill: { task_id: { value: taskId } } }),
      );
    expect(kill("long")).toEqual({ messages_kill_task: 1 });
    expect(kill("nosuch")).toEqual({ messages_kill_task: 1, messages_reconcile_tasks: 1 });
  });

  test("a LAUNCH without a task is a declined offer, and other operations launch nothing", () => {
    const { cluster, frameworkId } = runningCluster();
    const accept = (...operations: mesos.OfferOperation[]): Snapshot =>
      counted(cluster, () =>
        cluster.call(frameworkId, { type: "ACCEPT", accept: { offer_ids: [], operations } }),
      );
    expect(accept({ type: "LAUNCH", launch: { task_infos: [] } })).toEqual({
      messages_decline_offers: 1,
    });
    expect(accept()).toEqual({});
  });

  test("a launch of which no task came to be is not among the framework's operations", () => {
    const { cluster, frameworkId } = runningCluster();
    const launches = (): number | undefined =>
      cluster.counters.frameworks.get(frameworkId)?.get("operations/launch");
    expect(launches()).toBe(3);
    cluster.launch(frameworkId, "long");
    expect(launches()).toBe(3);
    cluster.launch(frameworkId, "another");
    expect(launches()).toBe(4);
    expect(cluster.counters.frameworks.get(frameworkId)?.get("operations")).toBe(4);
  });
});

test("a task that is forgotten with its agent, unreachable for weeks, has not ended", () => {
  const cluster = unreachableCluster();
  const ended = counted(cluster, () => {
    cluster.host.nowMs += AGENT_MEMORY_MS;
    cluster.apply({ type: "TIMER_DUE" });
  });
  expect(cluster.host.state.tables.task.size).toBe(0);
  expect(Object.keys(ended).filter((name) => name.startsWith("task"))).toEqual([]);
});

describe("an offer operation", () => {
  const pending: OperationRow = {
    seq: 1,
    uuid: "u" as OperationUuid,
    frameworkId: "f" as FrameworkId,
    agentId: "a" as AgentId,
    operationId: "o",
    info: '{"type":"RESERVE","reserve":{"resources":[]}}',
    status: "{}",
    state: "OPERATION_PENDING",
  };

  /** What a turn with these rows of one operation, one after the other, counts. */
  function counting(...rows: (OperationRow | undefined)[]): Snapshot {
    const { state } = runningCluster().cluster.host;
    const counters = createCounters();
    const changes = rows.slice(1).map((after, at) => {
      return { table: "operation", key: "u", before: rows[at], after };
    });
    const outcome: Outcome = { changes, coldChanges: [], effects: [] };
    const input = { type: "TIMER_DUE" } as const;
    countTurn(counters, state, { turn: 1, nowMs: 1, seed: 1, principal: {}, input }, outcome);
    const own = counters.frameworks.get("f") ?? new Map<string, number>();
    const counts = [...counters.master, ...own].filter(([, n]) => n !== 0);
    return Object.fromEntries(counts);
  }

  test("counts for its framework when it comes to be, and for the master when it has ended", () => {
    expect(counting(undefined, pending)).toEqual({ operations: 1, "operations/reserve": 1 });
    const finished: OperationRow = { ...pending, state: "OPERATION_FINISHED" };
    expect(counting(pending, finished)).toEqual({
      "operations/finished": 1,
      "operations/reserve/finished": 1,
    });
    expect(counting(finished, { ...finished, status: "{ }" }, undefined)).toEqual({});
  });

  test("that is refused has ended with an error, by its type", () => {
    const { cluster, frameworkId } = offeredCluster();
    const offers = cluster.host.state.index.offersOfFramework(frameworkId);
    const operations = [
      { id: { value: "o" }, type: "RESERVE", reserve: { resources: [] } },
    ] as const;
    const accept = { offer_ids: offers.map(({ id }) => ({ value: id })), operations };
    const act = (): Outcome => cluster.call(frameworkId, { type: "ACCEPT", accept });
    expect(counted(cluster, act)).toEqual({ "operations/error": 1, "operations/reserve/error": 1 });
    expect(cluster.counters.frameworks.get(frameworkId)?.get("operations")).toBeUndefined();
  });

  test("that is carried out is finished when its agent has it on disk", () => {
    const { cluster, frameworkId } = offeredCluster();
    const [offer] = cluster.host.state.index.offersOfFramework(frameworkId);
    const { id, role } = defined(offer, "the framework has an offer");
    const reservation = { type: "DYNAMIC", role, principal: "p" } as const;
    const cpus = { ...scalar("cpus", 1), reservations: [reservation] };
    const operations = [{ type: "RESERVE", reserve: { resources: [cpus] } }] as const;
    const accept = { offer_ids: [{ value: id }], operations };
    cluster.call(frameworkId, { type: "ACCEPT", accept });
    expect(snapshot(cluster)).toMatchObject({ "master/operations/reserve/pending": 1 });
    const agent = defined(cluster.host.state.tables.agent.get(cluster.agentId), "it registered");
    const [command] = cluster.host.state.index.commandsOfAgent(agent.id).slice(-1);
    const commandNumber = defined(command, "the agent is told").seq;
    const acknowledged = {
      type: "ACKNOWLEDGED",
      agentId: agent.id,
      sessionId: agent.sessionId,
      commandNumber,
    } as const;
    const { relayId } = agent;
    const act = (): Outcome =>
      cluster.apply({ type: "RELAY_BATCH", relayId, messages: [acknowledged] });
    expect(counted(cluster, act)).toMatchObject({
      "operations/finished": 1,
      "operations/reserve/finished": 1,
      messages_operation_status_update: 1,
      valid_operation_status_updates: 1,
    });
    expect(snapshot(cluster)).toMatchObject({
      "master/operations/reserve/pending": 0,
      "master/operations/reserve/total": 1,
    });
  });

  test("that has not ended is a gauge, and every operation is in the total", () => {
    const { cluster } = runningCluster();
    expect(snapshot(cluster)).toMatchObject({
      "master/operations/total": 0,
      "master/operations/reserve/pending": 0,
      "master/operations/destroy_disk/gone_by_operator": 0,
    });
    cluster.host.state.tables.operation.put(pending);
    cluster.counters.master.set("operations/finished", 4);
    cluster.counters.master.set("operations/create/finished", 4);
    expect(snapshot(cluster)).toMatchObject({
      "master/operations/pending": 1,
      "master/operations/reserve/pending": 1,
      "master/operations/reserve/total": 1,
      "master/operations/create/total": 4,
      "master/operations/total": 5,
    });
  });
});
