/** How frameworks lose their stream, and what becomes of them then. */

import type { FrameworkId, StreamId } from "../../protocol/ids.ts";
import { unreachable } from "../../std/assert.ts";
import { HEARTBEAT_INTERVAL_MS, OUTAGE_MS, RECOVERED_FRAMEWORK_WAIT_MS } from "../constants.ts";
import { forgetAllFilters } from "../offer/filter.ts";
import { withdrawOffers } from "../offer/offer.ts";
import type { FrameworkConnection, FrameworkRow, StreamRow } from "../rows.ts";
import { sendEvent, type Turn } from "../turn.ts";
import { removeFramework } from "./remove.ts";

/** A stream ended from outside. A stream that was already replaced changes nothing. */
export function streamClosed(
  turn: Turn,
  streamId: StreamId,
  cause: "CLIENT_CLOSED" | "READ_TOO_SLOWLY",
): void {
  turn.state.tables.subscriber.delete(streamId);
  const stream = turn.state.tables.stream.get(streamId);
  if (stream === undefined) return;
  turn.state.tables.stream.delete(streamId);
  const framework = turn.state.tables.framework.get(stream.frameworkId);
  if (framework === undefined) return;
  switch (cause) {
    case "CLIENT_CLOSED":
      disconnect(turn, framework);
      return;
    case "READ_TOO_SLOWLY":
      // It was we who ended the stream, so its failover timeout (which may be 0) must not kill its
      // work.
      recover(turn, framework);
      return;
    default:
      unreachable(cause);
  }
}

function disconnect(turn: Turn, framework: FrameworkRow): void {
  if (framework.failoverTimeoutMs === 0) {
    removeFramework(turn, framework);
    return;
  }
  const removeAtMs = turn.nowMs + framework.failoverTimeoutMs;
  deactivate(turn, framework, { state: "DISCONNECTED", sinceMs: turn.nowMs, removeAtMs });
  forgetAllFilters(turn, framework.id);
}

function recover(turn: Turn, framework: FrameworkRow): void {
  const waitMs = Math.max(RECOVERED_FRAMEWORK_WAIT_MS, framework.failoverTimeoutMs);
  const removeAtMs = turn.nowMs + waitMs;
  deactivate(turn, framework, { state: "RECOVERED", sinceMs: turn.nowMs, removeAtMs });
}

function deactivate(turn: Turn, framework: FrameworkRow, connection: FrameworkConnection): void {
  withdrawOffers(turn, framework.id);
  turn.state.tables.framework.put({ ...framework, connection });
}

/**
 * After a restart no stream is left; nobody is to blame, so nobody's timer starts at once. An
 * object that merely slept is woken in time for whom it waits; when a wait is over for long, nobody
 * could have come back meanwhile, and it begins anew.
 */
export function recoverAll(turn: Turn): void {
  for (const framework of [...turn.state.tables.framework.values()]) {
    const { connection } = framework;
    if (connection.state === "CONNECTED") recover(turn, framework);
    else if (connection.removeAtMs >= turn.nowMs - OUTAGE_MS) continue;
    else if (connection.state === "RECOVERED") recover(turn, framework);
    else {
      const removeAtMs = turn.nowMs + framework.failoverTimeoutMs;
      turn.state.tables.framework.put({ ...framework, connection: { ...connection, removeAtMs } });
    }
  }
}

/** The time a framework had to come back is over. */
export function failoverTimedOut(turn: Turn, id: FrameworkId): void {
  const framework = turn.state.tables.framework.get(id);
  if (framework === undefined || framework.connection.state === "CONNECTED") return;
  removeFramework(turn, framework);
}

export function heartbeat(turn: Turn, stream: StreamRow): void {
  const framework = turn.state.tables.framework.get(stream.frameworkId);
  if (framework === undefined) return;
  sendEvent(turn, framework, { type: "HEARTBEAT" });
  const heartbeatDueMs = turn.nowMs + HEARTBEAT_INTERVAL_MS;
  turn.state.tables.stream.put({ ...stream, heartbeatDueMs });
}
