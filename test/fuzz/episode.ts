/** One cluster and the requests it gets. */

import { nextDueMs } from "../../worker/core/master.ts";
import { createApp } from "../../worker/http/app.ts";
import { FuzzCluster, textOf } from "./cluster.ts";
import type { Dice } from "./dice.ts";
import { honestCall } from "./honest.ts";
import { knowledgeOf } from "./knowledge.ts";
import { MessageMaker } from "./make-message.ts";
import { FRONT_DOOR_KEY, RequestMaker } from "./make-request.ts";
import { type FuzzRequest, platformRequest } from "./request.ts";

export interface Failure {
  readonly fact: string;
  /** Up to the one that failed. */
  readonly requests: readonly FuzzRequest[];
}

interface Answered {
  readonly status: number;
  readonly path: string;
}

/** Turns of the event loop after which an answer that is not there waits for something. */
const TICKS = 30;
/** A single request may not take longer, ms: nobody else is served meanwhile. */
const SLOW_MS = 5_000;
/** Of the virtual clock between two requests: what is held is answered after some hundred. */
const PACE_MS = 100;
const ADVANCE_MS = [10, 1_000, 1_000, 6_000, 6_000, 6_000, 30_000, 80_000] as const;

/** Tables that a refused call may touch: they only say when somebody was heard. */
const HEARD: ReadonlySet<string> = new Set(["relayWatch"]);

export class Episode {
  readonly statuses = new Map<number, number>();
  readonly #dice: Dice | undefined;
  readonly #cluster = new FuzzCluster();
  readonly #app = createApp(this.#cluster, { frontDoorKey: FRONT_DOOR_KEY });
  readonly #routes: readonly string[];
  readonly #logged: string[] = [];
  readonly #requests: FuzzRequest[] = [];
  readonly #readers = new Set<ReadableStreamDefaultReader<Uint8Array>>();
  #waiting = 0;
  slowestMs = 0;
  /** Of all answers in their order: equal for equal runs. */
  digest = 0x811c9dc5;

  /** `dice`: undefined for an episode that only repeats. */
  constructor(dice?: Dice) {
    this.#dice = dice;
    const paths = this.#app.routes.map(({ path }) => path);
    this.#routes = [...new Set(paths)].filter((path) => path !== "/*" && path !== "*");
  }

  get turns(): number {
    return this.#cluster.turns;
  }

