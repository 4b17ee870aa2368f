/**
 * The completed tasks of each framework: the newest `COMPLETED_TASKS_PER_FRAMEWORK_MAX` of them, as
 * texts on disk, each framework's in a ring of its own.
 *
 * 1. A framework's n-th completed task has the number `ring + n mod size`, so it takes the place of
 * the oldest one. 2. Its text begins with n, so that nothing needs to be remembered: where a ring
 * goes on follows from its texts.
 */
import type * as mesos from "../../protocol/v1/mesos.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { defined } from "../../std/assert.ts";
import { COMPLETED_TASKS_PER_FRAMEWORK_MAX as SIZE } from "../constants.ts";
import type { MasterState } from "../state.ts";
import { decodeStored } from "../stored.ts";

/** Texts read from disk at once: each may have a megabyte. */
const TEXTS_AT_ONCE = 16;

/** `frameworkSeq`: the `seq` that the framework had while it was not completed. */
export function ringOf(frameworkSeq: number): number {
  return frameworkSeq * SIZE;
}

export function keepCompleted(state: MasterState, ring: number, task: mesos.Task): void {
  const count = completedCount(state, ring);
  const text = `${count} ${encodeJson("mesos.v1.Task", task)}`;
  state.cold.put("completedTask", ring + (count % SIZE), text);
  state.completedCounts.set(ring, count + 1);
}

/** The framework is shown no more. */
export function forgetCompleted(state: MasterState, ring: number): void {
  const kept = Math.min(completedCount(state, ring), SIZE);
  for (let slot = 0; slot < kept; slot++) state.cold.delete("completedTask", ring + slot);
  state.completedCounts.delete(ring);
}

/** How many tasks the framework has completed in its life. */
function completedCount(state: MasterState, ring: number): number {
  const known = state.completedCounts.get(ring);
  if (known !== undefined) return known;
  const count = countIn(ring, (number) => state.cold.get("completedTask", number));
  state.completedCounts.set(ring, count);
  return count;
}

/**
 * From the first slot on the numbers go up by one, as far as the newest; so it is found in ten
 * steps.
 */
function countIn(ring: number, textAt: (number: number) => string | undefined): number {
  const first = textAt(ring);
  if (first === undefined) return 0;
  const begin = countOf(first);
  let [newest, beyond] = [0, SIZE];
  while (beyond - newest > 1) {
    const slot = (newest + beyond) >> 1;
    const text = textAt(ring + slot);
    if (text !== undefined && countOf(text) === begin + slot) newest = slot;
    else beyond = slot;
  }
  return begin + newest + 1;
}

function countOf(text: string): number {
  return Number(text.slice(0, text.indexOf(" ")));
}

/** What a snapshot reads from. */
export interface CompletedTexts {
  get(table: "completedTask", number: number): string | undefined;
  range(
    table: "completedTask",
    first: number,
    last: number,
  ): Iterable<readonly [number: number, text: string]>;
}

export interface CompletedTask {
  /** Of its text, while it is kept. */
  readonly number: number;
  readonly task: mesos.Task;
}

/** The tasks of one framework, the one completed first first. */
export function* completedTasks(cold: CompletedTexts, ring: number): Generator<CompletedTask> {
  const count = countIn(ring, (number) => cold.get("completedTask", number));
  const oldest = count > SIZE ? count % SIZE : 0;
  yield* tasksIn(cold, ring + oldest, ring + Math.min(count, SIZE) - 1);
  yield* tasksIn(cold, ring, ring + oldest - 1);
}

function* tasksIn(cold: CompletedTexts, first: number, last: number): Generator<CompletedTask> {
  for (let from = first; from <= last; from += TEXTS_AT_ONCE) {
    const to = Math.min(from + TEXTS_AT_ONCE - 1, last);
    for (const [number, text] of cold.range("completedTask", from, to)) {
      yield { number, task: taskIn(text) };
    }
  }
}

/** A task that `completedTasks` gave, once more. */
export function completedTaskAt(cold: CompletedTexts, number: number): mesos.Task {
  return taskIn(defined(cold.get("completedTask", number), `completed task ${number} is kept`));
}

function taskIn(text: string): mesos.Task {
  return decodeStored("mesos.v1.Task", text.slice(text.indexOf(" ") + 1));
}
