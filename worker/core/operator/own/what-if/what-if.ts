/**
 * WHAT_IF: what would be allocated to whom if something were otherwise, and what that changes.
 *
 * The trial is made of the inputs that would bring it about, carried out by the master itself, and
 * undone (`core/what-if.ts`); nothing of it is stored or sent. Agents are looked at in random
 * order, so with several of them it is one of the outcomes that there may be.
 */
import type * as own from "../../../../protocol/own/operator.ts";
import { assert } from "../../../../std/assert.ts";
import { err, ok, type Result } from "../../../../std/result.ts";
import type { CallError } from "../../../call-error.ts";
import type { Outcome } from "../../../master.ts";
import type { MasterState } from "../../../state.ts";
import { type Play, rehearse } from "../../../what-if.ts";
import type { OwnReading } from "../index.ts";
import type { Explained } from "../why/finding.ts";
import { Books } from "./books.ts";
import { compareClients, compareRoles, settingsOf } from "./compare.ts";
import { type Placed, placeTasks } from "./place-tasks.ts";
import { type Trial, trialOf } from "./question.ts";
import { trialInputs } from "./trial-inputs.ts";
import { type Unplaced, unplaced } from "./unplaced.ts";

/** Turns in which offers are made, before and after; each makes at most so many. */
const TURNS_MOST = 5;
/** The same question of the same state has the same answer. */
const SEED = 1;

export interface WhatIfFacts extends own.WhatIfAnswer {
  readonly tasks: readonly PlacedFacts[];
}

interface PlacedFacts extends own.WhatIfPlaced {
  readonly groups: readonly Explained[];
}

export function* whatIfCall(state: MasterState, nowMs: number, call: own.Call): OwnReading {
  const trial = yield* trialOf(state, call.what_if ?? {});
  if (!trial.ok) return trial;
  const stamp = { turn: 0, nowMs, seed: SEED, principal: {} };
  const answer = rehearse(state, stamp, (play) =>
    tried(state, nowMs, { play, trial: trial.value }),
  );
  return answer.ok ? ok({ what_if: answer.value }) : answer;
}

/** What came of the inputs so far. */
class Course {
  readonly #state: MasterState;
  readonly #play: Play;
  readonly books: Books;
  readonly made = new Map<string, number>();
  readonly rescinded = new Map<string, number>();
  /** Frameworks that were not there before. */
  readonly madeUp = new Set<string>();

  constructor(state: MasterState, play: Play) {
    this.#state = state;
    this.#play = play;
    this.books = new Books(state.tables);
  }

  readonly play: Play = (input) => {
    const outcome = this.#play(input);
    for (const change of outcome.changes) {
      this.books.follow(change);
      const { table, key, before } = change;
      if (table === "framework" && before === undefined) this.madeUp.add(key);
    }
    this.#count(outcome);
    return outcome;
  };

  /** Goes on until nothing waits to be allocated; false: more turns than are taken for it. */
  settle(): boolean {
    for (let turn = 0; turn < TURNS_MOST; turn++) {
      if (!this.#state.allocation.hasWork()) return true;
      this.play({ type: "TIMER_DUE" });
    }
    return !this.#state.allocation.hasWork();
  }

  forgetCounts(): void {
    this.made.clear();
    this.rescinded.clear();
  }

  #count({ effects }: Outcome): void {
    for (const effect of effects) {
      if (effect.type !== "SEND_EVENT") continue;
      const { event, streamId } = effect;
      const framework = this.#state.tables.stream.get(streamId)?.frameworkId ?? "";
      const made = event.offers?.offers?.length ?? 0;
      if (made > 0) this.made.set(framework, (this.made.get(framework) ?? 0) + made);
      if (event.type !== "RESCIND") continue;
      this.rescinded.set(framework, (this.rescinded.get(framework) ?? 0) + 1);
    }
  }
}

function tried(
  state: MasterState,
  nowMs: number,
  { play, trial }: { readonly play: Play; readonly trial: Trial },
): Result<WhatIfFacts, CallError> {
  const course = new Course(state, play);
  // What waits to be offered now is no part of the difference.
  let isComplete = course.settle();
  const before = course.books.picture();
  const settingsBefore = settingsOf(state);
  const tasksLost = tasksOn(state, trial);
  course.forgetCounts();
  for (const input of trialInputs(trial)) {
    const { effects } = course.play(input);
    const reply = effects.find((effect) => effect.type === "REPLY")?.reply;
    if (reply?.type === "REFUSED") return err(reply.error);
  }
  isComplete = course.settle() && isComplete;
  const placed: Placed[] = [];
  for (const [number, wish] of trial.tasks.entries()) {
    const one = placeTasks(state, course.play, { wish, number });
    if (one === undefined) return err({ code: "TRIAL_FRAMEWORK_REFUSED", role: wish.role });
    placed.push(one);
    isComplete = course.settle() && isComplete;
  }
  const pictures = { before, after: course.books.picture() };
  return ok({
    policy: state.tables.cluster.get("cluster")?.policy ?? "",
    roles: compareRoles(state, { trial, pictures, settingsBefore }),
    frameworks: compareClients(state, pictures, course),
    tasks: placedFacts(placed, unplaced(state, nowMs, placed)),
    offers_made: sumOf(course.made),
    offers_rescinded: sumOf(course.rescinded),
    tasks_lost: tasksLost,
    is_complete: isComplete,
    is_one_of_many: state.tables.agent.size > 1,
  });
}

/** Tasks that end with the agents that go. */
function tasksOn({ index }: MasterState, { gone, drained }: Trial): number {
  const ids = new Set([...gone, ...drained].map(({ id }) => id));
  let count = 0;
  for (const id of ids) count += index.tasksOfAgent(id).length;
  return count;
}

function placedFacts(placed: readonly Placed[], rest: readonly Unplaced[]): readonly PlacedFacts[] {
  return placed.map(({ wish, count, agents }, at) => {
    assert(count <= wish.count, "no more tasks run than were wished for");
    return {
      resources: wish.text,
      role: wish.role,
      framework: wish.framework?.id,
      count: wish.count,
      placed: count,
      agents,
      if_declined: rest[at]?.ifDeclined ?? 0,
      groups: rest[at]?.groups ?? [],
    };
  });
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}
