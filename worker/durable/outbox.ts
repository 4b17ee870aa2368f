/**
 * One FIFO for everything that a turn sends outside its own answer: events on streams, and words to
 * relays.
 *
 * 1. An effect leaves only after the rows of its turn are durable. workerd holds answers back until
 * then by itself, but not what is enqueued into a stream that is open already. 2. Effects leave in
 * the order of their turns, and in their order within a turn.
 */
import type { Effect } from "../core/effect.ts";
import type { Snapshot } from "../core/operator/snapshot.ts";

/** An effect that is not the answer to the turn's caller. */
export type Delivery =
  | Exclude<Effect, { readonly type: "REPLY" | "SEND_SNAPSHOT" }>
  /** With the state as the turn left it. */
  | (Extract<Effect, { readonly type: "SEND_SNAPSHOT" }> & { readonly snapshot: Snapshot });

interface Options {
  /** Resolves when everything written so far is durable. */
  readonly sync: () => Promise<void>;
  /** May push more; those leave after a sync of their own. */
  readonly deliver: (delivery: Delivery, turn: number) => void;
  /** Durability failed: memory and disk may disagree, so the object must start afresh. */
  readonly fail: (error: unknown) => void;
}

export class Outbox {
  readonly #options: Options;
  #waiting: { readonly turn: number; readonly delivery: Delivery }[] = [];
  #draining = false;
  #generation = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** How many effects, and of how many turns, wait for their rows to be durable. */
  get waiting(): { readonly effects: number; readonly turns: number } {
    const turns = new Set(this.#waiting.map(({ turn }) => turn));
    return { effects: this.#waiting.length, turns: turns.size };
  }

  push(turn: number, deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.#waiting.push({ turn, delivery });
    if (!this.#draining && this.#waiting.length > 0) {
      this.#draining = true;
      this.#drain().catch(this.#options.fail);
    }
  }

  /** Forgets what has not left: the life whose turns made it is over. */
  clear(): void {
    this.#waiting = [];
    this.#generation++;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const generation = this.#generation;
      const count = this.#waiting.length;
      await this.#options.sync();
      // After `clear` what waits is of another life, and has not been synced.
      if (this.#generation !== generation) continue;
      for (const { turn, delivery } of this.#waiting.splice(0, count)) {
        if (this.#generation !== generation) break;
        this.#options.deliver(delivery, turn);
      }
    }
    this.#draining = false;
  }
}
