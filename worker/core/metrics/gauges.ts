/**
 * What can be read off the state at any moment. Amounts are units (not thousandths); "percent" is a
 * fraction, as in Mesos.
 */
import { add } from "../../resources/algebra.ts";
import { addQuantities, quantitiesOf, quantityOf } from "../../resources/quantities.ts";
import type { Resources } from "../../resources/resource.ts";
import { defined } from "../../std/assert.ts";
import { registeredAgents } from "../operator/get-agents.ts";
import { offeredIn, sumOf, usedBy } from "../operator/holdings.ts";
import type { FrameworkRow, TaskRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { stateToldTo } from "../task/status.ts";
import { roleMetrics } from "./roles.ts";

export type Metrics = Readonly<Record<string, number>>;

export function gauges(state: MasterState, nowMs: number): Metrics {
  return {
    "master/elected": 1,
    "master/uptime_secs": (nowMs - state.startedMs) / 1_000,
    ...agentGauges(state),
    ...connectionGauges(state),
    "master/outstanding_offers": state.tables.offer.size,
    ...taskGauges(state),
    ...resourceGauges(state),
    ...roleMetrics(state),
    ...queueGauges(state),
  };
}

/**
 * The master takes each input as it comes and has no queue of its own; an allocation that is cut
 * into several turns waits for the next one.
 */
function queueGauges(state: MasterState): Metrics {
  const allocations = state.allocation.hasWork() ? 1 : 0;
  return {
    "allocator/event_queue_dispatches": allocations,
    "allocator/mesos/event_queue_dispatches": allocations,
    "master/event_queue_http_requests": 0,
    "master/event_queue_messages": 0,
    "master/operator_event_stream_subscribers": state.tables.subscriber.size,
  };
}

/** An agent is connected and active, or unreachable; the states between are not told apart here. */
function agentGauges(state: MasterState): Metrics {
  const connected = registeredAgents(state).length;
  return {
    "master/slaves_connected": connected,
    "master/slaves_disconnected": 0,
    "master/slaves_active": connected,
    "master/slaves_inactive": 0,
    "master/slaves_unreachable": state.tables.agent.size - connected,
  };
}

function connectionGauges(state: MasterState): Metrics {
  const rows = [...state.tables.framework.values()];
  const connected = rows.filter(({ connection }) => connection.state === "CONNECTED").length;
  return {
    "master/frameworks_connected": connected,
    "master/frameworks_disconnected": rows.length - connected,
    "master/frameworks_active": connected,
    "master/frameworks_inactive": rows.length - connected,
  };
}

/**
 * Unreachable tasks of frameworks that know no partitions are not in: those were told that they are
 * lost.
 */
function taskGauges(state: MasterState): Metrics {
  const counts = { STAGING: 0, STARTING: 0, RUNNING: 0, KILLING: 0, UNREACHABLE: 0 };
  for (const task of state.tables.task.values()) {
    const shown = stateToldTo(frameworkOf(state, task), task.state).replace("TASK_", "");
    if (Object.hasOwn(counts, shown)) counts[shown as keyof typeof counts]++;
  }
  const entries = Object.entries(counts);
  return Object.fromEntries(entries.map(([name, n]) => [`master/tasks_${name.toLowerCase()}`, n]));
}

function frameworkOf(state: MasterState, task: TaskRow): FrameworkRow {
  return defined(state.tables.framework.get(task.frameworkId), `task ${task.id} has its framework`);
}

function resourceGauges(state: MasterState): Metrics {
  const total = registeredAgents(state).reduce<Resources>((sum, a) => add(sum, a.total), []);
  const used = sumOf(usedBy(state.tables.task.values()));
  const offered = sumOf(offeredIn(state.tables.offer.values()));
  const metrics: Record<string, number> = {};
  for (const name of ["cpus", "gpus", "mem", "disk"]) {
    Object.assign(metrics, shareGauges(`master/${name}`, amounts(name, { total, used }, false)));
    const revocable = amounts(name, { total, used }, true);
    Object.assign(metrics, shareGauges(`master/${name}_revocable`, revocable));
  }
  const [all, held] = [
    quantitiesOf(total),
    addQuantities(quantitiesOf(used), quantitiesOf(offered)),
  ];
  for (const name of ["cpus", "mem", "disk"]) {
    const prefix = `allocator/mesos/resources/${name}`;
    metrics[`${prefix}/total`] = quantityOf(all, name) / 1_000;
    metrics[`${prefix}/offered_or_allocated`] = quantityOf(held, name) / 1_000;
  }
  return metrics;
}

interface Share {
  /** Thousandths. */
  readonly total: number;
  readonly used: number;
}

function amounts(
  name: string,
  of: { readonly total: Resources; readonly used: Resources },
  revocable: boolean,
): Share {
  const amount = (resources: Resources): number => {
    const chosen = resources.filter((resource) => (resource.revocable ?? false) === revocable);
    return quantityOf(quantitiesOf(chosen), name);
  };
  return { total: amount(of.total), used: amount(of.used) };
}

function shareGauges(prefix: string, { total, used }: Share): Metrics {
  return {
    [`${prefix}_total`]: total / 1_000,
    [`${prefix}_used`]: used / 1_000,
    [`${prefix}_percent`]: total === 0 ? 0 : used / total,
  };
}
