/**
 * Long work of one object in short slices, so that nobody waits long for an answer: one slice at a
 * time, and between two of them the platform hands in what has arrived meanwhile.
 *
 * 1. However many readers there are, a call that arrives waits for one slice at most before it gets
 * its turn. 2. Readers take turns, in the order in which they ask.
 */
import { encodeUtf8 } from "../protocol/wire/utf8.ts";

/** A slice ends after this much, whichever comes first. */
const SLICE_MS = 1.5;
const SLICE_LENGTH = 64 * 1024;
/**
 * What a piece counts besides its characters: the work of looking at some rows, also when nothing
 * came of it. It bounds a slice where the clock stands still while code runs, as on the edge.
 */
const PIECE_LENGTH = 64;
const PAUSE_LENGTH = 512;

export type Piece = string | Uint8Array;

/** What one slice made. */
export interface Slice {
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

/** Takes pieces until a slice is full. Pieces of one iterator are either texts or bytes. */
export function takeSlice(pieces: Iterator<Piece>): Slice {
  const endMs = performance.now() + SLICE_MS;
  const taken: Piece[] = [];
  let length = 0;
  while (length < SLICE_LENGTH) {
    const { done, value } = pieces.next();
    if (done === true) return { bytes: join(taken), isLast: true };
    if (value.length > 0) taken.push(value);
    length += value.length > 0 ? value.length + PIECE_LENGTH : PAUSE_LENGTH;
    if (performance.now() >= endMs) break;
  }
  return { bytes: join(taken), isLast: false };
}

/** Steps of work that brings nothing to send before its end; as much as fits into a slice. */
export function takeSteps<T>(work: Generator<undefined, T>): IteratorResult<undefined, T> {
  const endMs = performance.now() + SLICE_MS;
  for (let length = 0; length < SLICE_LENGTH; length += PAUSE_LENGTH) {
    const step = work.next();
    if (step.done === true || performance.now() >= endMs) return step;
  }
  return { done: false, value: undefined };
}

const encoder = new TextEncoder();

function join(pieces: readonly Piece[]): Uint8Array {
  const isText = pieces.every((piece) => typeof piece === "string");
  if (isText) return encoder.encode(pieces.join(""));
  return joinBytes(pieces.map((piece) => (typeof piece === "string" ? encodeUtf8(piece) : piece)));
}

export function joinBytes(all: readonly Uint8Array[]): Uint8Array {
  const [only] = all;
  if (all.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of all) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Slices that are remembered, to say how long they are. */
const SLICES_MEASURED = 1_000;

/** Lets slices of different readers follow each other. */
export class Slices {
  /** How long the last ones were, ms; a ring. */
  readonly #tookMs: number[] = [];
  #taken = 0;
  readonly #waiting: (() => void)[] = [];
  #running = false;

  /** Runs `work` when it is its turn; at once when nobody else has had one just now. */
  async next<T>(work: () => T): Promise<T> {
    if (this.#running) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running = true;
    const began = performance.now();
    try {
      return work();
    } finally {
      this.#tookMs[this.#taken++ % SLICES_MEASURED] = performance.now() - began;
      // A timer, not a promise: promises would go on before anything from outside is looked at.
      setTimeout(() => this.#pass(), 0);
    }
  }

  /** How long the object answered nobody because of them, at most and in all but 1 of 100. */
  metrics(): Readonly<Record<string, number>> {
    const sorted = this.#tookMs.toSorted((a, b) => a - b);
    return {
      "rimrock/reads/slices": this.#taken,
      "rimrock/reads/slice_ms/p99": sorted[Math.floor(sorted.length * 0.99)] ?? 0,
      "rimrock/reads/slice_ms/max": sorted.at(-1) ?? 0,
    };
  }

  #pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running = false;
    else next();
  }
}
