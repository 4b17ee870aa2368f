/**
 * SUBSCRIBE: a new framework, the return of a known one, or the failover from a live stream to a
 * new one.
 */

import type { FrameworkId, StreamId } from "../../protocol/ids.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { isAuthorized } from "../authorizer/authorizer.ts";
import { HEARTBEAT_INTERVAL_MS } from "../constants.ts";
import { forgetAllFilters } from "../offer/filter.ts";
import { withdrawOffers } from "../offer/offer.ts";
import type { FrameworkRow } from "../rows.ts";
import { clusterId, newSeq, takeNumber } from "../state.ts";
import { catchUp } from "../task/catch-up.ts";
import { reply, sendEvent, type Turn } from "../turn.ts";
import { frameworkFacts, replaceFacts } from "./facts.ts";
import { idOf, rolesOf } from "./info.ts";
import { masterInfo } from "./master-info.ts";
import { validateSubscribe } from "./validate.ts";

export function subscribe(turn: Turn, streamId: StreamId, call: scheduler.CallSubscribe): void {
  reply(turn, { type: "STREAMING", streamId });
  const info = call.framework_info;
  const known = turn.state.tables.framework.get(idOf(info) ?? "");
  const refusal = refuse(turn, call, known);
  if (refusal !== undefined) {
    turn.effects.push({ type: "SEND_EVENT", streamId, event: errorEvent(refusal) });
    turn.effects.push({ type: "CLOSE_STREAM", streamId });
    return;
  }
  const framework =
    known === undefined ? admit(turn, streamId, call) : resubscribe(turn, streamId, call, known);
  greet(turn, framework, streamId);
  if (known !== undefined) catchUp(turn, framework, known.connection);
}

function refuse(
  turn: Turn,
  call: scheduler.CallSubscribe,
  known: FrameworkRow | undefined,
): string | undefined {
  const invalid = validateSubscribe(turn.state, call, known);
  if (invalid !== undefined) return invalid;
  const roles = rolesOf(call.framework_info);
  if (!isAuthorized(turn.principal, { type: "REGISTER_FRAMEWORK", roles })) {
    return `Not authorized to register a framework in roles ${roles.join(", ")}`;
  }
  const id = idOf(call.framework_info);
  if (id !== undefined && turn.state.tables.completedFramework.has(id)) {
    return "Framework has been removed";
  }
  return undefined;
}

function admit(turn: Turn, streamId: StreamId, call: scheduler.CallSubscribe): FrameworkRow {
  const { state, nowMs } = turn;
  const id = (idOf(call.framework_info) ?? newFrameworkId(turn)) as FrameworkId;
  const info = { ...call.framework_info, id: { value: id } };
  return state.tables.framework.put({
    seq: newSeq(state),
    id,
    ...frameworkFacts(info, call),
    registeredMs: nowMs,
    reregisteredMs: nowMs,
    connection: { state: "CONNECTED", streamId },
  });
}

function newFrameworkId(turn: Turn): string {
  const prefix = clusterId(turn.state);
  for (;;) {
    const number = takeNumber(turn.state, "framework").toString().padStart(4, "0");
    const id = `${prefix}-${number}`;
    const { framework, completedFramework } = turn.state.tables;
    // A client may have chosen such an id itself.
    if (!framework.has(id) && !completedFramework.has(id)) return id;
  }
}

function resubscribe(
  turn: Turn,
  streamId: StreamId,
  call: scheduler.CallSubscribe,
  known: FrameworkRow,
): FrameworkRow {
  const { tables } = turn.state;
  if (known.connection.state === "CONNECTED") {
    sendEvent(turn, known, errorEvent("Framework failed over"));
    turn.effects.push({ type: "CLOSE_STREAM", streamId: known.connection.streamId });
    tables.stream.delete(known.connection.streamId);
    forgetAllFilters(turn, known.id);
  }
  withdrawOffers(turn, known.id);
  return replaceFacts(turn, known, call, {
    reregisteredMs: turn.nowMs,
    connection: { state: "CONNECTED", streamId },
  });
}

function greet(turn: Turn, framework: FrameworkRow, streamId: StreamId): void {
  turn.state.tables.stream.put({
    seq: newSeq(turn.state),
    id: streamId,
    frameworkId: framework.id,
    heartbeatDueMs: turn.nowMs + HEARTBEAT_INTERVAL_MS,
  });
  sendEvent(turn, framework, {
    type: "SUBSCRIBED",
    subscribed: {
      framework_id: { value: framework.id },
      heartbeat_interval_seconds: HEARTBEAT_INTERVAL_MS / 1_000,
      master_info: masterInfo(turn.state),
    },
  });
  sendEvent(turn, framework, { type: "HEARTBEAT" });
}

export function errorEvent(message: string): scheduler.Event {
  return { type: "ERROR", error: { message } };
}
