/**
 * One open response of events, from the master to a framework: in order until it breaks, and what
 * is under way when it breaks is lost.
 */
import type { Input } from "../../worker/core/input.ts";
import type { StreamId } from "../../worker/protocol/ids.ts";
import type * as scheduler from "../../worker/protocol/v1/scheduler.ts";
import type { World } from "./world.ts";

type StreamEnd = (Input & { readonly type: "STREAM_CLOSED" })["cause"];

export interface StreamReader {
  readonly onEvent: (event: scheduler.Event) => void;
  /** The response ended or broke. */
  readonly onEnd: () => void;
}

export class EventStream {
  readonly id: StreamId;
  readonly #world: World;
  readonly #onServerEnd: (cause: StreamEnd) => void;
  #reader: StreamReader | undefined;
  #early: (() => void)[] = [];
  #arrivesMs = 0;
  #isOpen = true;
  /** The server has ended it, and what it sent before still arrives. */
  #isEnding = false;
  /** The client has gone; the server notices with a write after this time. */
  #goneNoticedMs: number | undefined;

  constructor(world: World, id: StreamId, onServerEnd: (cause: StreamEnd) => void) {
    this.#world = world;
    this.id = id;
    this.#onServerEnd = onServerEnd;
  }

  /** The client has the head of the response, and reads. */
  read(reader: StreamReader): void {
    this.#reader = reader;
    const early = this.#early;
    this.#early = [];
    for (const arrive of early) arrive();
  }

  /** Client: what was sent has not all been read. */
  get isBehind(): boolean {
    return this.#arrivesMs > this.#world.clock.nowMs;
  }

  /** Server: writes an event. */
  send(event: scheduler.Event): void {
    if (!this.#isOpen) return;
    if (this.#goneNoticedMs !== undefined) {
      if (this.#world.clock.nowMs >= this.#goneNoticedMs) this.#endedFromOutside("CLIENT_CLOSED");
      return;
    }
    this.#arrive(() => {
      if (this.#isOpen || this.#isEnding) this.#reader?.onEvent(event);
    });
  }

  /** Server: ends it after everything that was sent. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#isEnding = true;
    this.#arrive(() => {
      this.#isEnding = false;
      this.#reader?.onEnd();
    });
  }

  /** The server's memory is gone: what is under way may be lost. */
  breaks(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#isEnding = this.#world.dice("stream").below(2) === 0;
    this.#arrive(() => {
      this.#isEnding = false;
      this.#reader?.onEnd();
    });
  }

  /** Client: goes away. */
  leave(): void {
    this.#reader = undefined;
    this.#early = [];
    const { clock } = this.#world;
    this.#goneNoticedMs = clock.nowMs + this.#world.between("stream", 0, 20_000);
  }

  /** Client: does not read for a while. The server may lose patience. */
  stall(forMs: number): void {
    const { clock } = this.#world;
    this.#arrivesMs = Math.max(this.#arrivesMs, clock.nowMs + forMs);
    if (this.#world.dice("stream").below(2) === 0) return;
    clock.after(forMs / 2, () => {
      if (!this.#isOpen || this.#goneNoticedMs !== undefined) return;
      this.#arrive(() => this.#reader?.onEnd());
      this.#endedFromOutside("READ_TOO_SLOWLY");
    });
  }

  #endedFromOutside(cause: StreamEnd): void {
    this.#isOpen = false;
    this.#onServerEnd(cause);
  }

  #arrive(action: () => void): void {
    const { clock } = this.#world;
    this.#arrivesMs = Math.max(this.#arrivesMs, clock.nowMs + this.#world.delayMs("stream"));
    clock.at(this.#arrivesMs, () => {
      if (this.#reader === undefined && this.#goneNoticedMs === undefined) this.#early.push(action);
      else action();
    });
  }
}
