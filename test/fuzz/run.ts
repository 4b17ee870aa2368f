/**
 * Runs random requests against clusters in memory and says what must not happen: a 5xx other than
 * "not served" and "try again", a turn or a codec that throws, a refused call that changed
 * something, a broken rule, an answer that never comes, or memory that grows.
 *
 * The same seed gives the same requests and the same answers. Every cluster lives for an episode,
 * so that a failing one can be repeated with fewer requests.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { prng } from "../../worker/std/prng.ts";
import { Dice } from "./dice.ts";
import { Episode } from "./episode.ts";
import { requestText } from "./request.ts";
import { shrink } from "./shrink.ts";

const REQUESTS_PER_EPISODE = 1_000;

/** What is left over after so many requests of all kinds is noise of the engine. */
const HEAP_GROWTH_MOST = 16 * 1024 * 1024;

export interface Fuzzed {
  readonly requests: number;
  /** How often each status was answered, ascending. */
  readonly statuses: ReadonlyMap<number, number>;
  readonly turns: number;
  readonly slowestMs: number;
  /** Of all answers in their order: equal for equal runs. */
  readonly digest: number;
  /** Heap after a collection, bytes: after a quarter of the requests, and at the end. */
  readonly heap: readonly [quarter: number, end: number];
  /** A text that says what happened and with which requests; undefined: nothing did. */
  readonly failure?: string;
}

export async function fuzz(options: {
  readonly seed: number;
  readonly count: number;
  readonly onProgress?: (requests: number) => void;
}): Promise<Fuzzed> {
  const { seed, count } = options;
  const statuses = new Map<number, number>();
  let [turns, slowestMs, digest, quarter, end] = [0, 0, 0, 0, 0];
  const result = (requests: number, failure?: string): Fuzzed => ({
    requests,
    statuses: new Map([...statuses].sort(([a], [b]) => a - b)),
    turns,
    slowestMs,
    digest,
    heap: [quarter, end],
    ...(failure !== undefined && { failure }),
  });
  for (let done = 0; done < count; done += REQUESTS_PER_EPISODE) {
    const number = done / REQUESTS_PER_EPISODE;
    const episode = new Episode(new Dice(prng(Math.imul(seed, 0x85ebca6b) ^ (number * 7_919))));
    const requests = Math.min(REQUESTS_PER_EPISODE, count - done);
    const failure = await episode.run(requests);
    for (const [status, times] of episode.statuses) {
      statuses.set(status, (statuses.get(status) ?? 0) + times);
    }
    turns += episode.turns;
    digest ^= episode.digest;
    slowestMs = Math.max(slowestMs, episode.slowestMs);
    if (failure !== undefined) {
      const smallest = await shrink(failure);
      const text = smallest.requests.map(requestText).join("\n\n");
      return result(
        done + failure.requests.length,
        `seed ${seed}, request ${done + failure.requests.length}: ${smallest.fact}\n\n` +
          `It takes ${smallest.requests.length} of ${failure.requests.length} requests:\n\n${text}\n`,
      );
    }
    end = await heapAfterCollection();
    if (quarter === 0 && done + requests >= count / 4) quarter = end;
    options.onProgress?.(done + requests);
  }
  const grown = end - quarter;
  if (grown <= HEAP_GROWTH_MOST) return result(count);
  return result(
    count,
    `seed ${seed}: the heap grew by ${grown} bytes over the last three quarters`,
  );
}

async function heapAfterCollection(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  await new Promise((resolve) => setImmediate(resolve));
  if (typeof collect === "function") collect();
  return process.memoryUsage().heapUsed;
}
