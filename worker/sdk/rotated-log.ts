/**
 * A log that its agent keeps within bounds, read as if it were one file: what is in it moves to
 * `<path>.1` now and then, what was there to `<path>.2`, and the oldest is removed.
 *
 * Where we are is known by what we read last: the bytes before our offset are asked for again, and
 * if they differ, or are not there, the file is another one by now. Then the files that were not
 * there before are read, the oldest first: that one is ours, further on. (A log whose lines are all
 * the same has no place that could be told from another one.)
 */
import { pause } from "./back-off.ts";
import { SchedulerError } from "./error.ts";
import type { Operator } from "./operator.ts";

/** One answer of READ_FILE is never longer. */
const PIECE_BYTES = 64 * 1024;
/** As much is compared: a few lines. */
const TAIL_BYTES = 256;
/** A file that was just moved may still get its last bytes. */
const SETTLE_MS = 50;

export interface RotatedLogOptions {
  readonly agentId: string;
  readonly path: string;
  readonly offset: number;
  readonly signal: AbortSignal;
  /** Something was removed before it could be read. */
  readonly onGap: () => void;
}

export class RotatedLog {
  readonly #operator: Operator;
  readonly #options: RotatedLogOptions;
  /** Of the newest file. */
  #offset: number;
  /** The bytes before `#offset`, as far as they are known. */
  #tail: Uint8Array = new Uint8Array();
  /** Files with a number that were read or are older than what is wanted; undefined: not asked. */
  #known: ReadonlySet<string> | undefined;
  #isAtEnd = false;

  constructor(operator: Operator, options: RotatedLogOptions) {
    this.#operator = operator;
    this.#options = options;
    this.#offset = options.offset;
  }

  /** There was nothing more to read, as of the last look. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /**
   * What is new, in pieces; no more than one of the newest file. `hasEnded`: nobody writes any
   * more. Throws a `SchedulerError`, after which it may be called again.
   */
  async *next(hasEnded: boolean): AsyncGenerator<Uint8Array, void> {
    this.#isAtEnd = false;
    this.#known ??= new Set(await this.#older());
    const live = await this.#read(0, this.#offset, this.#tail);
    if (live === undefined) return yield* this.#moved();
    // Where nothing can be compared, the list says whether it is still the same file.
    const isSure = this.#tail.length > 0 || (live.length === 0 && !hasEnded);
    if (!isSure && (await this.#hasFresh())) return yield* this.#moved();
    this.#isAtEnd = live.length === 0;
    this.#advance(live);
    if (live.length > 0) yield live;
  }

  /** What has moved since, to its end; then the newest file begins. */
  async *#moved(): AsyncGenerator<Uint8Array, void> {
    const { onGap, signal } = this.#options;
    let isFirst = true;
    for (;;) {
      await pause(SETTLE_MS, signal);
      const older = await this.#older();
      const fresh = older.filter((id) => this.#known?.has(id) !== true);
      const id = fresh.at(-1);
      if (id === undefined) {
        // It was cut without being kept.
        if (isFirst) onGap();
        this.#known = new Set(older);
        break;
      }
      if (isFirst && !(await this.#continues(id))) {
        if (this.#offset > 0) onGap();
        this.#restart();
      }
      isFirst = false;
      yield* this.#rest(id);
      this.#known = new Set([...(this.#known ?? []), id]);
      this.#restart();
    }
    this.#restart();
  }

  /** Whether our place is in this file. */
  async #continues(id: string): Promise<boolean> {
    const number = (await this.#older()).indexOf(id) + 1;
    return number > 0 && (await this.#read(number, this.#offset, this.#tail)) !== undefined;
  }

  /** A file with a number, from our place in it to its end. */
  async *#rest(id: string): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const number = (await this.#older()).indexOf(id) + 1;
      if (number === 0) return this.#options.onGap();
      const data = await this.#read(number, this.#offset, this.#tail);
      // It has moved on in between.
      if (data === undefined) continue;
      if (data.length === 0) return;
      // Of one that nothing is known of yet: it may have moved on before it was read.
      if (this.#tail.length === 0 && (await this.#older())[number - 1] !== id) continue;
      this.#advance(data);
      yield data;
    }
  }

  #advance(data: Uint8Array): void {
    this.#offset += data.length;
    const all = new Uint8Array(this.#tail.length + data.length);
    all.set(this.#tail);
    all.set(data, this.#tail.length);
    this.#tail = all.slice(-TAIL_BYTES);
  }

  #restart(): void {
    this.#offset = 0;
    this.#tail = new Uint8Array();
  }

  /** From `offset` on. Undefined: what is before it is not `tail`. `number` 0: the newest. */
  async #read(number: number, offset: number, tail: Uint8Array): Promise<Uint8Array | undefined> {
    const { agentId, path, signal } = this.#options;
    const from = offset - tail.length;
    const file = { path: number === 0 ? path : `${path}.${number}`, offset: from };
    const read = { ...file, length: PIECE_BYTES };
    const { data, size } = await this.#operator.readFile(agentId, read, { signal });
    if (size < offset) return undefined;
    return tail.every((byte, at) => data[at] === byte) ? data.subarray(tail.length) : undefined;
  }

  async #hasFresh(): Promise<boolean> {
    return (await this.#older()).some((id) => this.#known?.has(id) !== true);
  }

  /** The files with a number, the newest first: what tells each from the others. */
  async #older(): Promise<readonly string[]> {
    const { agentId, path, signal } = this.#options;
    const folder = path.slice(0, path.lastIndexOf("/"));
    const call = { type: "LIST_FILES", list_files: { path: folder } } as const;
    const answer = await this.#operator.askAgent(agentId, call, { signal }).catch(noFolder);
    const files = new Map(answer?.list_files?.file_infos?.map((file) => [file.path, file]));
    const ids: string[] = [];
    for (let number = 1; ; number++) {
      const file = files.get(`${path}.${number}`);
      if (file === undefined) return ids;
      ids.push(`${file.mtime?.nanoseconds ?? 0n} ${file.size ?? 0n}`);
    }
  }
}

/** A task that has not begun yet. */
function noFolder(error: unknown): undefined {
  if (SchedulerError.is(error) && error.code === "NOT_FOUND") return undefined;
  throw error;
}
