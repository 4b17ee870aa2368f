/**
 * Following a file of a running task: its output as it is written, through the master.
 *
 * There is no push: the file is asked for from where the last answer ended, soon again while it
 * grows and less and less often while it does not.
 */
import { pause } from "./back-off.ts";
import { SchedulerError } from "./error.ts";
import type { Operator } from "./operator.ts";
import { RotatedLog } from "./rotated-log.ts";

/** An answer of so many bytes may have been cut short. */
const FULL_BYTES = 32 * 1024;

export interface FollowOptions {
  readonly agentId: string;
  /** Where the agent shows it: see `outputPath`. */
  readonly path: string;
  readonly offset?: number;
  /** The shortest and the longest pause while nothing new is there. */
  readonly pollMs: { readonly initial: number; readonly max: number };
  /** So many ms may go by without any answer, after the writer's end, before this gives up. */
  readonly graceMs: number;
  /** Resolves when the writer has ended: then what is there is read to its end, and that is all. */
  readonly ended: Promise<void>;
  readonly signal: AbortSignal;
  /** Told when something was removed before it could be read: the agent keeps few older files. */
  readonly onGap?: () => void;
}

/** Where the output of a command task lies in the agent's view of its files. */
export function outputPath(
  frameworkId: string,
  executorId: string,
  stream: "stdout" | "stderr",
): string {
  return `/frameworks/${frameworkId}/executors/${executorId}/runs/latest/${stream}`;
}

/**
 * The file's bytes, in order and without gaps, from `offset` to the end that it has when its writer
 * has ended; also when the agent meanwhile makes room by moving what is there to `<path>.1`, `.2`
 * and so on. A file that is not there yet is waited for, and while the agent cannot be reached it
 * is tried again.
 * Throws the last `SchedulerError` when that does not change for `graceMs` after the writer's end,
 * or when asking again cannot help. Ends early, without an error, when `signal` aborts.
 */
export async function* followFile(
  operator: Operator,
  options: FollowOptions,
): AsyncGenerator<Uint8Array, void> {
  // One listener on the author's signal, however many pieces are asked for.
  const stop = new AbortController();
  const { signal } = stop;
  const abort = (): void => stop.abort();
  if (options.signal.aborted) abort();
  options.signal.addEventListener("abort", abort, { once: true });
  try {
    yield* pieces(operator, { ...options, signal });
  } finally {
    options.signal.removeEventListener("abort", abort);
  }
}

async function* pieces(
  operator: Operator,
  options: FollowOptions,
): AsyncGenerator<Uint8Array, void> {
  const { agentId, path, offset = 0, pollMs, signal, onGap = () => {} } = options;
  const writer = watchEnd(options.ended, signal);
  const log = new RotatedLog(operator, { agentId, path, offset, signal, onGap });
  let waitMs = pollMs.initial;
  let failedSinceMs: number | undefined;
  while (!signal.aborted) {
    // Looked at before reading: what was written before the end is then in the answer.
    const wasEnded = writer.ended;
    try {
      let most = 0;
      for await (const data of log.next(wasEnded)) {
        most = Math.max(most, data.length);
        yield data;
      }
      failedSinceMs = undefined;
      if (most > 0) waitMs = pollMs.initial;
      // A full piece has more behind it; less than that is all there was.
      if (most >= FULL_BYTES) continue;
      if (most === 0 && wasEnded && log.isAtEnd) return;
    } catch (error) {
      if (signal.aborted) return;
      if (!mayCome(error)) throw error;
      if (wasEnded) {
        failedSinceMs ??= Date.now();
        if (Date.now() - failedSinceMs >= options.graceMs) throw error;
      }
    }
    if (!writer.ended) await pause(waitMs, writer.signal);
    else if (failedSinceMs !== undefined) await pause(waitMs, signal);
    waitMs = Math.min(waitMs * 1.5, pollMs.max);
  }
}

/** A task's end as something that a pause can be cut short with. */
function watchEnd(
  ended: Promise<void>,
  signal: AbortSignal,
): { readonly ended: boolean; readonly signal: AbortSignal } {
  const controller = new AbortController();
  let isEnded = false;
  const end = (): void => {
    isEnded = true;
    controller.abort();
  };
  ended.then(end, end);
  signal.addEventListener("abort", () => controller.abort(), { once: true });
  return {
    get ended() {
      return isEnded;
    },
    signal: controller.signal,
  };
}

/** Not there yet, or not to be reached now. */
function mayCome(error: unknown): boolean {
  return SchedulerError.is(error) && (error.retryable || error.code === "NOT_FOUND");
}
