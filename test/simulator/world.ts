/**
 * What all parts of a simulation share: time, dice, trace, audit, and the truth they are held
 * against. Every kind of decision has dice of its own, so that leaving one fault out changes as
 * little as possible of the rest.
 */
import { type Prng, prng } from "../../worker/std/prng.ts";
import { Audit } from "./audit.ts";
import { Clock } from "./clock.ts";
import type { FaultKind, Options } from "./options.ts";
import { Truth } from "./truth.ts";

const TRACE_LINES = 60;

/** A rule that did not hold. Everything else that is thrown is a bug, too. */
export class Violation extends Error {
  override readonly name = "Violation";
}

export interface TraceLine {
  readonly atMs: number;
  readonly who: string;
  /** Called only when the line is shown. */
  readonly text: () => string;
}

export class World {
  readonly options: Options;
  readonly clock = new Clock();
  readonly startMs = this.clock.nowMs;
  readonly audit = new Audit();
  readonly truth = new Truth();
  /** Whether the audit is kept and every step checked: one of the runs of a seed does without. */
  readonly checked: boolean;
  readonly onTrace: ((line: TraceLine) => void) | undefined;
  faultsOn = true;
  readonly #dice = new Map<string, Prng>();
  readonly #lines: TraceLine[] = [];
  #line = 0;
  #intents = 0;

  constructor(
    options: Options,
    {
      checked,
      onTrace,
    }: { readonly checked: boolean; readonly onTrace?: ((line: TraceLine) => void) | undefined },
  ) {
    this.options = options;
    this.checked = checked;
    this.onTrace = onTrace;
  }

  /** The dice of one kind of decision. */
  dice(name: string): Prng {
    let dice = this.#dice.get(name);
    if (dice === undefined) {
      let seed = this.options.seed;
      for (let at = 0; at < name.length; at++) {
        seed = Math.imul(seed ^ name.charCodeAt(at), 0x85ebca6b) ^ (seed >>> 13);
      }
      dice = prng(seed);
      this.#dice.set(name, dice);
    }
    return dice;
  }

  fault(kind: FaultKind): boolean {
    const rate = this.options.faults[kind];
    return rate > 0 && this.faultsOn && this.dice(kind).next() < rate;
  }

  /** Whole ms in [from, to]. */
  between(name: string, from: number, to: number): number {
    return from + this.dice(name).below(to - from + 1);
  }

  /** How long a message is on its way: some milliseconds, or seconds. */
  delayMs(name: string): number {
    return this.fault("slow") ? this.between(name, 20, 3_000) : this.between(name, 1, 4);
  }

  /** Throws the first rule that did not hold, as far as can be seen from outside. */
  checkTruth(): void {
    const [problem] = this.truth.problems;
    if (problem !== undefined) throw new Violation(problem);
  }

  /** A number that is used once. */
  newIntent(): number {
    return ++this.#intents;
  }

  trace(who: string, text: () => string): void {
    const line = { atMs: this.clock.nowMs - this.startMs, who, text };
    this.#lines[this.#line++ % TRACE_LINES] = line;
    this.onTrace?.(line);
  }

  /** The last lines, oldest first. */
  lastLines(count: number): readonly TraceLine[] {
    const kept = Math.min(this.#line, TRACE_LINES, count);
    return Array.from({ length: kept }, (_, at) => {
      return this.#lines[(this.#line - kept + at) % TRACE_LINES] as TraceLine;
    });
  }
}

export function traceText({ atMs, who, text }: TraceLine): string {
  return `${(atMs / 1_000).toFixed(3).padStart(9)}  ${who.padEnd(9)} ${text()}`;
}

/** Ids without the cluster's own part. */
export function shortId(id: string): string {
  return id.replace(/^[0-9a-f]{8}-[0-9a-f-]{27}-/, "");
}
