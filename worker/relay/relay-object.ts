/**
 * A Durable Object around the relay's core: holds the requests, calls the master, keeps the time.
 *
 * It holds no truth; all that is on its disk is its own name, so that it knows whom to be when its
 * alarm wakes it. While it has agents an alarm comes every minute: a relay that was evicted
 * together with all of its agents still counts their silence.
 *
 * Every name here that is not `#private` can be called over RPC.
 */
import { DurableObject } from "cloudflare:workers";
import { describeConfigErrors, readConfig } from "../config.ts";
import type { MasterCall } from "../core/relay/exchange.ts";
import type { Env } from "../env.ts";
import { CALL_HEADER, CALL_REFUSAL_HEADER, masterStub, type RelayObjectCall } from "../objects.ts";
import {
  CALL_NAME_HEADER,
  type CallInputAnswer,
  type LinkAnswer,
  type PollAnswer,
  type RelayPort,
  type Served,
} from "../ports.ts";
import type { RelayId } from "../protocol/ids.ts";
import { ANSWER_JSON } from "../protocol/limits.ts";
import type * as link from "../protocol/link/messages.ts";
import { decodeJsonWithin } from "../protocol/wire/json.ts";
import { assert, unreachable } from "../std/assert.ts";
import { CallBody } from "./call-body.ts";
import { type CallAnswer, Callers } from "./callers.ts";
import type { RelayEffect } from "./effect.ts";
import type { BatchFailure, RelayInput } from "./input.ts";
import { stepRelay } from "./relay-core.ts";
import { createRelay, type RelayState, relaySettings } from "./state.ts";

const ALARM_INTERVAL_MS = 60_000;

type Answer = PollAnswer | LinkAnswer | CallInputAnswer;

