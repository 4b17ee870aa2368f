/**
 * The relay: holds the agents' long polls and counts their signs of life, so that the master does
 * not have to. Pure: one `stepRelay` per input, effects out, time from the stamp.
 *
 * 1. A poll is answered within `pollHoldMs` or refused. 2. A numbered command goes with every
 * answer until the agent has acknowledged it; one without a number goes once. 3. A report is
 * answered only when the master has said that it is durable. 4. An agent that sends nothing for
 * `silenceMs` is reported SILENT once.
 */

import type { AgentId, SessionId } from "../protocol/ids.ts";
import { unreachable } from "../std/assert.ts";
import {
  failCall,
  failUnattachedCalls,
  forgetCall,
  releaseCallInput,
  takeCall,
  takeCallInput,
  takeCallReply,
} from "./calls.ts";
import { REPORT_HOLD_MS } from "./constants.ts";
import type { RelayEffect } from "./effect.ts";
import type { RelayInput } from "./input.ts";
import { batchFailed, enqueue, retryBatch, sendBatch, takeAnswered } from "./master-queue.ts";
import { noteSignOfLife, pollTimedOut, refuse, takePoll } from "./polls.ts";
import {
  agentSilent,
  applyEntry,
  applyRoster,
  askRoster,
  endSession,
  forgetEarly,
  handleFromMaster,
  holdStranger,
  noteLife,
} from "./roster.ts";
import { type RelayState, type RelayTurn, sessionKey } from "./state.ts";

/** One turn of the relay. `nowMs` never runs backwards. Throws only on a bug. */
export function stepRelay(
  state: RelayState,
  stamped: { readonly nowMs: number; readonly input: RelayInput },
): readonly RelayEffect[] {
  const turn: RelayTurn = { state, nowMs: stamped.nowMs, effects: [] };
  handle(turn, stamped.input);
  runDue(turn);
  sendBatch(turn);
  forgetEarly(turn);
  const nextMs = state.timers.nextDueMs();
  if (nextMs !== state.timerSetMs) {
    state.timerSetMs = nextMs;
    turn.effects.push({ type: "SET_TIMER", atMs: nextMs });
  }
  return turn.effects;
}

function handle(turn: RelayTurn, input: RelayInput): void {
  switch (input.type) {
    case "STARTED":
      askRoster(turn);
      return;
    case "POLL":
      handlePoll(turn, input);
      return;
    case "REPORT":
      handleReport(turn, input);
      return;
    case "CALL":
      takeCall(turn, input);
      return;
    case "CALL_REPLY":
      takeCallReply(turn, input.requestId, input.reply);
      return;
    case "CALL_INPUT":
      takeCallInput(turn, input.requestId, input.request);
      return;
    case "CALL_ABANDONED":
      forgetCall(turn, input.callId);
      return;
    case "FROM_MASTER":
      noteLife(turn, { life: input.life, bringsRoster: false });
      for (const message of input.messages) handleFromMaster(turn, message);
      return;
    case "MASTER_ANSWERED":
      handleAnswer(turn, input);
      return;
    case "MASTER_FAILED":
      handleFailure(turn, input);
      return;
    case "TIMER":
      // What is due is done after every input; the timer that brought this one is spent.
      turn.state.timerSetMs = undefined;
      return;
    default:
      unreachable(input);
  }
}

function handlePoll(turn: RelayTurn, input: RelayInput & { readonly type: "POLL" }): void {
  const { requestId, request } = input;
  // Ids come from the wire as plain strings; here they become what they are used as.
  const agentId = request.agent_id.value as AgentId;
  const sessionId = request.session_id as SessionId;
  const agent = turn.state.agents.get(agentId);
  if (agent?.sessionId === sessionId) {
    noteSignOfLife(turn, agent);
    takePoll(turn, agent, { requestId, request });
    return;
  }
  const holdUntilMs = turn.nowMs + turn.state.settings.pollHoldMs;
  holdStranger(turn, { requestId, request, agentId, sessionId, holdUntilMs });
}

/**
 * Reports go to the master also from sessions that are not known here: it knows what they are
 * worth.
 */
