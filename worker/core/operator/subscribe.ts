/** SUBSCRIBE of the operator API: streams of events, and how they end. */
import type { StreamId } from "../../protocol/ids.ts";
import { HEARTBEAT_INTERVAL_MS, SUBSCRIBERS_MAX } from "../constants.ts";
import type { SubscriberRow } from "../rows.ts";
import { newSeq } from "../state.ts";
import { reply, type Turn } from "../turn.ts";

/** The snapshot and the first HEARTBEAT follow at the end of the turn: see `events.ts`. */
export function subscribeOperator(turn: Turn, streamId: StreamId): void {
  const { subscriber } = turn.state.tables;
  for (const oldest of [...subscriber.values()]) {
    if (subscriber.size < SUBSCRIBERS_MAX) break;
    subscriber.delete(oldest.id);
    turn.effects.push({ type: "CLOSE_STREAM", streamId: oldest.id });
  }
  const heartbeatDueMs = turn.nowMs + HEARTBEAT_INTERVAL_MS;
  subscriber.put({ seq: newSeq(turn.state), id: streamId, heartbeatDueMs });
  reply(turn, { type: "STREAMING", streamId });
}

export function operatorHeartbeat(turn: Turn, subscriber: SubscriberRow): void {
  const { id: streamId } = subscriber;
  turn.effects.push({ type: "SEND_OPERATOR_EVENT", streamId, event: { type: "HEARTBEAT" } });
  const heartbeatDueMs = turn.nowMs + HEARTBEAT_INTERVAL_MS;
  turn.state.tables.subscriber.put({ ...subscriber, heartbeatDueMs });
}
