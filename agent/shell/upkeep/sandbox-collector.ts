/**
 * Removes sandboxes: those whose executor ended longer ago than an age that shrinks as the disk
 * fills (http-semantics 17.4), the oldest first.
 *
 * 1. A sandbox in which anything lives, or that has something mounted in it, stays. 2. It is moved
 * out of every task's reach before anything of it is removed, and `rm` never follows a link: a
 * task that plays with its old folders leads nowhere. 3. Nothing here is written down: what an
 * earlier process left is found by looking (`scan`), and half a removal is finished by the next.
 */
import { randomUUID } from "node:crypto";
import { readlinkSync, renameSync, rmdirSync, unlinkSync } from "node:fs";
import { lstat, mkdir, readdir, readFile, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Change } from "../../../worker/std/table.ts";
import type { ContainerId } from "../../containerizer/containerizer.ts";
import { executorContainer } from "../../core/completed.ts";
import type { CompletedRunRow } from "../../core/rows.ts";
import type { AgentState } from "../../core/state.ts";
import { errnoOf } from "../errno.ts";
import type { Log } from "../log.ts";
import { sandboxPath } from "../sandbox.ts";
import { removeTree } from "./remove-tree.ts";

export interface SandboxCollectorOptions {
  readonly workDirectory: string;
  /** The agent's own folder, which no task can reach. */
  readonly metaDirectory: string;
  /** Only read here. */
  readonly state: AgentState;
  /** How long a sandbox stays at most after its end, ms. */
  readonly delayMs: number;
  /** Share of the disk, 0 to 1, that is to stay free: at that point nothing that ended stays. */
  readonly headroom: number;
  readonly log: Log;
  readonly nowMs: () => number;
  /** Share of the disk that is used, 0 to 1; for tests. */
  readonly diskUsage?: () => Promise<number>;
}

interface Ended {
  readonly path: string;
  readonly endedMs: number;
}

export class SandboxCollector {
  readonly #options: SandboxCollectorOptions;
  readonly #ended = new Map<ContainerId, Ended>();
  readonly #trash: string;
  #running: Promise<void> | undefined;
  succeeded = 0;
  failed = 0;
  /** How old a sandbox may become, as of the last look at the disk: ms. */
  ageAllowedMs: number;

  constructor(options: SandboxCollectorOptions) {
    this.#options = options;
    this.ageAllowedMs = options.delayMs;
    this.#trash = join(options.metaDirectory, "trash");
  }

  /** Sandboxes that wait for their time. */
  get pending(): number {
    return this.#ended.size;
  }

