/**
 * The master: one input in, what changed and what is to be done out.
 *
 * `step` is the only way in. It is synchronous and deterministic: the same state and the same
 * stamped input give the same outcome everywhere. It throws only on a bug; the state is then half
 * changed and must be dropped.
 */

import type { ClusterId, FrameworkId } from "../protocol/ids.ts";
import { unreachable } from "../std/assert.ts";
import { prng } from "../std/prng.ts";
import type { Change } from "../std/table.ts";
import { agentExpired } from "./agent/collect.ts";
import { settleDrains } from "./agent/drain.ts";
import { registerAgent } from "./agent/register.ts";
import { loseUntoldEnds } from "./agent/unreachable.ts";
import { allocate } from "./allocator/allocate.ts";
import type { ColdChange } from "./cold.ts";
import type { Effect } from "./effect.ts";
import { schedulerCall } from "./framework/call.ts";
import { failoverTimedOut, heartbeat, recoverAll, streamClosed } from "./framework/connection.ts";
import { subscribe } from "./framework/subscribe.ts";
import type { DueRow } from "./index.ts";
import type { Input, StampedInput } from "./input.ts";
import { inverseFilterEnded, settleInverseOffers } from "./maintenance/inverse-offer.ts";
import { offerTimedOut } from "./offer/timed-out.ts";
import { resendStatus } from "./operation/feedback.ts";
import { publishEvents } from "./operator/events.ts";
import { operatorCall } from "./operator/index.ts";
import { ownChange } from "./operator/own/index.ts";
import { operatorHeartbeat, subscribeOperator } from "./operator/subscribe.ts";
import { introduceAgents, relayBatch, relaySilent, watchAllRelays } from "./relay/relay.ts";
import { foundCounters, type MasterState, newSeq } from "./state.ts";
import type { Turn } from "./turn.ts";
import { uuid } from "./uuid.ts";

export interface Outcome {
  /** In the order in which they were made; a row may occur several times. */
  readonly changes: readonly Change[];
  readonly coldChanges: readonly ColdChange[];
  /** To be performed in order, after the changes are durable. */
  readonly effects: readonly Effect[];
}

/** Due rows handled in one turn at most; the rest is due in the next. */
const DUE_ROWS_PER_TURN = 1_000;

/** Watches a step from outside; it must not touch the state. */
export interface Probe {
  /** An allocation is due: `run` makes it, and has to be called. */
  readonly allocating: (run: () => void) => void;
}

export function step(state: MasterState, stamped: StampedInput, probe?: Probe): Outcome {
  const turn: Turn = {
    state,
    nowMs: stamped.nowMs,
    random: prng(stamped.seed),
    principal: stamped.principal,
    effects: [],
  };
  state.changes = [];
  handle(turn, stamped.input);
  handleDueRows(turn);
  settleDrains(turn);
  publishEvents(turn);
  if (probe !== undefined && state.allocation.hasWork()) probe.allocating(() => allocate(turn));
  else allocate(turn);
  settleInverseOffers(turn);
  const { changes } = state;
  state.changes = [];
  return { changes, coldChanges: state.cold.takeChanges(), effects: turn.effects };
}

/**
 * When TIMER_DUE is wanted next, ms; undefined = nothing waits. May lie in the past: then at once.
 */
export function nextDueMs(state: MasterState): number | undefined {
  if (state.allocation.hasWork()) return 0;
  const [wakeAtMs, dueMs] = [state.allocation.wakeAtMs(), state.index.due.nextDueMs()];
  return wakeAtMs === undefined || dueMs === undefined
    ? (wakeAtMs ?? dueMs)
    : Math.min(wakeAtMs, dueMs);
}

function handle(turn: Turn, input: Input): void {
  switch (input.type) {
    case "SUBSCRIBE":
      if (input.call.subscribe) subscribe(turn, input.streamId, input.call.subscribe);
      return;
    case "SCHEDULER_CALL":
      schedulerCall(turn, input.streamId, input.call);
      return;
    case "STREAM_CLOSED":
      streamClosed(turn, input.streamId, input.cause);
      return;
    case "OPERATOR_CALL":
      operatorCall(turn, input.call);
      return;
    case "OWN_CALL":
      ownChange(turn, input.call);
      return;
    case "OPERATOR_SUBSCRIBE":
      subscribeOperator(turn, input.streamId);
      return;
    case "AGENT_REGISTER":
      registerAgent(turn, input.request);
      return;
    case "RELAY_BATCH":
      relayBatch(turn, input.relayId, input.messages);
      return;
    case "RESTARTED":
      restarted(turn);
      return;
    case "TIMER_DUE":
      return;
    default:
      unreachable(input);
  }
}

/** A new life of the object: a new cluster is founded, an old one goes on. */
function restarted(turn: Turn): void {
  const { state, nowMs } = turn;
  state.startedMs = nowMs;
  if (!state.tables.cluster.has("cluster")) {
    foundCounters(state);
    const id = uuid(turn.random) as ClusterId;
    const { policy } = state.settings;
    state.tables.cluster.put({ seq: newSeq(state), id, createdMs: nowMs, policy });
  }
  recoverAll(turn);
  loseUntoldEnds(turn);
  watchAllRelays(turn);
  introduceAgents(turn);
}

function handleDueRows(turn: Turn): void {
  for (let handled = 0; handled < DUE_ROWS_PER_TURN; handled++) {
    const due = turn.state.index.takeDue(turn.nowMs);
    if (due === undefined) return;
    handleDueRow(turn, due);
  }
}

function handleDueRow(turn: Turn, { table, key }: DueRow): void {
  const { tables } = turn.state;
  if (table === "framework") failoverTimedOut(turn, key as FrameworkId);
  else if (table === "agent") agentExpired(turn, key);
  else if (table === "goneAgent") tables.goneAgent.delete(key);
  else if (table === "filter") tables.filter.delete(key);
  else if (table === "stream") {
    const row = tables.stream.get(key);
    if (row !== undefined) heartbeat(turn, row);
  } else if (table === "subscriber") {
    const row = tables.subscriber.get(key);
    if (row !== undefined) operatorHeartbeat(turn, row);
  } else if (table === "offer") {
    const row = tables.offer.get(key);
    if (row !== undefined) offerTimedOut(turn, row);
  } else if (table === "operation") {
    const row = tables.operation.get(key);
    if (row !== undefined) resendStatus(turn, row);
  } else if (table === "inverseAnswer") {
    const row = tables.inverseAnswer.get(key);
    if (row !== undefined) inverseFilterEnded(turn, row);
  } else if (table === "relayWatch") {
    const row = tables.relayWatch.get(key);
    if (row !== undefined) relaySilent(turn, row);
  }
}
