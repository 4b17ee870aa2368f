/**
 * Disk space that containers use, measured one after the other, every so often. du(1) measures a
 * sandbox: what is mounted into one lives in the container's mount namespace and so is not counted,
 * nor are volumes behind links. A file that was deleted and is still open counts for nobody.
 */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import type { ResourceStatistics } from "../../worker/protocol/v1/mesos.ts";
import type { ContainerId } from "./containerizer.ts";
import { findProgram } from "./supervisor/host-tools.ts";

/** Where nobody says; ms. */
export const DISK_WATCH_MS = 15_000;
/** A sandbox that takes longer is left out, so that it holds up no other one. */
const MEASURE_TIMEOUT_MS = 30_000;
const KILOBYTE = 1_024;
const MEGABYTE = 1_048_576;

export interface DiskUsage {
  readonly usedBytes: number | undefined;
  readonly limitBytes: number;
}

interface Watched {
  readonly sandboxDirectory: string;
  /** What it has changed of its image. */
  readonly changesDirectory?: string;
  limitBytes: number;
  usedBytes: number | undefined;
}

export interface DiskWatchOptions {
  /** Where `<id>.disk` remembers what is watched, for the next agent process. */
  readonly runtimeDirectory: string;
  readonly everyMs: number;
  /** Bytes that a container uses; undefined: that cannot be told now. */
  readonly measure: (id: ContainerId, sandboxDirectory: string) => Promise<number | undefined>;
  /** Told once for each container that is above its limit; undefined: nobody is. */
  readonly exceeded: ((id: ContainerId, usage: Required<DiskUsage>) => void) | undefined;
}

export class DiskWatch {
  readonly #options: DiskWatchOptions;
  readonly #watched = new Map<ContainerId, Watched>();
  #timer: NodeJS.Timeout | undefined;
  #isMeasuring = false;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
  }

  add(id: ContainerId, watched: Omit<Watched, "usedBytes">): void {
    writeFileSync(this.#pathOf(id), JSON.stringify(watched), { mode: 0o600 });
    this.#watch(id, { ...watched, usedBytes: undefined });
  }

  /** What an earlier agent process watched. */
  recover(id: ContainerId): void {
    try {
      // Written by `add`.
      const watched = JSON.parse(readFileSync(this.#pathOf(id), "utf8")) as Watched;
      this.#watch(id, { ...watched, usedBytes: undefined });
    } catch {
      // It had no limit, or the disk was full when it was to be written.
    }
  }

  setLimit(id: ContainerId, limitBytes: number): void {
    const watched = this.#watched.get(id);
    if (watched !== undefined) watched.limitBytes = limitBytes;
  }

  usage(id: ContainerId): DiskUsage | undefined {
    return this.#watched.get(id);
  }

  delete(id: ContainerId): void {
    this.#watched.delete(id);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #watch(id: ContainerId, watched: Watched): void {
    this.#watched.set(id, watched);
    this.#timer ??= setInterval(() => void this.#measureAll(), this.#options.everyMs).unref();
  }

  async #measureAll(): Promise<void> {
    if (this.#isMeasuring) return;
    this.#isMeasuring = true;
    for (const [id, watched] of [...this.#watched]) {
      const usedBytes = await this.#measure(id, watched);
      if (usedBytes === undefined || this.#watched.get(id) !== watched) continue;
      watched.usedBytes = usedBytes;
      const { limitBytes } = watched;
      if (usedBytes <= limitBytes || this.#options.exceeded === undefined) continue;
      this.delete(id);
      this.#options.exceeded(id, { usedBytes, limitBytes });
    }
    this.#isMeasuring = false;
  }

  async #measure(id: ContainerId, watched: Watched): Promise<number | undefined> {
    const { sandboxDirectory, changesDirectory } = watched;
    const used = await this.#options.measure(id, sandboxDirectory);
    if (changesDirectory === undefined) return used;
    const changed = await measureFolder(changesDirectory);
    return used === undefined || changed === undefined ? undefined : used + changed;
  }

  #pathOf(id: ContainerId): string {
    return `${this.#options.runtimeDirectory}/${id}.disk`;
  }
}

/** What is told of a container that has ended for it. */
export function diskMessage({ usedBytes, limitBytes }: Required<DiskUsage>): string {
  return `Disk limit exceeded: limit ${megabytes(limitBytes)}, used ${megabytes(usedBytes)}`;
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? "unknown" : `${Number((bytes / MEGABYTE).toFixed(1))} MB`;
}

/** As statistics have them. */
export function diskStatistics(usage: DiskUsage | undefined): Partial<ResourceStatistics> {
  if (usage === undefined) return {};
  const { limitBytes, usedBytes } = usage;
  return {
    disk_limit_bytes: BigInt(limitBytes),
    ...(usedBytes !== undefined && { disk_used_bytes: BigInt(usedBytes) }),
  };
}

/** Bytes on disk; undefined: it could not be measured. Files that vanish meanwhile do no harm. */
export function measureFolder(folder: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const child = spawn(findProgram("du") ?? "du", ["-s", "-x", "-k", "--", folder], {
      stdio: ["ignore", "pipe", "ignore"],
      env: { LC_ALL: "C" },
      timeout: MEASURE_TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
    child.on("error", () => resolve(undefined));
    child.on("close", () => {
      const kilobytes = /^(\d+)\s/.exec(printed)?.[1];
      resolve(kilobytes === undefined ? undefined : Number(kilobytes) * KILOBYTE);
    });
  });
}