  /** Finds the sandboxes that earlier processes left, and finishes what they were removing. */
  async scan(): Promise<void> {
    const { workDirectory, state } = this.#options;
    const endings = new Map([...state.completedRun.values()].map((row) => endingOf(row)));
    let folders = [join(workDirectory, "slaves")];
    for (const level of ["*", "frameworks", "*", "executors", "*", "runs", "*"]) {
      const deeper = await Promise.all(
        folders.map(async (folder) => {
          if (level !== "*") return [join(folder, level)];
          return (await foldersIn(folder)).map((name) => join(folder, name));
        }),
      );
      folders = deeper.flat();
    }
    for (const path of folders) {
      // The folder's name is the container's id: the agent gave it.
      const containerId = path.slice(path.lastIndexOf("/") + 1) as ContainerId;
      const endedMs = endings.get(containerId) ?? (await changedMs(path));
      if (endedMs !== undefined && !this.#ended.has(containerId)) {
        this.#ended.set(containerId, { path, endedMs });
      }
    }
    for (const name of await namesIn(this.#trash)) await this.#empty(join(this.#trash, name));
  }

  /** Told of all Changes, once they are committed. */
  follow(changes: readonly Change[]): void {
    for (const { table, after } of changes) {
      if (table !== "completedRun" || after === undefined) continue;
      // The row of a table is one of that table's rows.
      const row = after as CompletedRunRow;
      const [containerId, endedMs] = endingOf(row);
      const { agentId, frameworkId, executorId } = row;
      const place = { agentId, frameworkId, executorId, containerId };
      const path = sandboxPath(this.#options.workDirectory, place);
      this.#ended.set(containerId, { path, endedMs });
    }
  }

  /** Removes what is old enough by now. One call at a time does it; others wait for that one. */
  async collect(): Promise<void> {
    this.#running ??= this.#collect().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  async #lookAtDisk(): Promise<void> {
    const { delayMs, headroom } = this.#options;
    this.ageAllowedMs = delayMs * Math.max(0, 1 - headroom - (await this.#usage()));
  }

  async #collect(): Promise<void> {
    await this.#lookAtDisk();
    const oldestFirst = [...this.#ended].sort(([, a], [, b]) => a.endedMs - b.endedMs);
    for (const [containerId, { path, endedMs }] of oldestFirst) {
      if (this.#options.nowMs() - endedMs < this.ageAllowedMs) return;
      if (this.#isLive(containerId)) continue;
      this.#ended.delete(containerId);
      const removed = await this.#remove(path);
      if (removed === undefined) this.succeeded++;
      else {
        this.failed++;
        this.#options.log(`cannot remove the sandbox ${path}: ${removed}`);
      }
      // Every removal makes room, so the next one may stay.
      await this.#lookAtDisk();
    }
  }

  /** The error is a clause; undefined = it is gone. */
  async #remove(path: string): Promise<string | undefined> {
    const mounts = parseMountPoints(await readFile("/proc/self/mountinfo", "utf8"));
    const inside = mounts.find((mount) => mount === path || mount.startsWith(`${path}/`));
    if (inside !== undefined) return `${inside} is mounted in it`;
    await mkdir(this.#trash, { recursive: true, mode: 0o700 });
    const moved = join(this.#trash, randomUUID());
    try {
      renameSync(path, moved);
    } catch (cause) {
      return errnoOf(cause) === "ENOENT" ? undefined : errnoOf(cause);
    }
    prune(path, this.#options.workDirectory);
    return await this.#empty(moved);
  }

  async #empty(path: string): Promise<string | undefined> {
    const removed = await removeTree(path);
    return removed.ok ? undefined : removed.error;
  }

  #isLive(containerId: ContainerId): boolean {
    const { run, executor } = this.#options.state;
    if (run.get(containerId) !== undefined || executor.get(containerId) !== undefined) return true;
    for (const { parentId } of run.values()) if (parentId === containerId) return true;
    return false;
  }

  async #usage(): Promise<number> {
    const { diskUsage, workDirectory } = this.#options;
    if (diskUsage !== undefined) return await diskUsage();
    const { blocks, bavail } = await statfs(workDirectory);
    return blocks === 0 ? 0 : 1 - bavail / blocks;
  }
}

function endingOf(row: CompletedRunRow): [ContainerId, number] {
  return [executorContainer(row), row.endedMs];
}

/** Takes away the folders above that are empty by now; at once, so that nobody fills one then. */
function prune(sandbox: string, workDirectory: string): void {
  const runs = dirname(sandbox);
  const latest = join(runs, "latest");
  try {
    if (sandbox.endsWith(`/${readlinkSync(latest)}`)) unlinkSync(latest);
  } catch {
    // There is no such link: another run's removal was here.
  }
  const top = join(workDirectory, "slaves");
  for (let folder = runs; folder !== top && folder.startsWith(top); folder = dirname(folder)) {
    try {
      rmdirSync(folder);
    } catch {
      // Something else is in it, so it stays, and what is above it.
      return;
    }
  }
}

async function foldersIn(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

async function namesIn(path: string): Promise<readonly string[]> {
  return await readdir(path).catch(() => []);
}

async function changedMs(path: string): Promise<number | undefined> {
  return await lstat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
}

function parseMountPoints(mountinfo: string): readonly string[] {
  return mountinfo.split("\n").map((line) => unescaped(line.split(" ")[4] ?? ""));
}

/** Blanks in a path are written `\040`. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_match, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
