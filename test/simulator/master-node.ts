/**
 * The master's object around the real core: turns, a disk, an outbox that waits for it, streams, an
 * alarm; and all that can happen to it. It does what `worker/durable/master-object.ts` does, on
 * virtual time.
 */
import { auditAllocation } from "../../worker/core/allocator/audit.ts";
import type { Effect, Reply } from "../../worker/core/effect.ts";
import type { Input } from "../../worker/core/input.ts";
import { overcommitted } from "../../worker/core/invariants.ts";
import { nextDueMs, type Outcome, step } from "../../worker/core/master.ts";
import type { RelayBatch, RelayBatchAnswer } from "../../worker/core/relay/exchange.ts";
import { defaultSettings, type MasterSettings } from "../../worker/core/settings.ts";
import { loadState, type MasterState } from "../../worker/core/state.ts";
import type { StreamId } from "../../worker/protocol/ids.ts";
import type * as scheduler from "../../worker/protocol/v1/scheduler.ts";
import { defined, unreachable } from "../../worker/std/assert.ts";
import { Disk } from "../support/disk.ts";
import { effectText } from "../support/effects-text.ts";
import { OperatorReader } from "../support/operator-reader.ts";
import type { Timer } from "./clock.ts";
import { EventStream } from "./event-stream.ts";
import { inputText } from "./input-text.ts";
import { brokenRestart, brokenRule, unequalDisk } from "./master-checks.ts";
import type { Answering } from "./network.ts";
import { RelayWords } from "./relay-words.ts";
import { shortId, Violation, type World } from "./world.ts";

/** An alarm comes this late at most: as in `worker/durable/timers.ts`. */
const ALARM_GRAIN_MS = 60_000;

/** One life of the object's memory. */
interface Life {
  readonly name: string;
  readonly state: MasterState;
  readonly relays: RelayWords;
  /** Subscribes to operator events as soon as the life has begun. */
  readonly operator: OperatorReader;
  turn: number;
}

export type MasterAnswer =
  | { readonly type: "REPLIED"; readonly reply: Reply | undefined; readonly turn: number }
  /** The turn failed and was undone. */
  | { readonly type: "FAILED" };

/** A turn whose rows are not durable yet. */
interface Pending {
  readonly turn: number;
  readonly outcome: Outcome;
  readonly life: Life;
  readonly answering: Answering<MasterAnswer> | undefined;
  readonly settle: Timer;
}

export class MasterNode {
  readonly #world: World;
  readonly #settings: MasterSettings;
  #checks = 0;
  readonly #callRelay: RelayWords["call"];
  /** What the turns see. */
  #disk = new Disk();
  /** What is left after an eviction. */
  readonly #durable = new Disk();
  #life: Life | undefined;
  #pending: Pending[] = [];
  #syncedMs = 0;
  #streams = new Map<string, EventStream>();
  #streamCount = 0;
  #wakeUp: Timer | undefined;
  #alarmMs: number | undefined;
  turns = 0;

  constructor(world: World, { callRelay }: { readonly callRelay: RelayWords["call"] }) {
    this.#world = world;
    this.#callRelay = callRelay;
    const { offerTimeoutMs, maxOffersPerFramework } = world.options;
    this.#settings = { ...defaultSettings, offerTimeoutMs, maxOffersPerFramework };
  }

  /** The rows as they are; comes to life if need be. */
  get state(): MasterState {
    return this.#awake().state;
  }

  call(input: Input, answering: Answering<MasterAnswer>): void {
    this.#awake();
    this.#apply(input, answering);
  }

