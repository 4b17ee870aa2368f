/**
 * Supervisors that are started before they are needed: starting one takes some milliseconds of the
 * agent and of the machine, telling one what to run takes none.
 *
 * 1. A spare that ends, is not as it should be, or was made while the machine looked different is
 * never used; whoever asks then makes a supervisor on the spot, which is the same but for the time.
 * 2. Spares are of one kind, the one that is asked for. 3. One is made at a time, and only when
 * nothing else is being started (`refill`). 4. They end with `close`, and by themselves with the
 * agent.
 */
import { randomUUID } from "node:crypto";
import { closeSync, openSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { FileError } from "../containerizer.ts";
import { isAlive } from "./ends.ts";
import type { HostTools } from "./host-tools.ts";
import { preparation } from "./instructions.ts";
import { isFollowed } from "./machine-mounts.ts";
import { readProcess } from "./process-table.ts";
import type { Records, StartedRecord } from "./records.ts";
import { type Supervisor, type SupervisorKind, startSupervisor } from "./supervisor.ts";

/** How many an agent keeps: tasks often come in pairs. */
export const SPARE_SUPERVISORS = 2;
/** So often in a row another kind has to be asked for before spares are made of that one. */
const OTHERS_MIN = 3;
/** Between a spare's unexpected end and the next one: something may be ending them all. */
const REPLACE_AFTER_MS = 1_000;
const STARTED_TRIES = 50;
const STARTED_PAUSE_MS = 2;

export interface Spare {
  readonly supervisor: Supervisor;
  /** Path of its records without suffix. */
  readonly record: string;
  /** Paths of the files that its output goes to. */
  readonly output: { readonly stdout: string; readonly stderr: string };
}

interface World {
  /** As in /proc/self/mountinfo. */
  readonly mounts: string;
  readonly hostname: string;
}

interface Waiting extends Spare {
  readonly key: string;
  /** How the machine looked when it was made. */
  readonly world: World;
  readonly started: StartedRecord;
}

export class Spares {
  readonly #records: Records;
  readonly #count: number;
  #waiting: Waiting[] = [];
  #wanted: SupervisorKind | undefined;
  #others = 0;
  #isMaking = false;
  #isClosed = false;

  /** `count`: how many wait at one time; 0: none, ever. */
  constructor(records: Records, count: number) {
    this.#records = records;
    this.#count = count;
  }

  take(kind: SupervisorKind): Spare | undefined {
    const key = keyOf(kind);
    const isWanted = this.#wanted !== undefined && keyOf(this.#wanted) === key;
    this.#others = isWanted ? 0 : this.#others + 1;
    if (this.#wanted === undefined || this.#others >= OTHERS_MIN) this.#wanted = kind;
    for (;;) {
      const at = this.#waiting.findIndex((waiting) => waiting.key === key);
      const [spare] = at < 0 ? [] : this.#waiting.splice(at, 1);
      if (spare === undefined) return undefined;
      if (isFit(spare, kind)) return spare;
      this.discard(spare);
    }
  }

  /** Makes what is missing. To be called when nothing else is being started. */
  refill(tools: HostTools): void {
    const kind = this.#wanted;
    if (kind === undefined || this.#isMaking || this.#isClosed) return;
    const key = keyOf(kind);
    for (const other of this.#waiting.filter((waiting) => waiting.key !== key)) this.#drop(other);
    if (this.#waiting.length >= this.#count) return;
    this.#isMaking = true;
    setImmediate(() => {
      void this.#make(kind, tools).then((isMade) => {
        this.#isMaking = false;
        // A machine that cannot make one is not asked again before the next launch.
        if (isMade) this.refill(tools);
      });
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const spare of [...this.#waiting]) this.#drop(spare);
  }

  async #make(kind: SupervisorKind, tools: HostTools): Promise<boolean> {
    const record = this.#records.spare(randomUUID());
    const world = worldOf(kind);
    if (world === undefined) return false;
    const steps = this.#stepsOf(kind, record);
    const output = { stdout: `${record}.stdout`, stderr: `${record}.stderr` };
    const made = steps.ok ? await start({ kind, tools, record, output }) : steps;
    if (!steps.ok || !made.ok) {
      this.#records.removeSpare(record);
      return false;
    }
    const supervisor = made.value;
    const isPrepared = await supervisor.prepare(steps.value);
    this.#records.removeMounts(record);
    const started = isPrepared ? await this.#startedOf(record) : undefined;
    const spare = { supervisor, record, output };
    if (started === undefined || this.#isClosed) {
      this.discard(spare);
      return false;
    }
    const waiting = { ...spare, key: keyOf(kind), world, started };
    this.#waiting.push(waiting);
    void supervisor.ended.then(() => this.#lost(waiting, tools));
    return true;
  }

  #stepsOf({ mounts }: SupervisorKind, record: string): Result<string, FileError> {
    if (mounts === undefined) return ok("");
    const file = this.#records.writeMounts(record, mounts.table);
    return file.ok ? ok(preparation(mounts.program, file.value)) : file;
  }

  /**
   * Its child may be sooner in saying that it is prepared. Undefined: it says nothing, or cannot be
   * read, as when the agent is out of descriptors.
   */
  async #startedOf(record: string): Promise<StartedRecord | undefined> {
    try {
      for (let tries = 0; tries < STARTED_TRIES; tries++) {
        const started = this.#records.spareStarted(record);
        if (started !== undefined) return started;
        await sleep(STARTED_PAUSE_MS);
      }
    } catch {
      // Containers are launched without it.
    }
    return undefined;
  }

  #lost(spare: Waiting, tools: HostTools): void {
    if (!this.#waiting.includes(spare)) return;
    this.#drop(spare);
    setTimeout(() => this.refill(tools), REPLACE_AFTER_MS).unref();
  }

  #drop(spare: Waiting): void {
    this.#waiting = this.#waiting.filter((other) => other !== spare);
    this.discard(spare);
  }

  /** One that was taken and is of no use. */
  discard({ supervisor, record }: Spare): void {
    supervisor.dismiss();
    // It writes how it ended before it does.
    void supervisor.ended.then(() => this.#records.removeSpare(record));
  }
}

async function start(spare: {
  readonly kind: SupervisorKind;
  readonly tools: HostTools;
  readonly record: string;
  readonly output: Spare["output"];
}): Promise<Result<Supervisor, unknown>> {
  const opened: number[] = [];
  try {
    for (const path of [spare.output.stdout, spare.output.stderr]) {
      opened.push(openSync(path, "ax", 0o644));
    }
    const [stdout = -1, stderr = -1] = opened;
    return await startSupervisor({ ...spare, streams: { stdout, stderr } });
  } catch (cause) {
    return err(cause);
  } finally {
    for (const file of opened) closeSync(file);
  }
}

function keyOf({ enter, hasInit, seesMachine, mounts }: SupervisorKind): string {
  return JSON.stringify([enter, hasInit, seesMachine, mounts?.program, mounts?.table]);
}

function isFit({ supervisor, started, world }: Waiting, kind: SupervisorKind): boolean {
  const now = worldOf(kind);
  if (supervisor.isGone || world.hostname !== now?.hostname) return false;
  if (!isFollowed(world.mounts, now.mounts)) return false;
  try {
    const child = started.commandPid === undefined ? undefined : readProcess(started.commandPid);
    return isAlive(started.supervisor) && child?.parentPid === supervisor.pid;
  } catch {
    return false;
  }
}

/**
 * What a spare with namespaces of its own has a copy of. Undefined: it cannot be read, as when the
 * agent is out of descriptors.
 */
function worldOf({ enter }: SupervisorKind): World | undefined {
  if (enter.length === 0) return { mounts: "", hostname: "" };
  try {
    return { mounts: readFileSync("/proc/self/mountinfo", "utf8"), hostname: hostname() };
  } catch {
    return undefined;
  }
}
