/**
 * Brings a container's output from the Engine's log into its sandbox, each entry once, across lost
 * connections, restarts of the daemon and deaths of the agent.
 *
 * 1. What is in the files is a prefix of the log. 2. The position on disk is at or before their
 * end; how far the files go beyond it is seen by their sizes, and that much is skipped. 3. The next
 * entry is found by the one before it, not by its time: clocks jump.
 */
import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerId } from "../containerizer.ts";
import { errnoOf } from "../supervisor/file-error.ts";
import { type Engine, query } from "./engine.ts";
import { type Entry, entryOf, type Frame, framesOf, secondsOf } from "./frames.ts";
import type { DockerRecords, LogPosition } from "./records.ts";

/** Entries of the two streams may be this far out of order. */
const DISORDER_SECONDS = 2;
/** How long after the last entry the position is written; sizes cover what is lost of it. */
const POSITION_DELAY_MS = 250;
const RETRY_MS = 1_000;
const REFUSED_PAUSE_MS = 60_000;
/** How long a container that has ended waits for room on a full disk. */
const ENDED_PATIENCE_MS = 5_000;
/** How often the last look is tried, when the Engine goes away just then. */
const LAST_READ_TRIES = 10;
/** How long the Engine may take to end the stream of a container that has ended. */
const STREAM_END_MS = 1_000;

/** A log with so much that is later than its place, and not the place, has lost that. */
const HELD_BYTES_MAX = 1_048_576;

const STREAMS = ["stdout", "stderr"] as const;
type Stream = (typeof STREAMS)[number];

export interface LogPumpOptions {
  readonly engine: Engine;
  readonly records: DockerRecords;
  readonly containerId: ContainerId;
  readonly dockerId: string;
  readonly sandboxDirectory: string;
  readonly log: (line: string) => void;
  /** Called whenever the Engine's stream has ended: the container may have. */
  readonly streamEnded: () => void;
}

export class LogPump {
  readonly #options: LogPumpOptions;
  readonly #files: { readonly [S in Stream]: number | undefined };
  #position: LogPosition;
  /** Bytes that are in the files already, after the position. */
  readonly #surplus: { [S in Stream]: number };
  /** The time of each stream's latest entry, and how many it has of that time. */
  readonly #latest: { [S in Stream]: { readonly time: string; readonly count: number } };
  readonly #stop = new AbortController();
  /** Ends the stream that is being followed. */
  #following = new AbortController();
  #hasEnded = false;
  #endedMs = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #done: Promise<void>;

