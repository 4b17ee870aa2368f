/** What is read off the state at once: not what has to be added up over all tasks. */
import { registeredAgents } from "../operator/get-agents.ts";
import type { MasterState } from "../state.ts";
import { resourceMetrics } from "./resources.ts";

export type Metrics = Readonly<Record<string, number>>;

export function gauges(state: MasterState, nowMs: number): Metrics {
  return {
    "master/elected": 1,
    "master/uptime_secs": (nowMs - state.startedMs) / 1_000,
    ...agentGauges(state),
    ...connectionGauges(state),
    "master/outstanding_offers": state.tables.offer.size,
    ...resourceMetrics(state),
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

/** A connected agent is active unless an operator took it out of service. */
function agentGauges(state: MasterState): Metrics {
  const connected = registeredAgents(state);
  const active = connected.filter(({ service }) => service.state === "ACTIVE").length;
  return {
    "master/slaves_connected": connected.length,
    // An agent is connected or unreachable; there is nothing between the two.
    "master/slaves_disconnected": 0,
    "master/slaves_active": active,
    "master/slaves_inactive": connected.length - active,
    "master/slaves_unreachable": state.tables.agent.size - connected.length,
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
