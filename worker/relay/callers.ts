/**
 * Operators that wait for an agent's answer: each gets a head, then a body that is streamed piece
 * by piece.
 *
 * A caller that reads slowly slows the agent down: a piece is answered to the agent only when there
 * is room for the next, so a relay never holds more than `CALLER_QUEUED_BYTES` and one piece for a
 * caller.
 */
import type { CallFailure, RelayEffect } from "./effect.ts";

const CALLER_QUEUED_BYTES = 1024 * 1024;

export type CallAnswer =
  | {
      readonly type: "ANSWERED";
      readonly status: number;
      readonly contentType: string;
      readonly body: ReadableStream<Uint8Array>;
    }
  | { readonly type: "FAILED"; readonly reason: CallFailure };

interface Caller {
  readonly answer: (answer: CallAnswer) => void;
  controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Runs when the caller has read enough. */
  ready: (() => void) | undefined;
}

export class Callers {
  readonly #callers = new Map<string, Caller>();
  readonly #onAbandoned: (callId: string) => void;

  constructor(options: { readonly onAbandoned: (callId: string) => void }) {
    this.#onAbandoned = options.onAbandoned;
  }

  park(callId: string): Promise<CallAnswer> {
    return new Promise((answer) => {
      this.#callers.set(callId, { answer, controller: undefined, ready: undefined });
    });
  }

  send({ callId, head, data, last }: RelayEffect & { readonly type: "SEND_TO_CALLER" }): void {
    const caller = this.#callers.get(callId);
    if (caller === undefined) return;
    if (head !== undefined) {
      caller.answer({ type: "ANSWERED", ...head, body: this.#body(callId, caller) });
    }
    if (data.byteLength > 0) caller.controller?.enqueue(data);
    if (!last) return;
    this.#callers.delete(callId);
    caller.controller?.close();
  }

  fail(callId: string, reason: CallFailure): void {
    const caller = this.#callers.get(callId);
    this.#callers.delete(callId);
    caller?.answer({ type: "FAILED", reason });
    caller?.controller?.error(new Error(`the agent's answer broke off: ${reason}`));
    caller?.ready?.();
  }

  /**
   * Runs `then` as soon as the caller has room for another piece; at once when there is no caller
   * any more.
   */
  whenReady(callId: string, then: () => void): void {
    const caller = this.#callers.get(callId);
    if (caller === undefined || (caller.controller?.desiredSize ?? 1) > 0) then();
    else caller.ready = then;
  }

  #body(callId: string, caller: Caller): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          caller.controller = controller;
        },
        pull: () => {
          const { ready } = caller;
          caller.ready = undefined;
          ready?.();
        },
        cancel: () => {
          caller.ready?.();
          if (this.#callers.delete(callId)) this.#onAbandoned(callId);
        },
      },
      { highWaterMark: CALLER_QUEUED_BYTES, size: (data) => data?.byteLength ?? 0 },
    );
  }
}