  constructor(options: LogPumpOptions) {
    this.#options = options;
    const { records, containerId } = options;
    this.#files = { stdout: this.#open("stdout"), stderr: this.#open("stderr") };
    const sizes = { stdout: sizeOf(this.#files.stdout), stderr: sizeOf(this.#files.stderr) };
    const start: LogPosition = { time: "", stream: "stdout", nth: 0, sizes };
    this.#position = records.position(containerId) ?? start;
    const { time, nth, stream } = this.#position;
    this.#latest = { stdout: { time: "", count: 0 }, stderr: { time: "", count: 0 } };
    this.#latest[stream] = { time, count: nth };
    const surplus = (stream: Stream): number =>
      Math.max(sizes[stream] - this.#position.sizes[stream], 0);
    this.#surplus = { stdout: surplus("stdout"), stderr: surplus("stderr") };
    this.#done = this.#run();
  }

  /** The container has ended: resolves when all of its output is in the sandbox. */
  async finish(): Promise<void> {
    if (!this.#hasEnded) {
      this.#hasEnded = true;
      this.#endedMs = performance.now();
      // A stream that outlives its container by this much is stuck; the last look reads the rest.
      const following = this.#following;
      setTimeout(() => following.abort(), STREAM_END_MS).unref();
    }
    await this.#done;
  }

  /** Stops where it is; a later pump goes on from there. */
  close(): void {
    this.#stop.abort();
    this.#following.abort();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#hasEnded && !this.#stop.signal.aborted) {
        this.#following = new AbortController();
        // A log that is followed never says where its past ends, which a place that it has lost is
        // only known by.
        const isThere = this.#position.time === "" || (await this.#read({ follow: false }));
        const isWhole = isThere && (await this.#read({ follow: true }));
        this.#options.streamEnded();
        if (!this.#hasEnded) await this.#pause(isWhole ? 50 : RETRY_MS);
      }
      // What the stream did not tell of the end.
      this.#following = new AbortController();
      for (let tries = 0; tries < LAST_READ_TRIES && !this.#stop.signal.aborted; tries++) {
        if (await this.#read({ follow: false })) break;
        await this.#pause(RETRY_MS);
      }
    } finally {
      clearTimeout(this.#timer);
      this.#keepPosition();
      for (const stream of STREAMS) {
        const file = this.#files[stream];
        if (file !== undefined) closeSync(file);
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    const signal = this.#following.signal;
    await sleep(ms, undefined, { ref: false, signal }).catch(() => {});
  }

  /** From the position on. Whether it came to its end. */
  async #read({ follow }: { readonly follow: boolean }): Promise<boolean> {
    const { engine, dockerId, containerId, log } = this.#options;
    const { time } = this.#position;
    const members = {
      ...{ stdout: "1", stderr: "1", timestamps: "1", follow: follow ? "1" : "0" },
      ...(this.#isClockBehind() || time === ""
        ? {}
        : { since: String(secondsOf(time) - DISORDER_SECONDS) }),
    };
    const answer = await engine.stream({
      method: "GET",
      path: `/containers/${dockerId}/logs${query(members)}`,
      operation: "read the container's output",
      signal: this.#following.signal,
    });
    if (!answer.ok) {
      if (answer.error.code !== "DOCKER_REFUSED") return false;
      if (follow) {
        log(`container ${containerId}: no output: ${answer.error.message}`);
        // A driver that cannot be read from will not learn it: only the end is waited for.
        await this.#pause(REFUSED_PAUSE_MS);
      }
      return true;
    }
    answer.value.socket.unref();
    const seek = new Seek(this.#position);
    try {
      for await (const frames of framesOf(answer.value)) await this.#take(seek, frames);
      await this.#write(seek.rest());
      return true;
    } catch {
      // The connection is lost, or was ended: the next look goes on from the position.
      return false;
    }
  }

  /** Then the Engine's `since` would leave out what was written after the clock was set back. */
  #isClockBehind(): boolean {
    const { time } = this.#position;
    return time !== "" && secondsOf(time) > Date.now() / 1_000 + DISORDER_SECONDS;
  }

  async #take(seek: Seek, frames: readonly Frame[]): Promise<void> {
    const entries = frames.flatMap((frame) => entryOf(frame) ?? []);
    await this.#write(entries.flatMap((entry) => seek.pass(entry)));
  }

  async #write(entries: readonly Entry[]): Promise<void> {
    const last = entries.at(-1);
    if (last === undefined) return;
    for (const stream of STREAMS) {
      const data = Buffer.concat(
        entries.flatMap((entry) => (entry.stream === stream ? [entry.data] : [])),
      );
      const skipped = Math.min(this.#surplus[stream], data.length);
      this.#surplus[stream] -= skipped;
      await this.#append(stream, data.subarray(skipped));
    }
    for (const entry of entries) {
      const { time, count } = this.#latest[entry.stream];
      this.#latest[entry.stream] = { time: entry.time, count: time === entry.time ? count + 1 : 1 };
    }
    const { stream, time } = last;
    const nth = this.#latest[stream].count;
    // As they are, not as they have grown: logs are cut when they are too long.
    const size = (of: Stream): number => sizeOf(this.#files[of]) - this.#surplus[of];
    const sizes = { stdout: size("stdout"), stderr: size("stderr") };
    this.#position = { time, stream, nth, sizes };
    this.#timer ??= setTimeout(() => this.#keepPosition(), POSITION_DELAY_MS).unref();
  }

  /** Waits for room on a full disk: the Engine keeps what is not read. */
  async #append(stream: Stream, data: Buffer): Promise<void> {
    const file = this.#files[stream];
    if (file === undefined) return;
    for (let at = 0; at < data.length; ) {
      try {
        at += writeSync(file, data, at);
      } catch (cause) {
        const isLate = performance.now() - this.#endedMs > ENDED_PATIENCE_MS;
        if (this.#stop.signal.aborted || (this.#hasEnded && isLate)) {
          const { containerId, log } = this.#options;
          log(
            `container ${containerId}: ${data.length - at} bytes of ${stream} are lost: ${errnoOf(cause)}`,
          );
          return;
        }
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  #keepPosition(): void {
    this.#timer = undefined;
    const { records, containerId } = this.#options;
    // On a full disk it cannot be written: the files' sizes say how far they go.
    records.writePosition(containerId, this.#position);
  }

  /** Not what a task may have put in its place: a link, or a pipe that blocks who opens it. */
  #open(stream: Stream): number | undefined {
    const { sandboxDirectory, containerId, log } = this.#options;
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
    const path = join(sandboxDirectory, stream);
    try {
      const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
      const file = openSync(path, flags, 0o644);
      if (fstatSync(file).isFile()) return file;
      closeSync(file);
      log(`container ${containerId}: its output is lost: ${path} is no file`);
    } catch (cause) {
      log(`container ${containerId}: its output is lost: ${path}: ${errnoOf(cause)}`);
    }
    return undefined;
  }
}

/** Finds where to go on in a log that is read again from somewhat before the position. */
class Seek {
  readonly #position: LogPosition;
  #isFound: boolean;
  #seen = 0;
  /** Later than the position: passed on if the log does not have the position any more. */
  #held: Entry[] = [];
  #heldBytes = 0;

  constructor(position: LogPosition) {
    this.#position = position;
    this.#isFound = position.time === "";
  }

  /** What of the log may be passed on now that `entry` is seen. */
  pass(entry: Entry): readonly Entry[] {
    if (this.#isFound) return [entry];
    const { time, stream, nth } = this.#position;
    if (entry.time === time && entry.stream === stream) {
      this.#seen += 1;
      if (this.#seen < nth) return [];
      this.#isFound = true;
      this.#held = [];
      return [];
    }
    if (entry.time <= time) return [];
    this.#held.push(entry);
    this.#heldBytes += entry.data.length;
    return this.#heldBytes > HELD_BYTES_MAX ? this.rest() : [];
  }

  /** The log has ended without the position, or holds too much that may come before it. */
  rest(): readonly Entry[] {
    this.#isFound = true;
    return this.#held.splice(0);
  }
}

function sizeOf(file: number | undefined): number {
  return file === undefined ? 0 : fstatSync(file).size;
}