  /** So many random requests. */
  async run(count: number): Promise<Failure | undefined> {
    for (let at = 0; at < count; at++) {
      const fact = await this.#send(this.#make(at));
      if (fact !== undefined) return { fact, requests: this.#requests };
    }
    return await this.#end();
  }

  /** These requests and no others. */
  async repeat(requests: readonly FuzzRequest[]): Promise<Failure | undefined> {
    for (const request of requests) {
      const fact = await this.#send(request);
      if (fact !== undefined) return { fact, requests: this.#requests };
    }
    return await this.#end();
  }

  /** Whoever still waits gets an answer, and what is stored is what is there. */
  async #end(): Promise<Failure | undefined> {
    for (let times = 0; times < 3; times++) {
      this.#cluster.advance(40_000);
      await ticks(TICKS);
    }
    this.#cluster.checkDisk();
    for (const reader of this.#readers) await reader.cancel();
    if (this.#waiting > 0) this.#cluster.broken ??= `${this.#waiting} requests are never answered`;
    const fact = this.#cluster.broken;
    return fact === undefined ? undefined : { fact, requests: this.#requests };
  }

  #make(at: number): FuzzRequest {
    const dice = this.#dice;
    if (dice === undefined) throw new Error("an episode that repeats makes no requests");
    const { state } = this.#cluster;
    const knowledge = knowledgeOf(state);
    const maker = new RequestMaker(dice, knowledge, this.#routes);
    const world = { dice, state, number: at + 1, maker: new MessageMaker(dice, knowledge) };
    const honest = dice.chance(0.5) ? honestCall(world) : undefined;
    const said =
      honest === undefined ? maker.any() : maker.encoded(honest, { isMutated: dice.chance(0.3) });
    const advanceMs = dice.chance(0.03) ? dice.pick(ADVANCE_MS) : 0;
    return { ...said, advanceMs, seed: dice.below(2 ** 31) };
  }

  /** What must not have happened. */
  async #send(sent: FuzzRequest): Promise<string | undefined> {
    const cluster = this.#cluster;
    const request = platformRequest(sent);
    if (request === undefined) return undefined;
    this.#requests.push(sent);
    cluster.seed = sent.seed;
    cluster.advance(Math.max(sent.advanceMs, PACE_MS));
    await this.#forgetReader(sent.seed);
    cluster.changes = [];
    const startMs = performance.now();
    const answered = this.#logging(() => this.#answer(request));
    const outcome = await Promise.race([answered, ticks(TICKS)]);
    const tookMs = performance.now() - startMs;
    this.slowestMs = Math.max(this.slowestMs, tookMs);
    if (tookMs > SLOW_MS) cluster.broken ??= `it took ${Math.round(tookMs)} ms`;
    if (outcome === undefined) this.#wait(answered);
    else this.#judge(outcome, { isLate: false });
    return cluster.broken;
  }

  async #answer(request: Request): Promise<Answered> {
    const { pathname: path } = new URL(request.url);
    try {
      const response = await this.#app.fetch(request);
      const { status, body } = response;
      const isJson = response.headers.get("Content-Type") === "application/json";
      // Agents read our own JSON, in which infinities are bare, as Mesos writes them.
      const mustParse = isJson && !path.includes("/agent-link/");
      if (body !== null) await this.#read(body, { mustParse });
      return { status, path };
    } catch (thrown) {
      this.#cluster.broken ??= `the edge threw: ${textOf(thrown)}`;
      return { status: 0, path };
    }
  }

  /** To its end, or until nothing more comes for now: an event stream stays open. */
  async #read(
    body: ReadableStream<Uint8Array>,
    { mustParse }: { readonly mustParse: boolean },
  ): Promise<void> {
    const reader = body.getReader();
    const pieces: Uint8Array[] = [];
    for (;;) {
      const next = reader.read();
      const piece = await Promise.race([next, ticks(5)]);
      if (piece === undefined) {
        this.#readers.add(reader);
        void this.#drain(reader, next);
        return;
      }
      if (piece.done) break;
      pieces.push(piece.value);
    }
    if (!mustParse) return;
    const text = Buffer.concat(pieces).toString();
    if (text !== "" && !/^\d+\n/.test(text)) JSON.parse(text);
  }

  async #drain(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    first: Promise<{ done: boolean }>,
  ): Promise<void> {
    try {
      for (let piece = await first; !piece.done; piece = await reader.read());
    } catch {
      // The stream was cut.
    }
    this.#readers.delete(reader);
  }

  /** Some clients go away in the middle. */
  async #forgetReader(seed: number): Promise<void> {
    if (seed % 150 !== 0) return;
    const [reader] = this.#readers;
    if (reader === undefined) return;
    this.#readers.delete(reader);
    await reader.cancel();
    this.#cluster.settle();
  }

  #wait(answered: Promise<Answered>): void {
    this.#waiting++;
    void answered.then((outcome) => {
      this.#waiting--;
      // Others' calls came meanwhile, so changes say nothing about this one.
      this.#judge(outcome, { isLate: true });
    });
  }

  #judge({ status, path }: Answered, { isLate }: { readonly isLate: boolean }): void {
    this.digest = Math.imul(this.digest ^ status, 0x01000193) ^ this.#cluster.turns;
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    const cluster = this.#cluster;
    const isAgentCall = /^(?:\/master)?\/agent\//.test(path);
    const mayBe =
      status < 500 || status === 501 || status === 503 || (status === 504 && isAgentCall);
    if (!mayBe) cluster.broken ??= `status ${status}\n${this.#logged.join("\n")}`;
    const change = cluster.changes.find(({ table }) => !HEARD.has(table));
    if (status >= 400 && !isLate && change !== undefined) {
      cluster.broken ??= `status ${status}, and yet ${change.table} ${change.key} changed`;
    }
    const dueMs = nextDueMs(cluster.state);
    if (dueMs !== undefined && Number.isNaN(dueMs)) cluster.broken ??= "something is due at NaN";
    this.#logged.length = 0;
  }

  /** The edge logs what it meets; that belongs to the failure. */
  async #logging<T>(use: () => Promise<T>): Promise<T> {
    const { error } = console;
    console.error = (...words: unknown[]) => this.#logged.push(words.map(String).join(" "));
    try {
      return await use();
    } finally {
      console.error = error;
    }
  }
}

async function ticks(count: number): Promise<undefined> {
  for (let at = 0; at < count; at++) await new Promise((resolve) => setImmediate(resolve));
}
