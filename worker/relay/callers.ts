/**
 * Operators that wait for an agent's answer: each gets a head, then a body that is streamed piece
 * by piece.
 *
 * A caller that reads slowly slows the agent down: a piece is answered to the agent only when there
 * is room for the next, so a relay never holds more than `CALLER_QUEUED_BYTES` and one piece for a
 * caller.
 */
import type { BodyPiece, CallBody } from "./call-body.ts";
import type { CallFailure, CallHead, RelayEffect } from "./effect.ts";

const CALLER_QUEUED_BYTES = 1024 * 1024;

export type CallAnswer =
  | ({ readonly type: "ANSWERED"; readonly body: ReadableStream<Uint8Array> } & CallHead)
  | { readonly type: "FAILED"; readonly reason: CallFailure };

interface Caller {
  readonly answer: (answer: CallAnswer) => void;
  /** What the caller sends. */
  readonly input: CallBody | undefined;
  controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Its answer is a stream of records. */
  hasRecords: boolean;
  /** Run when the caller has read enough. */
  ready: (() => void)[];
}

type Taken = "callId" | "sequence";

export class Callers {
  readonly #callers = new Map<string, Caller>();
  readonly #onAbandoned: (callId: string) => void;

  constructor(options: { readonly onAbandoned: (callId: string) => void }) {
    this.#onAbandoned = options.onAbandoned;
  }

  park(callId: string, input?: CallBody): Promise<CallAnswer> {
    return new Promise((answer) => {
      this.#callers.set(callId, {
        answer,
        input,
        controller: undefined,
        hasRecords: false,
        ready: [],
      });
    });
  }

  /**
   * `then` gets the piece of the caller's body with this number, when it is there; never, when the
   * caller sends none.
   */
  take(
    { callId, sequence }: Pick<RelayEffect & { readonly type: "TAKE_FROM_CALLER" }, Taken>,
    then: (piece: BodyPiece) => void,
  ): void {
    this.#callers.get(callId)?.input?.take(sequence, then);
  }

  send({ callId, head, data, last }: RelayEffect & { readonly type: "SEND_TO_CALLER" }): void {
    const caller = this.#callers.get(callId);
    if (caller === undefined) return;
    if (head !== undefined) {
      caller.hasRecords = head.contentType === "application/recordio";
      caller.answer({ type: "ANSWERED", ...head, body: this.#body(callId, caller) });
    }
    if (data.byteLength > 0) caller.controller?.enqueue(data);
    if (!last) return;
    this.#end(callId, caller);
    caller.controller?.close();
  }

  /** The caller's connection was closed. */
  hungUp(callId: string): void {
    const caller = this.#callers.get(callId);
    if (caller === undefined) return;
    this.#end(callId, caller);
    caller.controller?.error(new Error("the caller has gone"));
    this.#onAbandoned(callId);
  }

  fail(callId: string, reason: CallFailure): void {
    const caller = this.#callers.get(callId);
    if (caller === undefined) return;
    this.#end(callId, caller);
    caller.answer({ type: "FAILED", reason });
    if (caller.hasRecords) breakRecord(caller.controller);
    else caller.controller?.error(new Error(`the agent's answer broke off: ${reason}`));
  }

  /**
   * Runs `then` as soon as the caller has room for another piece; at once when there is no caller
   * any more.
   */
  whenReady(callId: string, then: () => void): void {
    const caller = this.#callers.get(callId);
    if (caller === undefined || (caller.controller?.desiredSize ?? 1) > 0) then();
    else caller.ready.push(then);
  }

  #end(callId: string, caller: Caller): void {
    this.#callers.delete(callId);
    caller.input?.close();
    for (const ready of caller.ready.splice(0)) ready();
  }

  #body(callId: string, caller: Caller): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          caller.controller = controller;
        },
        pull: () => {
          for (const ready of caller.ready.splice(0)) ready();
        },
        cancel: () => {
          if (this.#callers.get(callId) !== caller) return;
          this.#end(callId, caller);
          this.#onAbandoned(callId);
        },
      },
      { highWaterMark: CALLER_QUEUED_BYTES, size: (data) => data?.byteLength ?? 0 },
    );
  }
}

/**
 * workerd ends an answer whose stream fails as if it were whole (also between objects, as of
 * 2026-04), so the records say it: the last one is announced and never comes. Readers of RecordIO
 * notice, and the local front door cuts the connection.
 */
function breakRecord(controller: ReadableStreamDefaultController<Uint8Array> | undefined): void {
  controller?.enqueue(TORN_RECORD);
  controller?.close();
}

const TORN_RECORD = new TextEncoder().encode("1\n");
