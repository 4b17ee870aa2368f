/**
 * A whole cluster in memory, behind the ports that the edge knows: the real core of the master and
 * the real core of each relay, on virtual time, with every rule checked after every turn. It does
 * what the Durable Objects do; what they send over RPC has to be sendable here too.
 */
import type { Effect, Reply } from "../../worker/core/effect.ts";
import type { Input, Principal } from "../../worker/core/input.ts";
import { overcommitted } from "../../worker/core/invariants.ts";
import { nextDueMs, type Outcome, step } from "../../worker/core/master.ts";
import { countTurn, createCounters } from "../../worker/core/metrics/counters.ts";
import { type Snapshot, takeSnapshot } from "../../worker/core/operator/snapshot.ts";
import type { RelayBatch, RelayBatchAnswer } from "../../worker/core/relay/exchange.ts";
import { defaultSettings } from "../../worker/core/settings.ts";
import { loadState, type MasterState } from "../../worker/core/state.ts";
import { type LongRead, LongReads } from "../../worker/durable/long-reads.ts";
import { askOwn, readCall, readLong, readLongDocument } from "../../worker/durable/reads.ts";
import { Slices } from "../../worker/durable/slices.ts";
import { Streams } from "../../worker/durable/streams.ts";
import type { Applied, Cluster, MasterPort, RelayPort } from "../../worker/ports.ts";
import type { MessageName, Messages } from "../../worker/protocol/descriptors.ts";
import type { RelayId, StreamId } from "../../worker/protocol/ids.ts";
import { ANSWER_JSON } from "../../worker/protocol/limits.ts";
import type * as scheduler from "../../worker/protocol/v1/scheduler.ts";
import type { MessageEncoding } from "../../worker/protocol/wire/encoding.ts";
import { decodeJsonWithin, encodeJson } from "../../worker/protocol/wire/json.ts";
import { encodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import { assert, defined } from "../../worker/std/assert.ts";
import type { Change } from "../../worker/std/table.ts";
import { brokenRule, unequalDisk } from "../simulator/master-checks.ts";
import { Disk } from "../support/disk.ts";
import { FuzzRelay } from "./relay.ts";
import { unsendable } from "./sendable.ts";

const LIFE = "life";
const VALUE_LENGTH_MOST = 1_900_000;
/** Turns until nothing more is due at one moment. */
const TURNS_UNTIL_QUIET = 200;

export class FuzzCluster implements Cluster {
  readonly master: MasterPort;
  readonly state: MasterState;
  nowMs = 1_700_000_000_000;
  /** Of the next turns: set for every request, so that leaving one out does not change others. */
  seed = 1;
  /** The first thing that must not happen. */
  broken: string | undefined;
  /** What turns changed since it was emptied. */
  changes: Change[] = [];
  turns = 0;
  readonly #disk = new Disk();
  readonly #counters = createCounters();
  readonly #relays = new Map<RelayId, FuzzRelay>();
  readonly #streams = new Streams({
    slices: new PromptSlices(),
    onEnd: (streamId, cause) => this.#post({ type: "STREAM_CLOSED", streamId, cause }),
  });
  #streamCount = 0;
  #loggingLevel = 0;
  #todo: (() => void)[] = [];
  #busy = false;

  constructor() {
    const settings = defaultSettings;
    this.state = loadState({}, { cold: this.#disk.cold, settings });
    this.master = this.#masterPort();
    this.#apply({ type: "RESTARTED" });
  }

  // A property: the edge takes it off the cluster.
  readonly relay = (relayId: RelayId): RelayPort => {
    const relay = this.#relay(relayId);
    return {
      poll: (...asked) => this.#checked(asked, () => relay.poll(...asked)),
      report: (...asked) => this.#checked(asked, () => relay.report(...asked)),
      callReply: (...asked) => this.#checked(asked, () => relay.callReply(...asked)),
      callInput: (...asked) => this.#checked(asked, () => relay.callInput(...asked)),
      callerHungUp: (_id, callId) => this.#run(() => relay.callerHungUp(callId)),
      fromMaster: (call) => this.#checked([call], () => relay.fromMaster(call)),
      call: (...asked) => this.#run(() => relay.call(...asked)),
    };
  };

  /** Whatever is due is done: a refused call then changes nothing at all. */
  settle(): void {
    for (let turns = 0; turns < TURNS_UNTIL_QUIET; turns++) {
      const dueMs = nextDueMs(this.state);
      if (dueMs === undefined || dueMs > this.nowMs) return;
      this.#post({ type: "TIMER_DUE" });
    }
    this.broken ??= "the master has something to do for ever";
  }

  /** Time passes. */
  advance(ms: number): void {
    this.nowMs += ms;
    this.settle();
    for (const relay of this.#relays.values()) this.#run(() => relay.wake());
    this.settle();
  }

  /** What costs too much after every turn. */
  checkDisk(): void {
    this.broken ??= unequalDisk(this.state, this.#disk);
  }

  #masterPort(): MasterPort {
    return {
      apply: async (principal, input) => this.#answered(input, principal),
      read: async (_principal, call) => this.#sendable(readCall(this.#reading(), call)),
      ask: async (_principal, call) => {
        const reads = new LongReads(new PromptSlices());
        return this.#sendable(await askOwn(reads, () => this.#reading(), call));
      },
      readLong: (_principal, sent, encoding) => {
        const call = sentAsJson("mesos.v1.master.Call", sent);
        return this.#longAnswer(encoding, () => readLong(this.#reading(), call, encoding));
      },
      document: (_principal, path, query) =>
        this.#longAnswer("application/json", () => readLongDocument(this.#reading(), path, query)),
      subscribe: async (principal, call, encoding) => this.#subscribe(principal, call, encoding),
      subscribeOperator: async (principal, encoding) =>
        this.#stream(encoding, {
          open: (streamId) => this.#streams.openForOperator(streamId, encoding),
          input: (streamId) => ({ type: "OPERATOR_SUBSCRIBE", streamId }),
          principal,
        }),
      // What is logged is the object's own business, until its duration is over.
      setLoggingLevel: async (_principal, { level }) => {
        this.#loggingLevel = level;
      },
      hungUp: async (streamId) => this.#run(() => this.#streams.hungUp(streamId)),
      relayOf: async (agentId) => this.state.tables.agent.get(agentId)?.relayId,
      relayBatch: async (batch) => this.#relayBatch(batch),
    };
  }

  #reading(): Parameters<typeof readCall>[0] {
    const { state, nowMs } = this;
    const shell = { "store/rows_written": this.#disk.rowsWritten };
    return { state, counters: this.#counters, nowMs, shell, loggingLevel: this.#loggingLevel };
  }

  #answered(input: Input, principal: Principal): Applied {
    this.#sendable(input);
    const reply = this.#run(() => this.#apply(input, principal));
    if (reply === undefined) return { type: "FAILED" };
    return { type: "REPLIED", reply: this.#sendable(reply) };
  }

  #subscribe(
    principal: Principal,
    sent: scheduler.Call,
    encoding: MessageEncoding,
  ): Response | Applied {
    const call = sentAsJson("mesos.v1.scheduler.Call", sent);
    return this.#stream(encoding, {
      open: (streamId) => this.#streams.open(streamId, encoding),
      input: (streamId) => ({ type: "SUBSCRIBE", streamId, call }),
      principal,
    });
  }

  #stream(
    encoding: MessageEncoding,
    subscription: {
      readonly open: (streamId: StreamId) => ReadableStream<Uint8Array>;
      readonly input: (streamId: StreamId) => Input;
      readonly principal: Principal;
    },
  ): Response | Applied {
    const streamId = `stream-${this.seed}-${++this.#streamCount}` as StreamId;
    const body = subscription.open(streamId);
    const input = subscription.input(streamId);
    const reply = this.#run(() => this.#apply(input, subscription.principal));
    if (reply?.type === "STREAMING") {
      const headers = { "Content-Type": encoding, "Mesos-Stream-Id": streamId };
      return new Response(body, { headers });
    }
    this.#streams.close(streamId);
    return reply === undefined ? { type: "FAILED" } : { type: "REPLIED", reply };
  }

  async #longAnswer(encoding: MessageEncoding, begin: () => LongRead): Promise<Response> {
    const body = await new LongReads(new PromptSlices()).body(begin);
    if (body === undefined) return new Response(null, { status: 503 });
    const sent = body instanceof Uint8Array ? new Blob([new Uint8Array(body)]) : body;
    return new Response(sent, { headers: { "Content-Type": encoding } });
  }

  #relayBatch({ relayId, messages }: RelayBatch): RelayBatchAnswer | undefined {
    const reply = this.#apply({ type: "RELAY_BATCH", relayId, messages });
    if (reply?.type !== "RELAY_REPLY") return undefined;
    return { life: LIFE, turn: this.turns, replies: reply.replies };
  }

  #relay(relayId: RelayId): FuzzRelay {
    const known = this.#relays.get(relayId);
    if (known !== undefined) return known;
    const relay = new FuzzRelay(relayId, {
      nowMs: () => this.nowMs,
      later: (then) => this.#todo.push(then),
      askMaster: (batch) => this.#relayBatch(batch),
      failed: (fact) => {
        this.broken ??= fact;
      },
    });
    this.#relays.set(relayId, relay);
    this.#run(() => relay.start());
    return relay;
  }

  #checked<T>(asked: readonly unknown[], use: () => T): T {
    this.#sendable(asked);
    return this.#run(use);
  }

  #sendable<T>(value: T): T {
    const fact = unsendable(value);
    if (fact !== undefined) this.broken ??= `cannot be sent over RPC: ${fact}`;
    return value;
  }

  #post(input: Input): void {
    this.#run(() => this.#apply(input));
  }

  /** What a turn leads to follows it, never within it. */
  #run<T>(use: () => T): T {
    const isOutermost = !this.#busy;
    this.#busy = true;
    try {
      const result = use();
      if (isOutermost) {
        for (let next = this.#todo.shift(); next !== undefined; next = this.#todo.shift()) next();
      }
      return result;
    } finally {
      if (isOutermost) this.#busy = false;
    }
  }

  #apply(input: Input, principal: Principal = {}): Reply | undefined {
    const excessBefore = overcommitted(this.state);
    this.turns++;
    const { nowMs } = this;
    const seed = Math.imul(this.seed, 0x9e3779b1) ^ this.turns;
    let outcome: Outcome;
    try {
      const stamped = { turn: this.turns, nowMs, seed, principal, input };
      outcome = step(this.state, stamped);
      const wrote = this.#disk.write(outcome);
      countTurn(this.#counters, this.state, stamped, outcome);
      const rule = brokenRule(this.state, { input, excessBefore, wrote, agentsChange: true });
      if (rule !== undefined) this.broken ??= `after ${input.type}: ${rule}`;
      const value = tooLongToStore(outcome);
      if (value !== undefined) this.broken ??= `after ${input.type}: ${value} is too long to store`;
    } catch (thrown) {
      this.broken ??= `a turn threw on ${input.type}: ${textOf(thrown)}`;
      return undefined;
    }
    // A relay keeps acknowledgements back for company: they were said by earlier requests.
    const isKeptBack =
      input.type === "RELAY_BATCH" && input.messages.some(({ type }) => type === "ACKNOWLEDGED");
    if (!isKeptBack) this.changes.push(...outcome.changes);
    for (const effect of outcome.effects) {
      // The state as it is after this turn, whatever is done before it is sent.
      const snapshot = effect.type === "SEND_SNAPSHOT" ? takeSnapshot(this.state) : undefined;
      this.#todo.push(() => this.#perform(effect, snapshot));
    }
    return outcome.effects.find((effect) => effect.type === "REPLY")?.reply;
  }

  #perform(effect: Effect, snapshot: Snapshot | undefined): void {
    try {
      if (effect.type === "SEND_SNAPSHOT" && snapshot !== undefined) {
        this.#streams.begin(effect.streamId, snapshot);
      } else this.#deliver(effect);
    } catch (thrown) {
      this.broken ??= `${effect.type} could not be performed: ${textOf(thrown)}`;
    }
  }

  #deliver(effect: Effect): void {
    if (effect.type === "SEND_EVENT") this.#streams.send(effect.streamId, effect.event);
    else if (effect.type === "CLOSE_STREAM") this.#streams.close(effect.streamId);
    else if (effect.type === "SEND_OPERATOR_EVENT") {
      this.#streams.sendToOperator(effect.streamId, effect.event);
    } else if (effect.type === "PUBLISH") {
      // Also while nobody listens: every event can be written, in both encodings.
      encodeJson("mesos.v1.master.Event", effect.event);
      encodeProtobuf("mesos.v1.master.Event", effect.event);
      this.#streams.publish(effect.event);
    } else if ("relayId" in effect) {
      const messages = [{ turn: this.turns, message: this.#sendable(effect) }];
      const { relayId } = effect;
      void this.#relay(relayId).fromMaster({ relayId, life: LIFE, messages });
    }
  }
}

/** Slices that never wait for each other: nothing depends on this machine's clock. */
class PromptSlices extends Slices {
  override async next<T>(work: () => T): Promise<T> {
    return work();
  }
}

/** A call goes to its object as JSON where the answer is a stream: RPC cannot answer with one. */
export function sentAsJson<N extends MessageName>(name: N, sent: Messages[N]): Messages[N] {
  const call = decodeJsonWithin(name, encodeJson(name, sent), ANSWER_JSON);
  assert(call.ok, "what the edge has decoded can be read back");
  return call.value;
}

/** SQLite in a Durable Object takes 2 MB per value; a row is one. */
function tooLongToStore({ changes, coldChanges }: Outcome): string | undefined {
  const row = changes.find(
    ({ after }) => after !== undefined && JSON.stringify(after).length > VALUE_LENGTH_MOST,
  );
  if (row !== undefined) return `${row.table} ${row.key.slice(0, 50)}`;
  const text = coldChanges.find(({ after = "" }) => after.length > VALUE_LENGTH_MOST);
  return text && `${text.table} ${text.number}`;
}

export function textOf(thrown: unknown): string {
  return thrown instanceof Error ? defined(thrown.stack, "an error has a stack") : String(thrown);
}
