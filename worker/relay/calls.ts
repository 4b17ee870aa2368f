/**
 * Operators' calls to an agent's own API: the caller is parked, the call goes to the agent as a
 * command without a number, and the agent posts the answer back in numbered pieces.
 *
 * What the caller sends as a body the agent asks for, piece by piece, when it has room for it.
 * While a call goes on without a body the agent asks all the same: the request is held as long as
 * there is nothing, and refused as soon as the caller has gone.
 *
 * 1. A caller gets the pieces in order, each once. 2. A caller never waits longer than
 * `CALL_TIMEOUT_MS` for a piece from an agent that has stopped asking.
 */
import type { AgentId } from "../protocol/ids.ts";
import type * as link from "../protocol/link/messages.ts";
import { CALL_TIMEOUT_MS, CALLS_PER_AGENT } from "./constants.ts";
import type { CallFailure } from "./effect.ts";
import type { RelayInput } from "./input.ts";
import { giveCommands, noteSignOfLife, refuse } from "./polls.ts";
import type { RelayedAgent, RelayTurn } from "./state.ts";

type CallInput = RelayInput & { readonly type: "CALL" };

export function takeCall(turn: RelayTurn, { callId, agentId, call }: CallInput): void {
  const { state } = turn;
  const agent = state.agents.get(agentId);
  if (agent === undefined && !state.rosterAsked) {
    turn.effects.push({ type: "FAIL_CALL", callId, reason: "AGENT_NOT_CONNECTED" });
    return;
  }
  const others = [...state.calls.values()].filter((other) => other.agentId === agentId);
  if (others.length >= CALLS_PER_AGENT) {
    turn.effects.push({ type: "FAIL_CALL", callId, reason: "TOO_MANY_CALLS" });
    return;
  }
  state.calls.set(callId, {
    agentId,
    call,
    inputRequestId: undefined,
    nextSequence: undefined,
  });
  state.timers.set(`call|${callId}`, turn.nowMs + CALL_TIMEOUT_MS);
  if (agent !== undefined) attachCalls(turn, agent);
}

/** Hands the agent the calls that waited for it. */
export function attachCalls(turn: RelayTurn, agent: RelayedAgent): void {
  for (const [callId, parked] of turn.state.calls) {
    const { call } = parked;
    if (call === undefined || parked.agentId !== agent.agentId) continue;
    parked.call = undefined;
    giveCommands(turn, agent, [{ type: "CALL", call: { call_id: callId, ...call } }]);
  }
}

/** One piece of an answer. The agent repeats a piece until it is answered, so pieces come twice. */
export function takeCallReply(turn: RelayTurn, requestId: number, reply: link.CallReply): void {
  const { state, effects } = turn;
  const callId = reply.call_id;
  const agent = state.agents.get(reply.agent_id.value as AgentId);
  if (agent?.sessionId === reply.session_id) noteSignOfLife(turn, agent);
  const call = state.calls.get(callId);
  if (call === undefined || call.agentId !== reply.agent_id.value) {
    refuse(turn, requestId, "CALL_UNKNOWN");
    return;
  }
  const first = call.nextSequence === undefined;
  const expected = call.nextSequence ?? reply.sequence;
  const early = first ? reply.status === undefined : reply.sequence > expected;
  if (early) {
    refuse(turn, requestId, "TRY_AGAIN");
    return;
  }
  if (reply.sequence < expected) {
    // The caller has no room for more yet; the agent asks again, which is a sign of it.
    state.timers.set(`call|${callId}`, turn.nowMs + CALL_TIMEOUT_MS);
    effects.push({ type: "ANSWER_CALL_REPLY", requestId, callId });
    return;
  }
  const { status, content_type: contentType = "application/octet-stream" } = reply;
  const messageContentType = reply.message_content_type;
  const isHead = first && status !== undefined;
  const head = isHead ? { status, contentType, messageContentType } : undefined;
  const last = reply.last === true;
  const data = reply.data ?? new Uint8Array();
  effects.push({ type: "SEND_TO_CALLER", callId, head, data, last });
  // After the piece: the caller may have no room for another one yet.
  effects.push({ type: "ANSWER_CALL_REPLY", requestId, callId });
  call.nextSequence = reply.sequence + 1;
  if (last) forgetCall(turn, callId);
  else state.timers.set(`call|${callId}`, turn.nowMs + CALL_TIMEOUT_MS);
}

/** The agent wants a piece of a call's body, or to hear that nobody waits for the answer. */
export function takeCallInput(
  turn: RelayTurn,
  requestId: number,
  request: link.CallInputRequest,
): void {
  const { state, effects } = turn;
  const callId = request.call_id;
  const agent = state.agents.get(request.agent_id.value as AgentId);
  if (agent?.sessionId === request.session_id) noteSignOfLife(turn, agent);
  const call = state.calls.get(callId);
  if (call === undefined || call.agentId !== request.agent_id.value) {
    refuse(turn, requestId, "CALL_UNKNOWN");
    return;
  }
  state.timers.set(`call|${callId}`, turn.nowMs + CALL_TIMEOUT_MS);
  releaseCallInput(turn, callId);
  call.inputRequestId = requestId;
  state.timers.set(`input|${callId}`, turn.nowMs + state.settings.pollHoldMs);
  effects.push({ type: "TAKE_FROM_CALLER", requestId, callId, sequence: request.sequence });
}

/** The request was held as long as it may be, or a newer one has come. */
export function releaseCallInput(turn: RelayTurn, callId: string): void {
  const call = turn.state.calls.get(callId);
  if (call?.inputRequestId === undefined) return;
  // It may have been answered with a piece meanwhile: then this does nothing.
  turn.effects.push({ type: "ANSWER_CALL_INPUT", requestId: call.inputRequestId });
  call.inputRequestId = undefined;
}

/** Nobody waits for the answer any more: the agent learns it with its next word about the call. */
export function forgetCall(turn: RelayTurn, callId: string): void {
  const inputRequestId = turn.state.calls.get(callId)?.inputRequestId;
  if (inputRequestId !== undefined) refuse(turn, inputRequestId, "CALL_UNKNOWN");
  turn.state.timers.delete(`input|${callId}`);
  turn.state.calls.delete(callId);
  turn.state.timers.delete(`call|${callId}`);
}

export function failCall(turn: RelayTurn, callId: string, reason: CallFailure): void {
  if (!turn.state.calls.has(callId)) return;
  forgetCall(turn, callId);
  turn.effects.push({ type: "FAIL_CALL", callId, reason });
}

/** The agent, or the session that had the calls, is gone. */
export function failCallsOf(turn: RelayTurn, agentId: AgentId): void {
  for (const [callId, call] of [...turn.state.calls]) {
    if (call.agentId === agentId && call.call === undefined) failCall(turn, callId, "AGENT_LOST");
  }
}

/** The roster has come: calls to agents that are not on it fail. */
export function failUnattachedCalls(turn: RelayTurn): void {
  for (const [callId, call] of [...turn.state.calls]) {
    if (call.call === undefined || turn.state.agents.has(call.agentId)) continue;
    failCall(turn, callId, "AGENT_NOT_CONNECTED");
  }
}
