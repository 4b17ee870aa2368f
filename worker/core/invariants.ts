/**
 * What must hold between any two steps. Numbered as in the list of the architecture document; a
 * violation names its number. All are checked after every step in tests and in the simulator.
 *
 * 1. What is held of an agent is within its total, or the agent is over-committed from outside and
 * nothing of it is
 *    offered; no port and no set item is held twice.
 * 2. Every outstanding offer names a connected framework that wants its role, and a connected
 * agent in service; every inverse offer, at most one for the two, a connected framework and a
 * connected agent whose machine is to go.
 * 3. A role that has more than its limit of something is offered no more of it, nor is any role
 * below it.
 * 4. A task's updates are delivered in order: acknowledged ones come first, none follows a terminal
 * one, and each
 *    belongs to a task that is there. Every task has its body, its framework and its agent.
 * 5. A framework has one live stream when it is connected and none otherwise.
 * 6. `load(save(state))` equals `state`: see `reload`.
 * 7. What is derived (who holds what, who refused what) equals what the tables say; no two agents
 * have one number.
 */

import { isTerminal } from "../protocol/task-state.ts";
import { add, equals } from "../resources/algebra.ts";
import { quantityOf } from "../resources/quantities.ts";
import type { Resource, Resources } from "../resources/resource.ts";
import { covers } from "../resources/shared.ts";
import { machineOf } from "./maintenance/unavailability.ts";
import { Refusals } from "./offer/refusals.ts";
import { consumptionOf, meteredIn, topRole } from "./role/consumption.ts";
import { durable, type Rows, type TableName, type TaskRow } from "./rows.ts";
import { loadState, type MasterState, type StoredRows } from "./state.ts";
import { tableNames } from "./tables.ts";

export interface Violation {
  readonly invariant: number;
  readonly fact: string;
}

export function checkInvariants(state: MasterState): readonly Violation[] {
  return [
    ...checkHolds(state),
    ...checkOffers(state),
    ...checkInverseOffers(state),
    ...checkLimits(state),
    ...checkTasks(state),
    ...checkUpdates(state),
    ...checkStreams(state),
    ...checkRefusals(state),
  ];
}

/** Agents of which more is held than they have. */
export function overcommitted(state: MasterState): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const agent of state.tables.agent.values()) {
    if (!covers(agent.total, state.allocation.held(agent.id))) ids.add(agent.id);
  }
  return ids;
}

function checkHolds(state: MasterState): Violation[] {
  const violations: Violation[] = [];
  for (const agent of state.tables.agent.values()) {
    const offers = state.index.offersOfAgent(agent.id);
    const tasks = state.index.tasksOfAgent(agent.id).filter(holdsResources);
    const executors = state.index.executorsOfAgent(agent.id);
    const holds = [...offers, ...tasks, ...executors].map((row) => row.resources);
    const sum = holds.reduce<Resources>((total, hold) => add(total, hold), []);
    if (!equals(sum, state.allocation.held(agent.id))) {
      violations.push({ invariant: 7, fact: `what is held of ${agent.id} is not what is noted` });
    }
    if (!covers(agent.total, sum) && offers.length > 0) {
      violations.push({ invariant: 1, fact: `over-committed ${agent.id} has outstanding offers` });
    }
    const twice = heldTwice(holds);
    if (twice !== undefined && covers(agent.total, sum)) {
      violations.push({ invariant: 1, fact: `${twice} of ${agent.id} is held twice` });
    }
  }
  return violations;
}

function holdsResources(task: TaskRow): boolean {
  return !isTerminal(task.state) && task.state !== "TASK_UNREACHABLE";
}

/** The first port or item that two of the holders have. */
function heldTwice(holds: readonly Resources[]): string | undefined {
  const seen = new Map<string, Set<string>>();
  for (const resource of holds.flat()) {
    const items = seen.get(resource.name) ?? new Set<string>();
    seen.set(resource.name, items);
    for (const item of singleItems(resource)) {
      if (items.has(item)) return `${resource.name} ${item}`;
      items.add(item);
    }
  }
  return undefined;
}

function singleItems(resource: Resource): readonly string[] {
  if (resource.kind === "SET") return resource.items;
  if (resource.kind === "SCALAR") return [];
  return resource.ranges.flatMap(([begin, end]) =>
    Array.from({ length: end - begin + 1 }, (_, at) => String(begin + at)),
  );
}

function checkOffers(state: MasterState): Violation[] {
  const violations: Violation[] = [];
  for (const offer of state.tables.offer.values()) {
    const framework = state.tables.framework.get(offer.frameworkId);
    const agent = state.tables.agent.get(offer.agentId);
    if (framework?.connection.state !== "CONNECTED" || !framework.roles.includes(offer.role)) {
      violations.push({ invariant: 2, fact: `offer ${offer.id} is with nobody who wants it` });
    }
    if (agent?.connection.state !== "CONNECTED") {
      violations.push({ invariant: 2, fact: `offer ${offer.id} is of an agent that is away` });
    } else if (agent.service.state !== "ACTIVE") {
      violations.push({ invariant: 2, fact: `offer ${offer.id} is of an agent out of service` });
    }
  }
  return violations;
}

