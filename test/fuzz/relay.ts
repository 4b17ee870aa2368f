/**
 * A relay's object around the real core, on virtual time. It does what
 * `worker/relay/relay-object.ts` does; requests that it holds are answered as time passes.
 */
import type { MasterCall, RelayBatch, RelayBatchAnswer } from "../../worker/core/relay/exchange.ts";
import type {
  CallInputAnswer,
  CallRefusal,
  LinkAnswer,
  PollAnswer,
  RelayedCall,
} from "../../worker/ports.ts";
import type { AgentId, RelayId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import { CallBody } from "../../worker/relay/call-body.ts";
import { Callers } from "../../worker/relay/callers.ts";
import type { RelayEffect } from "../../worker/relay/effect.ts";
import type { RelayInput } from "../../worker/relay/input.ts";
import { stepRelay } from "../../worker/relay/relay-core.ts";
import { createRelay } from "../../worker/relay/state.ts";
import { assert, unreachable } from "../../worker/std/assert.ts";
import { sentAsJson, textOf } from "./cluster.ts";

type Answer = PollAnswer | LinkAnswer | CallInputAnswer;

export interface RelaySurroundings {
  nowMs(): number;
  /** Runs `then` after what is going on. */
  later(then: () => void): void;
  askMaster(batch: RelayBatch): RelayBatchAnswer | undefined;
  /** Something that must not happen. */
  failed(fact: string): void;
}

export class FuzzRelay {
  readonly #relayId: RelayId;
  readonly #around: RelaySurroundings;
  readonly #state = createRelay();
  readonly #callers = new Callers({
    onAbandoned: (callId) => this.#step({ type: "CALL_ABANDONED", callId }),
  });
  readonly #held = new Map<number, (answer: Answer) => void>();
  #requestCount = 0;
  #callCount = 0;

  constructor(relayId: RelayId, around: RelaySurroundings) {
    this.#relayId = relayId;
    this.#around = around;
  }

  start(): void {
    this.#step({ type: "STARTED" });
  }

  wake(): void {
    this.#step({ type: "TIMER" });
  }

  async poll(_relayId: RelayId, request: link.PollRequest): Promise<PollAnswer> {
    const answer = await this.#hold((requestId) => ({ type: "POLL", requestId, request }));
    assert(
      answer.type === "COMMANDS" || answer.type === "REFUSED",
      "a poll is answered with commands",
    );
    return answer;
  }

  async report(_relayId: RelayId, report: link.ReportRequest, bytes: number): Promise<LinkAnswer> {
    return linkAnswer(
      await this.#hold((requestId) => ({ type: "REPORT", requestId, report, bytes })),
    );
  }

  async callReply(_relayId: RelayId, reply: link.CallReply): Promise<LinkAnswer> {
    return linkAnswer(await this.#hold((requestId) => ({ type: "CALL_REPLY", requestId, reply })));
  }

  async callInput(_relayId: RelayId, request: link.CallInputRequest): Promise<CallInputAnswer> {
    const answer = await this.#hold((requestId) => ({ type: "CALL_INPUT", requestId, request }));
    assert(answer.type !== "COMMANDS" && answer.type !== "DONE", "a body is asked for in pieces");
    return answer;
  }

  async callerHungUp(callId: string): Promise<void> {
    this.#callers.hungUp(callId);
  }

  async fromMaster({ life, messages }: MasterCall): Promise<void> {
    this.#step({ type: "FROM_MASTER", life, messages });
  }

  async call(
    _relayId: RelayId,
    agentId: AgentId,
    sent: RelayedCall,
    sentBody?: ReadableStream<Uint8Array>,
  ): Promise<Response | CallRefusal> {
    const callId = `call-${++this.#callCount}`;
    const named = sentAsJson("rimrock.link.Command.Call", { ...sent, call_id: callId });
    const { call_id: _name, ...call } = named;
    const input = sentBody && new CallBody(sentBody, () => this.#callers.hungUp(callId));
    const parked = this.#callers.park(callId, input);
    this.#step({ type: "CALL", callId, agentId, call });
    const answer = await parked;
    if (answer.type === "FAILED") return answer.reason;
    const { status, contentType, body } = answer;
    return new Response(body, { status, headers: { "Content-Type": contentType } });
  }

  #hold(input: (requestId: number) => RelayInput): Promise<Answer> {
    const requestId = ++this.#requestCount;
    return new Promise((resolve) => {
      this.#held.set(requestId, resolve);
      this.#step(input(requestId));
    });
  }

  #step(input: RelayInput): void {
    try {
      const effects = stepRelay(this.#state, { nowMs: this.#around.nowMs(), input });
      for (const effect of effects) this.#perform(effect);
    } catch (thrown) {
      this.#around.failed(`a relay's step threw on ${input.type}: ${textOf(thrown)}`);
    }
  }

  #perform(effect: RelayEffect): void {
    switch (effect.type) {
      case "ANSWER_POLL":
        this.#answer(effect.requestId, { type: "COMMANDS", commands: effect.commands });
        return;
      case "ANSWER_REPORT":
        this.#answer(effect.requestId, { type: "DONE" });
        return;
      case "ANSWER_CALL_REPLY":
        this.#callers.whenReady(effect.callId, () =>
          this.#answer(effect.requestId, { type: "DONE" }),
        );
        return;
      case "TAKE_FROM_CALLER":
        this.#callers.take(effect, (piece) =>
          this.#answer(effect.requestId, { type: "PIECE", ...piece }),
        );
        return;
      case "ANSWER_CALL_INPUT":
        this.#answer(effect.requestId, { type: "NOTHING" });
        return;
      case "REFUSE":
        this.#answer(effect.requestId, { type: "REFUSED", code: effect.code });
        return;
      case "SEND_TO_MASTER":
        this.#around.later(() => this.#askMaster(effect));
        return;
      case "SEND_TO_CALLER":
        this.#callers.send(effect);
        return;
      case "FAIL_CALL":
        this.#callers.fail(effect.callId, effect.reason);
        return;
      case "SET_TIMER":
        // The cluster wakes every relay whenever time has passed.
        return;
      default:
        unreachable(effect);
    }
  }

  #askMaster({ batch, messages }: RelayEffect & { readonly type: "SEND_TO_MASTER" }): void {
    const answer = this.#around.askMaster({ relayId: this.#relayId, messages });
    this.#step(
      answer === undefined
        ? { type: "MASTER_FAILED", batch, cause: "TURN_FAILED" }
        : { type: "MASTER_ANSWERED", batch, answer },
    );
  }

  #answer(requestId: number, answer: Answer): void {
    this.#held.get(requestId)?.(answer);
    this.#held.delete(requestId);
  }
}

function linkAnswer(answer: Answer): LinkAnswer {
  assert(answer.type === "DONE" || answer.type === "REFUSED", "only polls bring something");
  return answer;
}
