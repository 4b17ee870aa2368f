/**
 * Who belongs to this relay. The master says it on two channels that do not keep order with each
 * other: in answers (a snapshot as of its turn) and by its own messages (each with its turn). So
 * what arrives while a question is open is kept and laid over a snapshot that is older.
 */
import type { RosterEntry } from "../core/effect.ts";
import type { TurnMessage } from "../core/relay/exchange.ts";
import type { AgentId, SessionId } from "../protocol/ids.ts";
import type * as link from "../protocol/link/messages.ts";
import { unreachable } from "../std/assert.ts";
import { attachCalls, failCallsOf } from "./calls.ts";
import { ALIVE_INTERVAL_MS } from "./constants.ts";
import { enqueue, isAsked } from "./master-queue.ts";
import { answerWaiting, giveCommands, type Poll, refuse, takePoll } from "./polls.ts";
import { type FromMaster, type RelayedAgent, type RelayTurn, sessionKey } from "./state.ts";

export function askRoster(turn: RelayTurn): void {
  turn.state.rosterAsked = true;
  enqueue(turn, "started", { type: "STARTED" });
}

/** Another life of the master: effects of the old one may be lost, so everything is asked again. */
export function noteLife(
  turn: RelayTurn,
  { life, bringsRoster }: { readonly life: string; readonly bringsRoster: boolean },
): void {
  const { state } = turn;
  if (state.life === life) return;
  const known = state.life !== undefined;
  state.life = life;
  state.early = [];
  // Turns are counted anew: whatever was known is older than any answer of this life.
  for (const agent of state.agents.values()) agent.knownSinceTurn = -1;
  if (known && !bringsRoster) askRoster(turn);
}

export function handleFromMaster(
  turn: RelayTurn,
  { message, turn: masterTurn }: TurnMessage,
): void {
  const { state } = turn;
  switch (message.type) {
    case "SEND_COMMANDS": {
      const agent = liveAgent(turn, message);
      if (agent === undefined) remember(turn, { message, turn: masterTurn });
      else giveCommands(turn, agent, message.commands);
      return;
    }
    case "ADD_TO_RELAY":
      addAgent(turn, message.agent, masterTurn);
      return;
    case "REMOVE_FROM_RELAY":
      remember(turn, { message, turn: masterTurn });
      if (liveAgent(turn, message) !== undefined) removeAgent(turn, message.agentId);
      refuseStranger(turn, message);
      return;
    case "WAKE_RELAY":
      // The master believes that there are agents here; when there are none, one of us has missed
      // something.
      if (state.agents.size > 0) enqueue(turn, "alive", { type: "ALIVE" });
      else if (!state.rosterAsked) askRoster(turn);
      return;
    default:
      unreachable(message);
  }
}

/** All of the relay's agents as of the master's `asOfTurn`. */
export function applyRoster(
  turn: RelayTurn,
  { agents, asOfTurn }: { readonly agents: readonly RosterEntry[]; readonly asOfTurn: number },
): void {
  const { state } = turn;
  state.rosterAsked = false;
  const named = new Map(agents.map((entry) => [entry.agentId, entry]));
  for (const agent of [...state.agents.values()]) {
    const gone = !named.has(agent.agentId) && agent.knownSinceTurn <= asOfTurn;
    if (gone) removeAgent(turn, agent.agentId);
  }
  for (const entry of agents) applyEntry(turn, entry, asOfTurn);
  // Strangers that the roster does not name are asked about one by one: it may be older than their
  // registration.
  for (const { request } of [...state.strangers.values()]) askWhoIs(turn, request);
}

/**
 * One agent as of the master's `asOfTurn`: an answer's word, which may be older than what was heard
 * since.
 */
export function applyEntry(turn: RelayTurn, entry: RosterEntry, asOfTurn: number): void {
  const { state } = turn;
  const newer = state.early.filter((kept) => kept.turn > asOfTurn && isAbout(kept.message, entry));
  if (newer.some(({ message }) => message.type === "REMOVE_FROM_RELAY")) return;
  const present = state.agents.get(entry.agentId);
  if (present !== undefined && present.sessionId !== entry.sessionId) {
    if (present.knownSinceTurn > asOfTurn) return;
  }
  const agent = addAgent(turn, entry, asOfTurn);
  for (const { message } of newer) {
    if (message.type === "SEND_COMMANDS") giveCommands(turn, agent, message.commands);
  }
}

/** The session is not (or no longer) the live one of its agent. */
export function endSession(
  turn: RelayTurn,
  session: { readonly agentId: AgentId; readonly sessionId: SessionId },
): void {
  if (liveAgent(turn, session) !== undefined) removeAgent(turn, session.agentId);
  refuseStranger(turn, session);
}