function checkInverseOffers(state: MasterState): Violation[] {
  const violations: Violation[] = [];
  const pairs = new Set<string>();
  for (const { id, frameworkId, agentId } of state.tables.inverseOffer.values()) {
    const pair = `${frameworkId}/${agentId}`;
    if (pairs.has(pair)) {
      violations.push({ invariant: 2, fact: `inverse offer ${id} is one of two for ${pair}` });
    }
    pairs.add(pair);
    const agent = state.tables.agent.get(agentId);
    const isThere =
      state.tables.framework.get(frameworkId)?.connection.state === "CONNECTED" &&
      agent?.connection.state === "CONNECTED" &&
      machineOf(state, agent)?.mode === "DRAINING";
    if (!isThere)
      violations.push({ invariant: 2, fact: `inverse offer ${id} has lost its reason` });
  }
  return violations;
}

function checkLimits(state: MasterState): Violation[] {
  const violations: Violation[] = [];
  for (const { name, quota } of state.tables.role.values()) {
    if (quota === undefined) continue;
    const consumption = consumptionOf(state, name, { offers: "COUNTED" });
    const isOver = (kind: string): boolean =>
      Object.hasOwn(quota.limits, kind) &&
      quantityOf(consumption, kind) > quantityOf(quota.limits, kind);
    for (const offer of state.tables.offer.values()) {
      const over =
        topRole(offer.role) === name && Object.keys(meteredIn(offer.resources)).find(isOver);
      if (over)
        violations.push({ invariant: 3, fact: `${name} is offered ${over} over its limit` });
    }
  }
  return violations;
}

function checkTasks(state: MasterState): Violation[] {
  const violations: Violation[] = [];
  for (const task of state.tables.task.values()) {
    const name = `task ${task.id} of ${task.frameworkId}`;
    if (!state.tables.framework.has(task.frameworkId)) {
      violations.push({ invariant: 4, fact: `${name} has no framework` });
    }
    const agent = state.tables.agent.get(task.agentId);
    if (agent === undefined) violations.push({ invariant: 4, fact: `${name} has no agent` });
    const away = agent?.connection.state === "UNREACHABLE";
    if (away && !isTerminal(task.state) && task.state !== "TASK_UNREACHABLE") {
      violations.push({ invariant: 4, fact: `${name} is ${task.state} on an unreachable agent` });
    }
  }
  return violations;
}

function checkUpdates(state: MasterState): Violation[] {
  const violations: Violation[] = [];
  for (const task of state.tables.task.values()) {
    const updates = state.index.updatesOfTask(`${task.frameworkId}/${task.id}`);
    updates.forEach((update, at) => {
      const before = updates[at - 1];
      if (before === undefined) return;
      if (update.acknowledged && !before.acknowledged) {
        violations.push({ invariant: 4, fact: `update ${update.uuid} overtook another` });
      }
      if (isTerminal(before.state)) {
        violations.push({ invariant: 4, fact: `update ${update.uuid} follows a terminal one` });
      }
    });
  }
  for (const update of state.tables.update.values()) {
    if (!state.tables.task.has(`${update.frameworkId}/${update.taskId}`)) {
      violations.push({ invariant: 4, fact: `update ${update.uuid} has no task` });
    }
  }
  return violations;
}

function checkStreams(state: MasterState): Violation[] {
  const violations: Violation[] = [];
  for (const framework of state.tables.framework.values()) {
    const { connection, id } = framework;
    const streams = state.index.streamsOfFramework(id).map((stream) => stream.id);
    const wanted = connection.state === "CONNECTED" ? [connection.streamId] : [];
    if (streams.join() !== wanted.join()) {
      violations.push({ invariant: 5, fact: `${id} has streams ${streams.join()}` });
    }
  }
  return violations;
}

function checkRefusals({ tables, refusals }: MasterState): Violation[] {
  const fresh = new Refusals(tables);
  for (const table of ["agent", "filter"] as const) {
    for (const after of tables[table].values()) {
      fresh.follow({ table, key: "", before: undefined, after });
    }
  }
  const violations: Violation[] = [];
  const numbers = new Set([...tables.agent.values()].map(({ number }) => number));
  if (numbers.size < tables.agent.size || refusals.freeNumber() !== fresh.freeNumber()) {
    violations.push({ invariant: 7, fact: "agents' numbers are not what is noted" });
  }
  for (const row of tables.filter.values()) {
    const { frameworkId, role } = row;
    for (const agentId of fresh.agentsOf(row)) {
      const seqs = (of: Refusals): string =>
        of
          .of({ frameworkId, role, agentId })
          .map((each) => each.row.seq)
          .join();
      if (seqs(fresh) === seqs(refusals)) continue;
      const fact = `what ${frameworkId} refused of ${agentId} is not what is noted`;
      violations.push({ invariant: 7, fact });
    }
  }
  return violations;
}

/** The state as a reload would find it: durable rows only, volatile ones gone. */
export function reload(state: MasterState): MasterState {
  return loadState(storedRows(state), {
    cold: {
      get: (table, number) => state.cold.get(table, number),
      range: (...asked) => state.cold.range(...asked),
    },
    settings: state.settings,
  });
}

/** What the store holds of the state, in the order of creation. */
export function storedRows(state: MasterState): StoredRows {
  const rows: { [T in TableName]?: Rows[T][] } = {};
  for (const name of tableNames) collect(state, name, rows);
  return rows;
}

function collect<T extends TableName>(
  state: MasterState,
  name: T,
  into: { [K in TableName]?: Rows[K][] },
): void {
  const kept: Rows[T][] = [];
  for (const row of state.tables[name].values()) if (durable[name](row)) kept.push(row);
  Object.assign(into, { [name]: kept });
}
