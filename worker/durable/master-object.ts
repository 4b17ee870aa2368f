/**
 * The cluster's single writer: a Durable Object around the core master.
 *
 * 1. One input at a time: stamp, step, one transaction, then the effects. 2. Nothing leaves before
 * its rows are durable: answers are held back by the platform, everything else goes through the
 * outbox. 3. When a turn throws, its input is logged as a reproduction, the memory is dropped and
 * read again from SQLite: the streams of that life are closed, and nothing that was acknowledged is
 * lost.
 *
 * Every name here that is not `#private` can be called over RPC.
 */
import { DurableObject } from "cloudflare:workers";
import { describeConfigErrors, readConfig } from "../config.ts";
import { isAuthorized } from "../core/authorizer/authorizer.ts";
import type { CallError } from "../core/call-error.ts";
import type { Reply } from "../core/effect.ts";
import type { Input, Principal } from "../core/input.ts";
import { nextDueMs } from "../core/master.ts";
import { takeSnapshot } from "../core/operator/snapshot.ts";
import type { RelayBatch, RelayBatchAnswer } from "../core/relay/exchange.ts";
import type { MasterSettings } from "../core/settings.ts";
import { Unfinished } from "../core/what-if.ts";
import type { Env } from "../env.ts";
import {
  NO_STREAM_HEADER,
  type ObjectRequest,
  relayStub,
  type StreamedMethod,
  WHOLE_HEADER,
} from "../objects.ts";
import type { Applied, EdgeInput, MasterPort, OwnAnswer, Served } from "../ports.ts";
import type { AgentId, RelayId, StreamId } from "../protocol/ids.ts";
import { ANSWER_JSON } from "../protocol/limits.ts";
import type * as own from "../protocol/own/operator.ts";
import type * as master from "../protocol/v1/master.ts";
import type { MessageEncoding } from "../protocol/wire/encoding.ts";
import { decodeJsonWithin } from "../protocol/wire/json.ts";
import { assert, defined, unreachable } from "../std/assert.ts";
import { err, ok, type Result } from "../std/result.ts";
import { beginLife, type Life, type TakenTurn, takeTurn } from "./life.ts";
import { type LongRead, LongReads } from "./long-reads.ts";
import { type Delivery, Outbox } from "./outbox.ts";
import { askOwn, type Reading, readCall, readLong, readLongDocument } from "./reads.ts";
import { RelayCalls } from "./relay-calls.ts";
import { formatReproduction } from "./reproduction.ts";
import { Slices } from "./slices.ts";
import { Store } from "./store/store.ts";
import { Streams } from "./streams.ts";
import { Timers } from "./timers.ts";
import { turnLines, Verbosity } from "./verbosity.ts";

/** Test only, and out of reach of RPC: until the promise resolves, nothing counts as durable. */
export const delayDurability = Symbol("delayDurability");
/** Test and bench only: rows written since the object woke up. */
export const rowsWritten = Symbol("rowsWritten");
/** Test only: the next turn's transaction fails. */
export const failNextSave = Symbol("failNextSave");

/** What the object does on its own behalf. */
const self: Principal = {};

