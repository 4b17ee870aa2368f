/**
 * A relay's core under a clock of the test's own, with a master that answers when it is told to.
 */
import type { RelayReply, RosterEntry } from "../../worker/core/effect.ts";
import type { RelayMessage } from "../../worker/core/input.ts";
import type { RelayEffect as MasterWord } from "../../worker/core/relay/exchange.ts";
import type { AgentId, RelayId, SessionId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type { RelayEffect } from "../../worker/relay/effect.ts";
import type { RelayInput } from "../../worker/relay/input.ts";
import { stepRelay } from "../../worker/relay/relay-core.ts";
import { createRelay } from "../../worker/relay/state.ts";

const relayId = "relay-1" as RelayId;

export interface PollOptions {
  readonly session?: string;
  readonly number?: number;
  readonly acknowledged?: number;
}

export class TestRelay {
  readonly #state = createRelay();
  nowMs = 1_000_000;
  /** Turn of the master that its next word or answer is of. */
  turn = 1;
  life = "life-1";
  #requestId = 0;
  #polls = 0;
  #timerMs: number | undefined;
  /** Batches that the master has not answered. */
  readonly sent: { batch: number; messages: readonly RelayMessage[] }[] = [];
  /** What happened, in words. */
  #log: string[] = [];

  /** A relay whose master has told it its agents. */
  static started(...agents: RosterEntry[]): TestRelay {
    const relay = new TestRelay();
    relay.step({ type: "STARTED" });
    relay.answer({ type: "ROSTER", agents });
    relay.takeLog();
    return relay;
  }

  step(input: RelayInput): void {
    for (const effect of stepRelay(this.#state, { nowMs: this.nowMs, input })) this.#note(effect);
  }

  poll(agentId: string, { session = "s1", number, acknowledged = 0 }: PollOptions = {}): number {
    const requestId = ++this.#requestId;
    const request: link.PollRequest = {
      agent_id: { value: agentId },
      session_id: session,
      poll_number: number ?? ++this.#polls,
      acknowledged_command: BigInt(acknowledged),
    };
    this.step({ type: "POLL", requestId, request });
    return requestId;
  }

  report(agentId: string, session = "s1"): number {
    const requestId = ++this.#requestId;
    const report = { agent_id: { value: agentId }, session_id: session, report_number: requestId };
    this.step({ type: "REPORT", requestId, report, bytes: 100 });
    return requestId;
  }

  call(callId: string, agentId: string): void {
    const call = { call: { type: "GET_HEALTH" } } as const;
    this.step({ type: "CALL", callId, agentId: agentId as AgentId, call });
  }

  callInput(callId: string, sequence: number, agent = "a1"): void {
    const request = {
      agent_id: { value: agent },
      session_id: "s1",
      call_id: callId,
      sequence,
    };
    this.step({ type: "CALL_INPUT", requestId: ++this.#requestId, request });
  }

  callReply(
    callId: string,
    reply: { sequence: number; status?: number; text?: string; last?: boolean; agent?: string },
  ): void {
    const { sequence, status, text = "", last, agent = "a1" } = reply;
    this.step({
      type: "CALL_REPLY",
      requestId: ++this.#requestId,
      reply: {
        agent_id: { value: agent },
        session_id: "s1",
        call_id: callId,
        sequence,
        status,
        content_type: status === undefined ? undefined : "text/plain",
        data: new TextEncoder().encode(text),
        last,
      },
    });
  }

  fromMaster(...messages: MasterWord[]): void {
    const { life, turn } = this;
    this.step({
      type: "FROM_MASTER",
      life,
      messages: messages.map((message) => ({ turn, message })),
    });
  }

  commands(agentId: string, numbers: readonly (number | undefined)[], session = "s1"): void {
    this.fromMaster({
      type: "SEND_COMMANDS",
      relayId,
      agentId: agentId as AgentId,
      sessionId: session as SessionId,
      commands: numbers.map(command),
    });
  }

  add(agent: RosterEntry): void {
    this.fromMaster({ type: "ADD_TO_RELAY", relayId, agent });
  }

  remove(agentId: string, session = "s1"): void {
    this.fromMaster({
      type: "REMOVE_FROM_RELAY",
      relayId,
      agentId: agentId as AgentId,
      sessionId: session as SessionId,
    });
  }

  /** The master answers the oldest batch. */
  answer(...replies: RelayReply[]): void {
    this.answerAs({ turn: this.turn }, ...replies);
  }

  answerAs({ turn }: { turn: number }, ...replies: RelayReply[]): void {
    const batch = this.sent.shift()?.batch ?? -1;
    this.step({ type: "MASTER_ANSWERED", batch, answer: { life: this.life, turn, replies } });
  }

  fail(cause: "UNREACHED" | "OVERLOADED" | "TURN_FAILED" = "UNREACHED"): void {
    this.step({ type: "MASTER_FAILED", batch: this.sent.shift()?.batch ?? -1, cause });
  }

  /** Lets time pass, timer by timer. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    while (this.#timerMs !== undefined && this.#timerMs <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.#timerMs);
      this.#timerMs = undefined;
      this.step({ type: "TIMER" });
    }
    this.nowMs = untilMs;
  }

  /** What happened since the last call. */
  takeLog(): string[] {
    const log = this.#log;
    this.#log = [];
    return log;
  }

  #note(effect: RelayEffect): void {
    if (effect.type === "SET_TIMER") this.#timerMs = effect.atMs;
    else this.#log.push(describe(effect));
    if (effect.type === "SEND_TO_MASTER") {
      this.sent.push({ batch: effect.batch, messages: effect.messages });
    }
  }
}

/** An agent of the roster, with commands of these numbers. */
export function entry(
  agentId: string,
  numbers: readonly number[] = [],
  session = "s1",
): RosterEntry {
  return {
    agentId: agentId as AgentId,
    sessionId: session as SessionId,
    commands: numbers.map(command),
  };
}

export function registerAgain(agentId: string, session = "s1"): RelayReply {
  return {
    type: "REGISTER_AGAIN",
    agentId: agentId as AgentId,
    sessionId: session as SessionId,
  };
}

function command(number: number | undefined): link.Command {
  if (number === undefined) return { type: "RESUME_UPDATES" };
  return { type: "SHUTDOWN", number: BigInt(number) };
}

function describe(effect: Exclude<RelayEffect, { type: "SET_TIMER" }>): string {
  switch (effect.type) {
    case "ANSWER_POLL": {
      const numbers = effect.commands.map(({ type, number }) => number ?? type);
      return `poll ${effect.requestId}: ${numbers.join(" ") || "nothing"}`;
    }
    case "ANSWER_REPORT":
      return `report ${effect.requestId}: durable`;
    case "ANSWER_CALL_REPLY":
      return `reply ${effect.requestId}: taken`;
    case "TAKE_FROM_CALLER":
      return `input ${effect.requestId}: piece ${effect.sequence} of ${effect.callId}`;
    case "ANSWER_CALL_INPUT":
      return `input ${effect.requestId}: nothing`;
    case "REFUSE":
      return `${effect.requestId}: ${effect.code}`;
    case "SEND_TO_MASTER":
      return `master: ${effect.messages.map(word).join(", ")}`;
    case "SEND_TO_CALLER": {
      const head = effect.head === undefined ? "" : `${effect.head.status} `;
      const end = effect.last ? " end" : "";
      return `${effect.callId}: ${head}'${new TextDecoder().decode(effect.data)}'${end}`;
    }
    case "FAIL_CALL":
      return `${effect.callId}: ${effect.reason}`;
    default:
      throw new Error(`no words for ${JSON.stringify(effect satisfies never)}`);
  }
}

function word(message: RelayMessage): string {
  switch (message.type) {
    case "STARTED":
    case "ALIVE":
      return message.type;
    case "REPORT":
      return `REPORT ${message.report.agent_id.value}/${message.report.session_id}`;
    case "ACKNOWLEDGED":
      return `ACKNOWLEDGED ${message.agentId} ${message.commandNumber}`;
    default:
      return `${message.type} ${message.agentId}/${message.sessionId}`;
  }
}