/**
 * No sign of life for too long: the master is told once, and if the agent comes back it is asked
 * about it.
 */
export function agentSilent(turn: RelayTurn, agentId: AgentId): void {
  const agent = turn.state.agents.get(agentId);
  if (agent === undefined) return;
  const { sessionId } = agent;
  removeAgent(turn, agentId);
  enqueue(turn, `silent|${sessionKey(agentId, sessionId)}`, { type: "SILENT", agentId, sessionId });
}

/** Forgets what only an open question needed. */
export function forgetEarly(turn: RelayTurn): void {
  if (turn.state.early.length > 0 && !questionOpen(turn)) turn.state.early = [];
}

/** A poll of a session that is not known here: it is held until the master has said whose it is. */
export function holdStranger(turn: RelayTurn, poll: Poll): void {
  const { strangers } = turn.state;
  const key = sessionKey(poll.agentId, poll.sessionId);
  const older = strangers.get(key);
  if (older !== undefined) answerWaiting(turn, older.requestId);
  strangers.set(key, { requestId: poll.requestId, request: poll.request });
  turn.state.timers.set(`wait|${key}`, poll.holdUntilMs);
  if (older === undefined && !turn.state.rosterAsked) askWhoIs(turn, poll.request);
}

function askWhoIs(turn: RelayTurn, request: link.PollRequest): void {
  // Ids come from the wire as plain strings; here they become what they are used as.
  const agentId = request.agent_id.value as AgentId;
  const sessionId = request.session_id as SessionId;
  const key = `who|${sessionKey(agentId, sessionId)}`;
  enqueue(turn, key, { type: "WHO_IS", agentId, sessionId });
}

function addAgent(turn: RelayTurn, entry: RosterEntry, masterTurn: number): RelayedAgent {
  const { state, nowMs } = turn;
  const { agentId, sessionId } = entry;
  let agent = state.agents.get(agentId);
  if (agent !== undefined && agent.sessionId !== sessionId) {
    removeAgent(turn, agentId);
    agent = undefined;
  }
  if (agent === undefined) {
    agent = {
      agentId,
      sessionId,
      knownSinceTurn: masterTurn,
      acknowledged: -1n,
      numbered: [],
      volatile: [],
      poll: undefined,
    };
    state.agents.set(agentId, agent);
    state.timers.set(`life|${agentId}`, nowMs + state.settings.silenceMs);
    if (state.agents.size === 1) state.timers.set("alive", nowMs + ALIVE_INTERVAL_MS);
  }
  agent.knownSinceTurn = Math.max(agent.knownSinceTurn, masterTurn);
  giveCommands(turn, agent, entry.commands);
  attachCalls(turn, agent);
  const key = sessionKey(agentId, sessionId);
  const held = state.strangers.get(key);
  if (held !== undefined) {
    state.strangers.delete(key);
    state.timers.delete(`wait|${key}`);
    takePoll(turn, agent, held);
  }
  return agent;
}

function removeAgent(turn: RelayTurn, agentId: AgentId): void {
  const { state } = turn;
  const agent = state.agents.get(agentId);
  if (agent === undefined) return;
  state.agents.delete(agentId);
  state.timers.delete(`life|${agentId}`);
  state.timers.delete(`poll|${agentId}`);
  if (agent.poll !== undefined) refuse(turn, agent.poll.requestId, "REGISTER_AGAIN");
  failCallsOf(turn, agentId);
}

function refuseStranger(
  turn: RelayTurn,
  { agentId, sessionId }: { readonly agentId: AgentId; readonly sessionId: SessionId },
): void {
  const key = sessionKey(agentId, sessionId);
  const held = turn.state.strangers.get(key);
  if (held === undefined) return;
  turn.state.strangers.delete(key);
  turn.state.timers.delete(`wait|${key}`);
  refuse(turn, held.requestId, "REGISTER_AGAIN");
}

function liveAgent(
  turn: RelayTurn,
  { agentId, sessionId }: { readonly agentId: AgentId; readonly sessionId: SessionId },
): RelayedAgent | undefined {
  const agent = turn.state.agents.get(agentId);
  return agent?.sessionId === sessionId ? agent : undefined;
}

function remember(turn: RelayTurn, kept: TurnMessage): void {
  if (questionOpen(turn)) turn.state.early.push(kept);
}

function questionOpen(turn: RelayTurn): boolean {
  return (
    turn.state.rosterAsked || isAsked(turn, ({ type }) => type === "WHO_IS" || type === "STARTED")
  );
}

function isAbout(message: FromMaster, { agentId, sessionId }: RosterEntry): boolean {
  return (
    (message.type === "SEND_COMMANDS" || message.type === "REMOVE_FROM_RELAY") &&
    message.agentId === agentId &&
    message.sessionId === sessionId
  );
}