  subscribe(
    call: scheduler.Call,
    { respond, broken }: Answering<{ readonly stream: EventStream } | "FAILED">,
  ): void {
    this.#awake();
    const id = `stream-${++this.#streamCount}` as StreamId;
    const stream: EventStream = new EventStream(this.#world, id, (cause) => {
      if (!this.#streams.delete(id)) return;
      this.#world.clock.after(0, () => {
        if (this.#life !== undefined) this.#apply({ type: "STREAM_CLOSED", streamId: id, cause });
      });
    });
    this.#streams.set(id, stream);
    this.#apply(
      { type: "SUBSCRIBE", streamId: id, call },
      {
        respond: (answer) => respond(answer.type === "FAILED" ? "FAILED" : { stream }),
        broken,
      },
    );
  }

  relayBatch(
    { relayId, messages }: RelayBatch,
    { respond, broken }: Answering<RelayBatchAnswer | undefined>,
  ): void {
    const life = this.#awake().name;
    this.#apply(
      { type: "RELAY_BATCH", relayId, messages },
      {
        respond: (answer) => {
          if (answer.type === "FAILED") respond(undefined);
          else if (answer.reply?.type !== "RELAY_REPLY") throw new Violation("a batch has replies");
          else respond({ life, turn: answer.turn, replies: answer.reply.replies });
        },
        broken,
      },
    );
  }

  /**
   * Its memory is gone, and with it what was not sent; the last turns may not have reached the
   * disk.
   */
  #evict(): void {
    const life = defined(this.#life, "only a living master is evicted");
    const problem = this.#world.checked ? unequalDisk(life.state, this.#disk) : undefined;
    if (problem !== undefined) throw new Violation(problem);
    const kept = this.#world.dice("eviction").below(this.#pending.length + 1);
    this.#trace(() => `evicted; ${kept} of ${this.#pending.length} turns are on its disk`);
    const pending = this.#pending;
    this.#pending = [];
    pending.forEach(({ outcome, answering, settle }, at) => {
      settle.cancelled = true;
      if (at < kept) this.#becomesDurable(outcome);
      answering?.broken();
    });
    this.#disk = this.#durable.copy();
    this.#endLife("BREAK_STREAMS");
    this.#life = undefined;
  }

  #awake(): Life {
    return this.#life ?? this.#begin();
  }

  #begin(): Life {
    const state = loadState(this.#disk.rows(), { cold: this.#disk.cold, settings: this.#settings });
    const name = `life-${this.#world.dice("life").below(2 ** 31)}`;
    const relays = new RelayWords(this.#world, { life: name, call: this.#callRelay });
    const streamId = `operator-of-${name}` as StreamId;
    const operator = new OperatorReader(streamId);
    const life: Life = { name, state, relays, operator, turn: 0 };
    this.#life = life;
    this.#trace(() => `${name} begins`);
    this.#apply({ type: "RESTARTED" });
    this.#apply({ type: "OPERATOR_SUBSCRIBE", streamId });
    for (const relay of state.tables.relay.values()) relays.announce(relay.id);
    return life;
  }

  #endLife(streams: "BREAK_STREAMS" | "CLOSE_STREAMS"): void {
    for (const stream of this.#streams.values()) {
      if (streams === "BREAK_STREAMS") stream.breaks();
      else stream.close();
    }
    this.#streams.clear();
    this.#life?.relays.close();
    if (this.#wakeUp !== undefined) this.#wakeUp.cancelled = true;
    this.#wakeUp = undefined;
  }

  #apply(input: Input, answering?: Answering<MasterAnswer>): void {
    const { clock, audit, checked, options, faultsOn } = this.#world;
    const life = defined(this.#life, "turns are taken by a living master");
    const excessBefore = checked ? overcommitted(life.state) : new Set<string>();
    this.turns++;
    const turn = ++life.turn;
    const { nowMs } = clock;
    const seed = this.#world.dice("turn").below(2 ** 32);
    this.#trace(() => inputText(input));
    const outcome = step(life.state, { turn, nowMs, seed, principal: {}, input });
    // A life that has not quite begun is not ended.
    const isBeginning = input.type === "RESTARTED" || input.type === "OPERATOR_SUBSCRIBE";
    if (!isBeginning && this.#world.fault("writeFailed")) {
      this.#writeFailed(answering);
      return;
    }
    const wrote = this.#disk.write(outcome);
    life.operator.follow(outcome.effects, life.state);
    for (const effect of outcome.effects) {
      this.#trace(() => `  ${effectText(effect, shortId) ?? "ok"}`);
    }
    // Restarts change what happens, so that the audit of such a run says nothing.
    if (!options.restartAlways) audit.addTurn(nowMs, input, outcome);
    if (checked) this.#check(life, input, { excessBefore, wrote });
    this.#push(life, { turn, outcome, answering });
    this.#setTimers(life);
    if (isBeginning) return;
    const alsoNow =
      options.restartAlways && faultsOn && this.#world.dice("eviction").below(15) === 0;
    if (this.#world.fault("masterEvicted") || alsoNow) this.#evict();
  }

  #check(
    life: Life,
    input: Input,
    turn: { readonly excessBefore: ReadonlySet<string>; readonly wrote: boolean },
  ): void {
    const { clock, options } = this.#world;
    let problem = brokenRule(life.state, { input, ...turn });
    if (options.restartAlways && turn.wrote) {
      problem ??= brokenRestart(this.#disk, { settings: this.#settings, nowMs: clock.nowMs });
    }
    problem ??= life.operator.disagreement(life.state);
    // As dear as a start.
    if (++this.#checks % 50 === 0) problem ??= auditAllocation(life.state)[0];
    if (problem !== undefined) throw new Violation(`after ${input.type}: ${problem}`);
  }

  /** Nothing of the turn was written or is sent; what waits of earlier turns is not sent either. */
  #writeFailed(answering: Answering<MasterAnswer> | undefined): void {
    this.#trace(() => "  the write fails");
    this.#endLife("CLOSE_STREAMS");
    answering?.respond({ type: "FAILED" });
    this.#begin();
  }

  /** Answers and effects leave when the rows are durable, in order. */
  #push(
    life: Life,
    { turn, outcome, answering }: Pick<Pending, "turn" | "outcome" | "answering">,
  ): void {
    const { clock } = this.#world;
    const delayMs = this.#world.fault("slow") ? this.#world.between("sync", 10, 1_000) : 1;
    this.#syncedMs = Math.max(this.#syncedMs, clock.nowMs + delayMs);
    const settle = clock.at(this.#syncedMs, () => {
      const synced = this.#pending.shift();
      if (synced?.outcome !== outcome) throw new Violation("turns become durable in order");
      this.#becomesDurable(outcome);
      const reply = outcome.effects.find((effect) => effect.type === "REPLY")?.reply;
      answering?.respond({ type: "REPLIED", reply, turn });
      if (this.#life !== life) return;
      for (const effect of outcome.effects) this.#deliver(effect, life, turn);
    });
    this.#pending.push({ turn, outcome, life, answering, settle });
  }

  #becomesDurable(outcome: Outcome): void {
    const { truth } = this.#world;
    this.#durable.write(outcome);
    truth.masterDid(outcome);
    this.#world.checkTruth();
  }

  #deliver(effect: Effect, life: Life, turn: number): void {
    switch (effect.type) {
      case "REPLY":
        return;
      case "SEND_EVENT":
        this.#streams.get(effect.streamId)?.send(effect.event);
        return;
      case "CLOSE_STREAM":
        this.#streams.get(effect.streamId)?.close();
        this.#streams.delete(effect.streamId);
        return;
      case "SEND_SNAPSHOT":
      case "PUBLISH":
      case "SEND_OPERATOR_EVENT":
        return;
      case "SEND_COMMANDS":
      case "ADD_TO_RELAY":
      case "REMOVE_FROM_RELAY":
      case "WAKE_RELAY":
        life.relays.push(effect.relayId, turn, effect);
        return;
      default:
        unreachable(effect);
    }
  }

  #setTimers(life: Life): void {
    const { clock } = this.#world;
    const dueMs = nextDueMs(life.state);
    if (this.#wakeUp !== undefined) this.#wakeUp.cancelled = true;
    this.#wakeUp = undefined;
    if (dueMs === undefined) return;
    this.#wakeUp = clock.at(dueMs, () => {
      this.#wakeUp = undefined;
      this.#apply({ type: "TIMER_DUE" });
    });
    const wantedMs = Math.max(dueMs, clock.nowMs + ALARM_GRAIN_MS);
    if (this.#alarmMs !== undefined && this.#alarmMs <= wantedMs) return;
    this.#alarmMs = wantedMs;
    clock.at(wantedMs, () => {
      if (this.#alarmMs !== wantedMs) return;
      this.#alarmMs = undefined;
      this.#awake();
      this.#apply({ type: "TIMER_DUE" });
    });
  }

  #trace(text: () => string): void {
    this.#world.trace("master", text);
  }
}
