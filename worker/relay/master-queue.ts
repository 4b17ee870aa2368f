/**
 * Messages to the master, in batches: one call in flight, and everything that arrives meanwhile
 * goes with the next one. So latency is low when little happens, and the master's request rate does
 * not depend on the number of agents.
 *
 * 1. A batch is sent again, unchanged, until it is answered. 2. Messages of one key replace each
 * other while they wait.
 */
import type { RelayMessage } from "../core/input.ts";
import {
  ACKNOWLEDGE_DELAY_MS,
  ALIVE_INTERVAL_MS,
  BATCH_BYTES,
  BATCH_MESSAGES,
  RETRY_FIRST_MS,
  RETRY_LAST_MS,
  RETRY_OVERLOADED_MS,
} from "./constants.ts";
import type { BatchFailure } from "./input.ts";
import type { RelayTurn } from "./state.ts";

export interface QueuedMessage {
  readonly key: string;
  readonly message: RelayMessage;
  readonly bytes: number;
  /** The report's request, which is answered with the batch. */
  readonly requestId: number | undefined;
}

interface Batch {
  readonly number: number;
  readonly messages: readonly QueuedMessage[];
  failures: number;
}

export interface MasterQueue {
  readonly waiting: Map<string, QueuedMessage>;
  inFlight: Batch | undefined;
  /** Something waits that should not wait for company. */
  urgent: boolean;
  nextBatch: number;
}

export function createMasterQueue(): MasterQueue {
  return { waiting: new Map(), inFlight: undefined, urgent: false, nextBatch: 1 };
}

/** Bytes of a message that is no report: a few ids. */
const SMALL_BYTES = 200;

interface Options {
  readonly bytes?: number;
  readonly requestId?: number;
}

/** Puts a message behind those that wait. Call `sendBatch` when the turn is over. */
export function enqueue(
  turn: RelayTurn,
  key: string,
  message: RelayMessage,
  { bytes = SMALL_BYTES, requestId }: Options = {},
): void {
  const { queue, timers } = turn.state;
  queue.waiting.set(key, { key, message, bytes, requestId });
  if (message.type !== "ACKNOWLEDGED") queue.urgent = true;
  else if (queue.waiting.size === 1) timers.set("lazy", turn.nowMs + ACKNOWLEDGE_DELAY_MS);
}

/** Sends what waits, unless a batch is on its way. */
export function sendBatch(turn: RelayTurn): void {
  const { queue, timers } = turn.state;
  if (queue.inFlight !== undefined || !queue.urgent || queue.waiting.size === 0) return;
  const messages: QueuedMessage[] = [];
  let bytes = 0;
  for (const [key, queued] of queue.waiting) {
    bytes += queued.bytes;
    if (messages.length > 0 && (bytes > BATCH_BYTES || messages.length >= BATCH_MESSAGES)) break;
    messages.push(queued);
    queue.waiting.delete(key);
  }
  queue.urgent = queue.waiting.size > 0;
  queue.inFlight = { number: queue.nextBatch++, messages, failures: 0 };
  timers.delete("lazy");
  timers.set("alive", turn.nowMs + ALIVE_INTERVAL_MS);
  pushBatch(turn, queue.inFlight);
}

/**
 * The messages of the batch that is now answered; undefined for an answer that nobody waits for.
 */
export function takeAnswered(turn: RelayTurn, batch: number): readonly QueuedMessage[] | undefined {
  const { queue, timers } = turn.state;
  const answered = queue.inFlight;
  if (answered?.number !== batch) return undefined;
  queue.inFlight = undefined;
  timers.delete("retry");
  return answered.messages;
}

/**
 * The batch did not reach the master, or its answer did not reach us: it goes again after a while.
 *
 * When a message of it makes the master fail, halves of it are tried, so that one such message does
 * not hold up all agents of the relay for ever. The message that is found is returned, and
 * forgotten.
 */
export function batchFailed(
  turn: RelayTurn,
  { batch, cause }: { readonly batch: number; readonly cause: BatchFailure },
): QueuedMessage | undefined {
  const { queue, timers } = turn.state;
  const failed = queue.inFlight;
  if (failed?.number !== batch) return undefined;
  const firstMs = cause === "UNREACHED" ? RETRY_FIRST_MS : RETRY_OVERLOADED_MS;
  const delayMs = Math.min(firstMs * 2 ** failed.failures, RETRY_LAST_MS);
  failed.failures++;
  timers.set("retry", turn.nowMs + delayMs);
  if (cause !== "TURN_FAILED") return undefined;
  const half = Math.floor(failed.messages.length / 2);
  if (half === 0) {
    queue.inFlight = undefined;
    timers.delete("retry");
    return failed.messages[0];
  }
  const messages = failed.messages.slice(0, half);
  queue.inFlight = { number: queue.nextBatch++, messages, failures: failed.failures };
  putBack(queue, failed.messages.slice(half));
  return undefined;
}

/** Before everything that waits; what waits under the same key is newer and stays. */
function putBack(queue: MasterQueue, messages: readonly QueuedMessage[]): void {
  const newer = [...queue.waiting];
  queue.waiting.clear();
  for (const message of messages) queue.waiting.set(message.key, message);
  for (const [key, message] of newer) {
    queue.waiting.delete(key);
    queue.waiting.set(key, message);
  }
  queue.urgent = true;
}

export function retryBatch(turn: RelayTurn): void {
  const { inFlight } = turn.state.queue;
  if (inFlight !== undefined) pushBatch(turn, inFlight);
}

/** Whether a question of this kind (and of this key, where there is one) waits for its answer. */
export function isAsked(turn: RelayTurn, matches: (message: RelayMessage) => boolean): boolean {
  const { waiting, inFlight } = turn.state.queue;
  for (const { message } of waiting.values()) if (matches(message)) return true;
  return inFlight?.messages.some(({ message }) => matches(message)) ?? false;
}

function pushBatch(turn: RelayTurn, { number, messages }: Batch): void {
  turn.effects.push({
    type: "SEND_TO_MASTER",
    batch: number,
    messages: messages.map(({ message }) => message),
  });
}