function handleReport(turn: RelayTurn, input: RelayInput & { readonly type: "REPORT" }): void {
  const { requestId, report, bytes } = input;
  const agent = turn.state.agents.get(report.agent_id.value as AgentId);
  if (agent?.sessionId === report.session_id) noteSignOfLife(turn, agent);
  const key = `report|${requestId}`;
  enqueue(turn, key, { type: "REPORT", report }, { bytes, requestId });
  turn.state.reports.add(requestId);
  turn.state.timers.set(key, turn.nowMs + REPORT_HOLD_MS);
}

function handleAnswer(
  turn: RelayTurn,
  { batch, answer }: RelayInput & { readonly type: "MASTER_ANSWERED" },
): void {
  const answered = takeAnswered(turn, batch);
  if (answered === undefined) return;
  const { life, turn: asOfTurn, replies } = answer;
  noteLife(turn, { life, bringsRoster: replies.some(({ type }) => type === "ROSTER") });
  const ended = new Set<string>();
  for (const reply of replies) {
    switch (reply.type) {
      case "ROSTER":
        applyRoster(turn, { agents: reply.agents, asOfTurn });
        failUnattachedCalls(turn);
        break;
      case "KNOWN":
        applyEntry(turn, reply.agent, asOfTurn);
        break;
      case "REGISTER_AGAIN":
        ended.add(sessionKey(reply.agentId, reply.sessionId));
        endSession(turn, reply);
        break;
      default:
        unreachable(reply);
    }
  }
  for (const { message, requestId } of answered) {
    if (message.type !== "REPORT" || requestId === undefined) continue;
    const key = sessionKey(message.report.agent_id.value, message.report.session_id);
    answerReport(turn, requestId, ended.has(key) ? "REGISTER_AGAIN" : "DURABLE");
  }
}

function handleFailure(
  turn: RelayTurn,
  failed: RelayInput & { readonly type: "MASTER_FAILED" },
): void {
  const culprit = batchFailed(turn, failed);
  if (culprit?.requestId === undefined) return;
  turn.state.timers.delete(culprit.key);
  if (turn.state.reports.delete(culprit.requestId)) refuse(turn, culprit.requestId, "TRY_AGAIN");
}

function answerReport(
  turn: RelayTurn,
  requestId: number,
  verdict: "DURABLE" | "REGISTER_AGAIN",
): void {
  if (!turn.state.reports.delete(requestId)) return;
  turn.state.timers.delete(`report|${requestId}`);
  if (verdict === "DURABLE") turn.effects.push({ type: "ANSWER_REPORT", requestId });
  else refuse(turn, requestId, "REGISTER_AGAIN");
}

/** Everything whose time has come, the earliest first. */
function runDue(turn: RelayTurn): void {
  for (;;) {
    const name = turn.state.timers.takeDue(turn.nowMs);
    if (name === undefined) return;
    const bar = name.indexOf("|");
    if (bar === -1) runTimer(turn, name);
    else runKeyedTimer(turn, name.slice(0, bar), name.slice(bar + 1));
  }
}

function runTimer(turn: RelayTurn, name: string): void {
  const { state } = turn;
  if (name === "retry") retryBatch(turn);
  else if (name === "lazy") state.queue.urgent = true;
  else if (name === "alive" && state.agents.size > 0) enqueue(turn, "alive", { type: "ALIVE" });
}

function runKeyedTimer(turn: RelayTurn, kind: string, key: string): void {
  const { state } = turn;
  if (kind === "life") agentSilent(turn, key as AgentId);
  else if (kind === "poll") pollTimedOut(turn, key as AgentId);
  else if (kind === "call") failCall(turn, key, "TIMED_OUT");
  else if (kind === "input") releaseCallInput(turn, key);
  else if (kind === "report") {
    // Not on its way yet: the agent sends it again, and the master need not hear it twice.
    state.queue.waiting.delete(`report|${key}`);
    if (state.reports.delete(Number(key))) refuse(turn, Number(key), "TRY_AGAIN");
  } else if (kind === "wait") {
    const held = state.strangers.get(key);
    state.strangers.delete(key);
    if (held !== undefined) refuse(turn, held.requestId, "TRY_AGAIN");
  }
}