export class RelayObject extends DurableObject<Env> implements Served<Omit<RelayPort, "call">> {
  readonly #state: RelayState;
  readonly #callers = new Callers({
    onAbandoned: (callId) => this.#step({ type: "CALL_ABANDONED", callId }),
  });
  readonly #held = new Map<number, (answer: Answer) => void>();
  #nextRequestId = 1;
  #relayId: RelayId | undefined;
  #isNameStored = false;
  #isAlarmSet = false;
  #timeout: ReturnType<typeof setTimeout> | undefined;
  #nowMs = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const config = readConfig(env);
    // The edge refuses every request of a deployment with a bad configuration before it gets here.
    assert(config.ok, config.ok ? "" : describeConfigErrors(config.error));
    this.#state = createRelay(relaySettings(config.value.master));
    ctx.blockConcurrencyWhile(async () => {
      const relayId = await ctx.storage.get<RelayId>("relayId");
      this.#isNameStored = relayId !== undefined;
      this.#isAlarmSet = (await ctx.storage.getAlarm()) !== null;
      if (relayId !== undefined) this.#start(relayId);
    });
  }

  async poll(relayId: RelayId, request: link.PollRequest): Promise<PollAnswer> {
    this.#start(relayId);
    const answer = await this.#hold((requestId) => ({ type: "POLL", requestId, request }));
    assert(
      answer.type === "COMMANDS" || answer.type === "REFUSED",
      "a poll is answered with commands",
    );
    return answer;
  }

  async report(relayId: RelayId, report: link.ReportRequest, bytes: number): Promise<LinkAnswer> {
    this.#start(relayId);
    return linkAnswer(
      await this.#hold((requestId) => ({ type: "REPORT", requestId, report, bytes })),
    );
  }

  async callReply(relayId: RelayId, reply: link.CallReply): Promise<LinkAnswer> {
    this.#start(relayId);
    return linkAnswer(await this.#hold((requestId) => ({ type: "CALL_REPLY", requestId, reply })));
  }

  async callInput(relayId: RelayId, request: link.CallInputRequest): Promise<CallInputAnswer> {
    this.#start(relayId);
    const answer = await this.#hold((requestId) => ({ type: "CALL_INPUT", requestId, request }));
    assert(answer.type !== "COMMANDS" && answer.type !== "DONE", "a body is asked for in pieces");
    return answer;
  }

  fromMaster({ relayId, life, messages }: MasterCall): void {
    this.#start(relayId);
    this.#step({ type: "FROM_MASTER", life, messages });
  }

  /**
   * An operator's call to an agent: its answer is a stream, which could not be returned over RPC.
   */
  override async fetch(request: Request): Promise<Response> {
    const header = request.headers.get(CALL_HEADER);
    const streamed = header === null ? undefined : (request.body ?? undefined);
    const asked: RelayObjectCall =
      header === null ? await request.json() : JSON.parse(decodeURIComponent(header));
    const { relayId, agentId } = asked;
    // In JSON it may be longer than what the client had sent.
    const decoded = decodeJsonWithin("rimrock.link.Command.Call", asked.call, ANSWER_JSON);
    assert(decoded.ok, "the edge has decoded the call");
    this.#start(relayId);
    const callId = crypto.randomUUID();
    const body = streamed && new CallBody(streamed, () => this.#callers.hungUp(callId));
    const parked = this.#callers.park(callId, body);
    const { call_id: _unnamed, ...call } = decoded.value;
    this.#step({ type: "CALL", callId, agentId, call });
    const answer = await parked;
    if (answer.type === "ANSWERED") return answered(answer, `${relayId}/${callId}`);
    return new Response(null, { headers: { [CALL_REFUSAL_HEADER]: answer.reason } });
  }

  callerHungUp(relayId: RelayId, callId: string): void {
    this.#start(relayId);
    this.#callers.hungUp(callId);
  }

  override async alarm(): Promise<void> {
    this.#isAlarmSet = false;
    // Never throws: the platform would run it again and again, and give up after six times.
    if (this.#relayId !== undefined) this.#step({ type: "TIMER" });
  }

  /** Idempotent. The first call of a life says which relay this is, unless the disk does. */
  #start(relayId: RelayId): void {
    if (this.#relayId !== undefined) return;
    this.#relayId = relayId;
    this.#step({ type: "STARTED" });
  }

  #hold(input: (requestId: number) => RelayInput): Promise<Answer> {
    const requestId = this.#nextRequestId++;
    return new Promise((resolve) => {
      this.#held.set(requestId, resolve);
      this.#step(input(requestId));
    });
  }

  #step(input: RelayInput): void {
    this.#nowMs = Math.max(this.#nowMs, Date.now());
    for (const effect of this.#stepSafely(input)) this.#perform(effect);
    this.#keepAwake();
  }

  /** A relay holds no truth, so when its core meets a bug the cure is a new life. */
  #stepSafely(input: RelayInput): readonly RelayEffect[] {
    try {
      return stepRelay(this.#state, { nowMs: this.#nowMs, input });
    } catch (thrown) {
      const reason = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
      console.error(`a relay's step failed on ${input.type}, the relay starts afresh: ${reason}`);
      this.ctx.abort(reason);
      return [];
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
        this.#callers.take(effect, ({ data, last }) =>
          this.#answer(effect.requestId, { type: "PIECE", data, last }),
        );
        return;
      case "ANSWER_CALL_INPUT":
        this.#answer(effect.requestId, { type: "NOTHING" });
        return;
      case "REFUSE":
        this.#answer(effect.requestId, { type: "REFUSED", code: effect.code });
        return;
      case "SEND_TO_MASTER":
        this.#callMaster(effect);
        return;
      case "SEND_TO_CALLER":
        this.#callers.send(effect);
        return;
      case "FAIL_CALL":
        this.#callers.fail(effect.callId, effect.reason);
        return;
      case "SET_TIMER":
        this.#setTimer(effect.atMs);
        return;
      default:
        unreachable(effect);
    }
  }

  #answer(requestId: number, answer: Answer): void {
    this.#held.get(requestId)?.(answer);
    this.#held.delete(requestId);
  }

  #callMaster({ batch, messages }: RelayEffect & { readonly type: "SEND_TO_MASTER" }): void {
    const relayId = this.#relayId;
    assert(relayId !== undefined, "a relay knows its name before it speaks");
    masterStub(this.env)
      .relayBatch({ relayId, messages })
      .then(
        (answer) => {
          if (answer === undefined) {
            this.#step({ type: "MASTER_FAILED", batch, cause: "TURN_FAILED" });
          } else this.#step({ type: "MASTER_ANSWERED", batch, answer });
        },
        (error: unknown) => {
          this.#step({ type: "MASTER_FAILED", batch, cause: failureOf(error) });
        },
      );
  }

  #setTimer(atMs: number | undefined): void {
    if (this.#timeout !== undefined) clearTimeout(this.#timeout);
    this.#timeout = undefined;
    if (atMs === undefined) return;
    const delayMs = Math.max(atMs - Date.now(), 0);
    this.#timeout = setTimeout(() => this.#step({ type: "TIMER" }), delayMs);
  }

  /**
   * With agents: an alarm within a minute, and a name to wake up with. Without: the object may
   * sleep.
   */
  #keepAwake(): void {
    if (this.#state.agents.size === 0) return;
    if (!this.#isNameStored) {
      this.#isNameStored = true;
      this.ctx.waitUntil(this.ctx.storage.put("relayId", this.#relayId));
    }
    if (this.#isAlarmSet) return;
    this.#isAlarmSet = true;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(Date.now() + ALARM_INTERVAL_MS));
  }
}

function linkAnswer(answer: Answer): LinkAnswer {
  assert(answer.type === "DONE" || answer.type === "REFUSED", "only polls bring something");
  return answer;
}

/** `name`: by which the front door of the same machine tells that the caller has gone. */
function answered(answer: CallAnswer & { readonly type: "ANSWERED" }, name: string): Response {
  const { status, contentType, messageContentType, body } = answer;
  const headers = new Headers({
    "Content-Encoding": "identity",
    "Cache-Control": "no-transform",
    [CALL_NAME_HEADER]: name,
  });
  // An answer with nothing in it has no type.
  if (contentType !== "") headers.set("Content-Type", contentType);
  if (messageContentType !== undefined) headers.set("Message-Content-Type", messageContentType);
  return new Response(body, { status, headers });
}

/** The platform marks the errors of an object that has more to do than it can. */
function failureOf(error: unknown): BatchFailure {
  const isOverloaded = error instanceof Error && "overloaded" in error && error.overloaded === true;
  return isOverloaded ? "OVERLOADED" : "UNREACHED";
}
