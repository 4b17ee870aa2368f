/**
 * A relay's object around the real core: it holds requests, calls the master, keeps the time. It
 * does what `worker/relay/relay-object.ts` does, on virtual time; evicted, it forgets everything
 * but its name.
 */
import type { MasterCall, RelayBatchAnswer } from "../../worker/core/relay/exchange.ts";
import type { RelayId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type { RelayEffect } from "../../worker/relay/effect.ts";
import type { RelayInput } from "../../worker/relay/input.ts";
import { stepRelay } from "../../worker/relay/relay-core.ts";
import { createRelay, type RelayState } from "../../worker/relay/state.ts";
import { unreachable } from "../../worker/std/assert.ts";
import type { Timer } from "./clock.ts";
import { relayMessageText } from "./input-text.ts";
import type { MasterNode } from "./master-node.ts";
import { type Answering, rpc } from "./network.ts";
import { shortId, type World } from "./world.ts";

const ALARM_INTERVAL_MS = 60_000;

export type RelayAnswer =
  | { readonly type: "COMMANDS"; readonly commands: readonly link.Command[] }
  | { readonly type: "DONE" }
  | { readonly type: "REFUSED"; readonly code: "REGISTER_AGAIN" | "TRY_AGAIN" | "CALL_UNKNOWN" };

interface Life {
  readonly state: RelayState;
  readonly held: Map<number, Answering<RelayAnswer>>;
}

export class RelayNode {
  readonly id: RelayId;
  readonly #world: World;
  readonly #master: MasterNode;
  #life: Life | undefined;
  #requestCount = 0;
  #timer: Timer | undefined;
  #isAlarmSet = false;

  constructor(world: World, { id, master }: { readonly id: RelayId; readonly master: MasterNode }) {
    this.#world = world;
    this.id = id;
    this.#master = master;
  }

  poll(request: link.PollRequest, answering: Answering<RelayAnswer>): void {
    this.#hold(answering, (requestId) => ({ type: "POLL", requestId, request }));
  }

  report(report: link.ReportRequest, answering: Answering<RelayAnswer>): void {
    const bytes = 500 * (report.updates?.length ?? 0);
    this.#hold(answering, (requestId) => ({ type: "REPORT", requestId, report, bytes }));
  }

  fromMaster({ life, messages }: MasterCall, answering: Answering<undefined>): void {
    this.#awake();
    this.#step({ type: "FROM_MASTER", life, messages });
    answering.respond(undefined);
  }

  #hold(answering: Answering<RelayAnswer>, input: (requestId: number) => RelayInput): void {
    const requestId = ++this.#requestCount;
    this.#awake().held.set(requestId, answering);
    this.#step(input(requestId));
  }

  #awake(): Life {
    if (this.#life !== undefined) return this.#life;
    const life: Life = { state: createRelay(), held: new Map() };
    this.#life = life;
    this.#step({ type: "STARTED" });
    return this.#life ?? life;
  }

  #step(input: RelayInput): void {
    const { clock, audit, options } = this.#world;
    const life = this.#life;
    if (life === undefined) return;
    const { nowMs } = clock;
    this.#world.trace(this.id, () => relayInputText(input));
    const effects = stepRelay(life.state, { nowMs, input });
    if (!options.restartAlways) audit.add([nowMs, input, effects]);
    for (const effect of effects) this.#perform(life, effect);
    this.#keepAwake(life);
    if (input.type !== "STARTED" && this.#world.fault("relayEvicted")) this.#evict(life);
  }

  #evict(life: Life): void {
    this.#world.trace(this.id, () => `evicted; ${life.held.size} requests break`);
    this.#life = undefined;
    if (this.#timer !== undefined) this.#timer.cancelled = true;
    this.#timer = undefined;
    for (const answering of life.held.values()) answering.broken();
  }

  #perform(life: Life, effect: RelayEffect): void {
    switch (effect.type) {
      case "ANSWER_POLL":
        this.#answer(life, effect.requestId, { type: "COMMANDS", commands: effect.commands });
        return;
      case "ANSWER_REPORT":
        this.#answer(life, effect.requestId, { type: "DONE" });
        return;
      case "REFUSE":
        this.#answer(life, effect.requestId, { type: "REFUSED", code: effect.code });
        return;
      case "SEND_TO_MASTER":
        this.#callMaster(life, effect);
        return;
      case "SET_TIMER":
        this.#setTimer(effect.atMs);
        return;
      case "ANSWER_CALL_REPLY":
      case "SEND_TO_CALLER":
      case "FAIL_CALL":
      case "TAKE_FROM_CALLER":
      case "ANSWER_CALL_INPUT":
        return;
      default:
        unreachable(effect);
    }
  }

  #answer(life: Life, requestId: number, answer: RelayAnswer): void {
    const answering = life.held.get(requestId);
    life.held.delete(requestId);
    answering?.respond(answer);
  }

  #callMaster(
    life: Life,
    { batch, messages }: RelayEffect & { readonly type: "SEND_TO_MASTER" },
  ): void {
    const isOver = (): boolean => this.#life !== life;
    rpc<RelayBatchAnswer | undefined>(this.#world, {
      serve: (answering) => this.#master.relayBatch({ relayId: this.id, messages }, answering),
      done: (answer) => {
        if (isOver()) return;
        if (answer !== undefined) this.#step({ type: "MASTER_ANSWERED", batch, answer });
        else this.#step({ type: "MASTER_FAILED", batch, cause: "TURN_FAILED" });
      },
      failed: () => {
        if (!isOver()) this.#step({ type: "MASTER_FAILED", batch, cause: "UNREACHED" });
      },
    });
  }

  #setTimer(atMs: number | undefined): void {
    if (this.#timer !== undefined) this.#timer.cancelled = true;
    this.#timer = undefined;
    if (atMs === undefined) return;
    this.#timer = this.#world.clock.at(atMs, () => this.#step({ type: "TIMER" }));
  }

  /** With agents: an alarm within a minute, also for the next life. */
  #keepAwake(life: Life): void {
    if (life.state.agents.size === 0 || this.#isAlarmSet) return;
    this.#isAlarmSet = true;
    this.#world.clock.after(ALARM_INTERVAL_MS, () => {
      this.#isAlarmSet = false;
      this.#awake();
      this.#step({ type: "TIMER" });
    });
  }
}

function relayInputText(input: RelayInput): string {
  switch (input.type) {
    case "POLL": {
      const { agent_id, session_id, poll_number, acknowledged_command } = input.request;
      const words = `${shortId(agent_id.value)} ${session_id} #${poll_number}`;
      return `POLL ${words} acknowledges ${acknowledged_command}`;
    }
    case "REPORT":
      return relayMessageText({ type: "REPORT", report: input.report });
    case "FROM_MASTER":
      return `FROM_MASTER ${input.life} ${input.messages.map(({ message }) => message.type).join(" ")}`;
    case "MASTER_ANSWERED":
      return `MASTER_ANSWERED ${input.answer.replies.map(({ type }) => type).join(" ")}`;
    case "MASTER_FAILED":
      return `MASTER_FAILED ${input.cause}`;
    default:
      return input.type;
  }
}
