/**
 * How much the master's object logs, which an operator can raise for a while. Volatile: a new life
 * of the object logs as little as ever.
 *
 * Level 0: failures only. 1: a line for every turn. 2 and more: also the turn's input, as a line
 * that can be stepped again.
 */
import type { TakenTurn } from "./life.ts";
import { formatReproduction } from "./reproduction.ts";

/** What is logged when nobody has asked for more. */
const USUAL_LEVEL = 0;

export class Verbosity {
  #raised: { readonly level: number; readonly untilMs: number } | undefined;

  /** Reverts by itself when `durationMs` have passed. */
  set({ level, durationMs }: { level: number; durationMs: number }, nowMs: number): void {
    this.#raised = level === USUAL_LEVEL ? undefined : { level, untilMs: nowMs + durationMs };
  }

  at(nowMs: number): number {
    if (this.#raised !== undefined && nowMs >= this.#raised.untilMs) this.#raised = undefined;
    return this.#raised?.level ?? USUAL_LEVEL;
  }
}

/** The lines to log of a turn at this level. */
export function turnLines(level: number, { stamped, outcome }: TakenTurn): readonly string[] {
  if (level < 1) return [];
  const { turn, input } = stamped;
  const call = "call" in input ? ` ${input.call.type}` : "";
  const counts = `${outcome.changes.length} changes, ${outcome.effects.length} effects`;
  const line = `turn ${turn}: ${input.type}${call}: ${counts}`;
  return level < 2 ? [line] : [line, formatReproduction(stamped)];
}