export class MasterObject
  extends DurableObject<Env>
  implements Served<Omit<MasterPort, StreamedMethod>>
{
  readonly #settings: MasterSettings;
  readonly #store: Store;
  readonly #slices = new Slices();
  readonly #longReads: LongReads;
  readonly #streams: Streams;
  readonly #outbox: Outbox;
  readonly #timers: Timers;
  #life: Life | undefined;
  #relays: RelayCalls | undefined;
  readonly #verbosity = new Verbosity();
  #durabilityGate: Promise<void> = Promise.resolve();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const config = readConfig(env);
    // The edge refuses every request of a deployment with a bad configuration before it gets here.
    assert(config.ok, config.ok ? "" : describeConfigErrors(config.error));
    this.#settings = config.value.master;
    this.#store = new Store(ctx.storage);
    this.#longReads = new LongReads(this.#slices);
    this.#streams = new Streams({
      slices: this.#slices,
      onEnd: (streamId, cause) => this.#apply(self, { type: "STREAM_CLOSED", streamId, cause }),
    });
    this.#outbox = new Outbox({
      sync: () => this.#sync(),
      deliver: (delivery, turn) => this.#deliver(delivery, turn),
      fail: (error) => this.#abort(`effects could not be performed: ${describe(error)}`),
    });
    this.#timers = new Timers({
      storage: ctx.storage,
      onDue: () => this.#apply(self, { type: "TIMER_DUE" }),
    });
    ctx.blockConcurrencyWhile(async () => {
      const began = performance.now();
      await this.#store.migrate();
      await this.#timers.load();
      this.#begin();
      this.#current().vitals.fetched(performance.now() - began);
    });
  }

  apply(principal: Principal, input: EdgeInput): Applied {
    const applied = this.#apply(principal, input);
    if (!applied.ok) return { type: "FAILED" };
    return { type: "REPLIED", reply: defined(applied.value, `${input.type} is answered`) };
  }

  relayBatch({ relayId, messages }: RelayBatch): RelayBatchAnswer | undefined {
    const applied = this.#apply(self, { type: "RELAY_BATCH", relayId, messages });
    if (!applied.ok) return undefined;
    const reply = applied.value;
    assert(reply?.type === "RELAY_REPLY", "a relay's batch is answered with its replies");
    const life = this.#relayCalls().lifeFor(relayId);
    return { life, turn: this.#current().turn, replies: reply.replies };
  }

  hungUp(streamId: StreamId): void {
    this.#streams.hungUp(streamId);
  }

  relayOf(agentId: AgentId): RelayId | undefined {
    return this.#current().state.tables.agent.get(agentId)?.relayId;
  }

  /** Everybody may read everything until there are access lists; then `principal` filters. */
  read(_principal: Principal, call: master.Call): master.Response | undefined {
    return readCall(this.#reading(), call);
  }

  async ask(_principal: Principal, call: own.Call): Promise<OwnAnswer> {
    try {
      return await askOwn(this.#longReads, () => this.#reading(), call);
    } catch (error) {
      if (!(error instanceof Unfinished)) throw error;
      console.error(`${call.type} failed: ${describe(error.cause)}`);
      this.#beginAgain();
      return { type: "FAILED" };
    }
  }

  setLoggingLevel(
    principal: Principal,
    setting: { level: number; durationMs: number },
  ): CallError | undefined {
    const action = "SET_LOG_LEVEL";
    if (!isAuthorized(principal, { type: action })) return { code: "NOT_AUTHORIZED", action };
    this.#verbosity.set(setting, Date.now());
    return undefined;
  }

  /** What is answered with a stream, which cannot be answered over RPC: see `ObjectRequest`. */
  override async fetch(request: Request): Promise<Response> {
    // Nobody but the edge's port for this object makes requests to it.
    const asked = await request.json<ObjectRequest>();
    switch (asked.type) {
      case "SUBSCRIBE":
        return this.#subscribe(asked);
      case "OPERATOR_SUBSCRIBE":
        return this.#subscribeOperator(asked);
      case "READ":
        return this.#readLong(asked.encoding, () => {
          const call = decodeJsonWithin("mesos.v1.master.Call", asked.call, ANSWER_JSON);
          assert(call.ok, "the edge has decoded the call");
          return readLong(this.#reading(), call.value, asked.encoding);
        });
      case "DOCUMENT":
        return this.#readDocument(asked);
      default:
        return unreachable(asked);
    }
  }

  #subscribe({ principal, call: text, encoding }: AskedOf<"SUBSCRIBE">): Response {
    // In JSON it may be longer than what the client had sent.
    const call = decodeJsonWithin("mesos.v1.scheduler.Call", text, ANSWER_JSON);
    assert(call.ok, "the edge has validated the call");
    const streamId = crypto.randomUUID() as StreamId;
    const body = this.#streams.open(streamId, encoding);
    const applied = this.#apply(principal, { type: "SUBSCRIBE", streamId, call: call.value });
    const streamHeader = { "Mesos-Stream-Id": streamId };
    return this.#streamAnswer(applied, streamId, body, {
      ...streamHeaders(encoding),
      ...streamHeader,
    });
  }

  /** The state that it begins with is read like any other: who comes when many read waits. */
  async #subscribeOperator({
    principal,
    encoding,
  }: AskedOf<"OPERATOR_SUBSCRIBE">): Promise<Response> {
    if (!(await this.#longReads.enter())) return readAnswer(undefined, {});
    const streamId = crypto.randomUUID() as StreamId;
    const onBegun = (): void => this.#longReads.leave();
    const body = this.#streams.openForOperator(streamId, encoding, onBegun);
    const applied = this.#apply(principal, { type: "OPERATOR_SUBSCRIBE", streamId });
    return this.#streamAnswer(applied, streamId, body, streamHeaders(encoding));
  }

  #streamAnswer(
    applied: Result<Reply | undefined, "TURN_FAILED">,
    streamId: StreamId,
    body: ReadableStream<Uint8Array>,
    headers: Readonly<Record<string, string>>,
  ): Response {
    if (applied.ok && applied.value?.type === "STREAMING") return new Response(body, { headers });
    this.#streams.close(streamId);
    return Response.json(noStream(applied), { headers: { [NO_STREAM_HEADER]: "true" } });
  }

  async #readDocument({ path, query }: AskedOf<"DOCUMENT">): Promise<Response> {
    const body = await this.#longReads.body(() => readLongDocument(this.#reading(), path, query));
    const headers = { "Content-Type": "application/json" };
    const isWhole = body instanceof Uint8Array;
    return readAnswer(body, isWhole ? { ...headers, [WHOLE_HEADER]: "true" } : headers);
  }

  async #readLong(encoding: MessageEncoding, begin: () => LongRead): Promise<Response> {
    return readAnswer(await this.#longReads.body(begin), { "Content-Type": encoding });
  }

  override async alarm(): Promise<void> {
    this.#timers.alarmFired();
    // Never throws: the platform would run it again and again, and give up after six times.
    this.#apply(self, { type: "TIMER_DUE" });
  }

  [delayDurability](gate: Promise<void>): void {
    this.#durabilityGate = gate;
  }

  [rowsWritten](): number {
    return this.#store.rowsWritten;
  }

  [failNextSave](): void {
    this.#store.failNext();
  }

  #begin(): void {
    this.#outbox.clear();
    this.#streams.closeAll();
    this.#longReads.closeAll();
    this.#relays?.close();
    const life = beginLife(this.#store, this.#settings);
    this.#life = life;
    const relays = new RelayCalls({
      life: life.name,
      call: (call) => relayStub(this.env, call.relayId).fromMaster(call),
    });
    this.#relays = relays;
    const first = takeTurn(life, this.#store, { principal: self, input: { type: "RESTARTED" } });
    if (!first.ok) {
      logFault(first.error);
      throw first.error.thrown;
    }
    this.#perform(life, first.value);
    for (const relay of life.state.tables.relay.values()) relays.announce(relay.id);
  }

  #apply(principal: Principal, input: Input): Result<Reply | undefined, "TURN_FAILED"> {
    const life = this.#current();
    const turn = takeTurn(life, this.#store, { principal, input });
    if (turn.ok) {
      const level = this.#verbosity.at(life.nowMs);
      for (const line of turnLines(level, turn.value)) console.log(line);
      return ok(this.#perform(life, turn.value));
    }
    logFault(turn.error);
    this.#beginAgain();
    return err("TURN_FAILED");
  }

  /** The memory is not what the rows say: it is dropped. */
  #beginAgain(): void {
    try {
      this.#begin();
    } catch (error) {
      this.#abort(`the rows could not be read again: ${describe(error)}`);
    }
  }

  /** The answer of the turn, when it has one; everything else waits in the outbox for its rows. */
  #perform(life: Life, { outcome }: TakenTurn): Reply | undefined {
    let reply: Reply | undefined;
    const deliveries: Delivery[] = [];
    for (const effect of outcome.effects) {
      if (effect.type === "REPLY") reply = effect.reply;
      else if (effect.type === "SEND_SNAPSHOT") {
        deliveries.push({ ...effect, snapshot: takeSnapshot(life.state) });
      } else deliveries.push(effect);
    }
    this.#outbox.push(life.turn, deliveries);
    this.#timers.set(nextDueMs(life.state));
    return reply;
  }

  #deliver(delivery: Delivery, turn: number): void {
    switch (delivery.type) {
      case "SEND_EVENT":
        this.#streams.send(delivery.streamId, delivery.event);
        return;
      case "SEND_SNAPSHOT": {
        const { streamId, snapshot } = delivery;
        this.#streams.begin(streamId, snapshot);
        return;
      }
      case "PUBLISH":
        this.#streams.publish(delivery.event);
        return;
      case "SEND_OPERATOR_EVENT":
        this.#streams.sendToOperator(delivery.streamId, delivery.event);
        return;
      case "CLOSE_STREAM":
        this.#streams.close(delivery.streamId);
        return;
      case "SEND_COMMANDS":
      case "ADD_TO_RELAY":
      case "REMOVE_FROM_RELAY":
      case "WAKE_RELAY":
        this.#relayCalls().push(delivery.relayId, turn, delivery);
        return;
      default:
        unreachable(delivery);
    }
  }

  async #sync(): Promise<void> {
    const { vitals } = this.#current();
    const began = performance.now();
    await this.ctx.storage.sync();
    await this.#durabilityGate;
    vitals.stored(performance.now() - began, Date.now());
  }

  #reading(): Reading {
    const { state, counters, vitals, nowMs: lastMs } = this.#current();
    const nowMs = Math.max(lastMs, Date.now());
    const { effects, turns } = this.#outbox.waiting;
    const shell = {
      ...vitals.metrics(nowMs),
      ...this.#slices.metrics(),
      "master/event_queue_dispatches": effects,
      "registrar/queued_operations": turns,
      "registrar/registry_size_bytes": this.ctx.storage.sql.databaseSize,
      // What this cluster costs.
      "rimrock/store/rows_written": this.#store.rowsWritten,
    };
    return { state, counters, nowMs, shell, loggingLevel: this.#verbosity.at(nowMs) };
  }

  #current(): Life {
    return defined(this.#life, "the first life begins before any call is let in");
  }

  #relayCalls(): RelayCalls {
    return defined(this.#relays, "the first life begins before any call is let in");
  }

  /** The object starts afresh from its rows at the next call; everything that is open breaks. */
  #abort(reason: string): void {
    console.error(`the master object gives up: ${reason}`);
    this.ctx.abort(reason);
  }
}

type AskedOf<T extends ObjectRequest["type"]> = Extract<ObjectRequest, { readonly type: T }>;

function streamHeaders(encoding: MessageEncoding): Readonly<Record<string, string>> {
  return {
    "Content-Type": encoding,
    // Without it the dev server gzips the stream, and holds everything back until a block is full.
    "Content-Encoding": "identity",
    "Cache-Control": "no-transform",
  };
}

/** `body` undefined: too many reads wait. */
function readAnswer(body: ReadBody, headers: Readonly<Record<string, string>>): Response {
  return body === undefined ? new Response(null, { status: 503 }) : new Response(body, { headers });
}

type ReadBody = Awaited<ReturnType<LongReads["body"]>>;

function noStream(applied: Result<Reply | undefined, "TURN_FAILED">): Applied {
  if (!applied.ok || applied.value === undefined) return { type: "FAILED" };
  return { type: "REPLIED", reply: applied.value };
}

/** One line that can be stepped again: `parseReproduction` reads it. */
function logFault(fault: {
  readonly stamped: Parameters<typeof formatReproduction>[0];
  readonly thrown: unknown;
}): void {
  console.error(`a turn failed and was undone: ${describe(fault.thrown)}`);
  console.error(formatReproduction(fault.stamped));
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
