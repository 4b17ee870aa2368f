/**
 * Polls, and the commands that answer them. A poll is held until there are commands, a newer poll
 * of the same agent, or the time is up. A poll that is open says nothing: workerd never tells that
 * its client has gone. Only what an agent sends counts as a sign of life.
 */

import type { AgentId, SessionId } from "../protocol/ids.ts";
import type * as link from "../protocol/link/messages.ts";
import { COMMANDS_PER_POLL } from "./constants.ts";
import type { RefusalCode } from "./effect.ts";
import { enqueue } from "./master-queue.ts";
import type { HeldPoll, RelayedAgent, RelayTurn } from "./state.ts";

/** A poll as it arrived, of whatever session. */
export interface Poll extends HeldPoll {
  readonly agentId: AgentId;
  readonly sessionId: SessionId;
  readonly holdUntilMs: number;
}

/** The agent lives: its clock starts again. */
export function noteSignOfLife(turn: RelayTurn, agent: RelayedAgent): void {
  turn.state.timers.set(`life|${agent.agentId}`, turn.nowMs + turn.state.settings.silenceMs);
}

/** Holds the poll of a known session, or answers it at once when commands wait. */
export function takePoll(turn: RelayTurn, agent: RelayedAgent, poll: HeldPoll): void {
  acknowledge(turn, agent, poll.request.acknowledged_command);
  const held = agent.poll;
  if (held !== undefined && held.requestId !== poll.requestId) {
    if (held.request.poll_number > poll.request.poll_number) {
      // It was overtaken on its way: the newer one is held already.
      answerWaiting(turn, poll.requestId);
      return;
    }
    answerWaiting(turn, held.requestId);
  }
  if (agent.numbered.length === 0 && agent.volatile.length === 0) {
    if (held?.requestId === poll.requestId) return;
    agent.poll = poll;
    turn.state.timers.set(`poll|${agent.agentId}`, turn.nowMs + turn.state.settings.pollHoldMs);
    return;
  }
  const commands = [...agent.numbered.slice(0, COMMANDS_PER_POLL), ...agent.volatile];
  agent.volatile = [];
  agent.poll = undefined;
  turn.state.timers.delete(`poll|${agent.agentId}`);
  turn.effects.push({ type: "ANSWER_POLL", requestId: poll.requestId, commands });
}

/**
 * Lays commands behind those that wait; numbered ones that are there already are left out. A master
 * that still gives one that is acknowledged has not heard of that: its turn failed, or came before
 * the word of it.
 */
export function giveCommands(
  turn: RelayTurn,
  agent: RelayedAgent,
  commands: readonly link.Command[],
): void {
  for (const command of commands) {
    const { number } = command;
    if (number === undefined) agent.volatile.push(command);
    else if (number > agent.acknowledged) insertNumbered(agent.numbered, command, number);
    else reportAcknowledged(turn, agent);
  }
  if (agent.poll !== undefined) takePoll(turn, agent, agent.poll);
}

function insertNumbered(numbered: link.Command[], command: link.Command, number: bigint): void {
  let at = numbered.length;
  while (at > 0 && (numbered[at - 1]?.number ?? 0n) > number) at--;
  if (at > 0 && numbered[at - 1]?.number === number) return;
  numbered.splice(at, 0, command);
}

/** The poll was held as long as it may be. */
export function pollTimedOut(turn: RelayTurn, agentId: AgentId): void {
  const agent = turn.state.agents.get(agentId);
  if (agent?.poll === undefined) return;
  answerWaiting(turn, agent.poll.requestId);
  agent.poll = undefined;
}

/** Answers a poll without commands: the agent polls again. */
export function answerWaiting(turn: RelayTurn, requestId: number): void {
  turn.effects.push({ type: "ANSWER_POLL", requestId, commands: [] });
}

export function refuse(turn: RelayTurn, requestId: number, code: RefusalCode): void {
  turn.effects.push({ type: "REFUSE", requestId, code });
}

function acknowledge(turn: RelayTurn, agent: RelayedAgent, number: bigint): void {
  if (number <= agent.acknowledged) return;
  agent.acknowledged = number;
  const left = agent.numbered.findIndex((command) => isAfter(command, number));
  const done = left === -1 ? agent.numbered.splice(0) : agent.numbered.splice(0, left);
  if (done.length === 0) return;
  reportAcknowledged(turn, agent);
  // Its framework waits for nothing else: no report follows an operation.
  if (done.some(({ type }) => type === "APPLY_OPERATION")) turn.state.queue.urgent = true;
}

function reportAcknowledged(turn: RelayTurn, agent: RelayedAgent): void {
  const { agentId, sessionId, acknowledged } = agent;
  enqueue(turn, `acknowledged|${agentId}/${sessionId}`, {
    type: "ACKNOWLEDGED",
    agentId,
    sessionId,
    commandNumber: Number(acknowledged),
  });
}

function isAfter(command: link.Command, number: bigint): boolean {
  return (command.number ?? 0n) > number;
}
