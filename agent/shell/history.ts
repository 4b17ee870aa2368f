/**
 * The rows that left the checkpoint and that the agent's own API still shows: runs that are over,
 * their executors and frameworks. A file each, beside the checkpoint and out of every task's reach:
 *
 *   <directory>/run-<container>   <directory>/executor-<container>   <directory>/framework-<id>
 *
 * 1. A row is written before the commit that takes it away: after a crash in between, whatever it
 * left of the file, it is written again.
 * 2. A run's file lives as long as its row in `completedRun`, which is bounded; the others as long
 * as such a run, or one that still ends, belongs to them. 3. The end of the machine may cost a file
 * that was just written: then what it was about is not shown, and nothing else depends on it.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FrameworkId } from "../../worker/protocol/ids.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { Change, Row } from "../../worker/std/table.ts";
import type { ContainerId } from "../containerizer/containerizer.ts";
import {
  type CompletedRunRow,
  type ExecutorRow,
  type FrameworkRow,
  keyOf,
  type RunRow,
} from "../core/rows.ts";
import type { AgentState } from "../core/state.ts";
import { errnoOf } from "./errno.ts";

type Kind = "run" | "executor" | "framework";

export class History {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Removes what a crash left. The error is a sentence. */
  open(state: AgentState): Result<void, string> {
    return guarded(this.#directory, () => {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      const needed = neededNames(state);
      for (const name of readdirSync(this.#directory)) {
        if (!needed.has(name)) this.#remove(name);
      }
    });
  }

  /** Before these Changes are committed. The error is a sentence; nothing depends on it. */
  keep(changes: readonly Change[]): Result<void, string> {
    for (const { table, before, after } of changes) {
      if (before === undefined || after !== undefined || !isKind(table)) continue;
      // The row of a table is one of that table's rows.
      const key = keyOf[table](before as RunRow & ExecutorRow & FrameworkRow);
      const written = this.#write(nameOf(table, key), before);
      if (!written.ok) return written;
    }
    return ok(undefined);
  }

  /** After they are committed: `state` is what they led to. */
  forget(changes: readonly Change[], state: AgentState): void {
    // A run that goes becomes a completed one, and its files stay.
    const left = changes.filter(
      ({ table, after }) => after === undefined && table !== "run" && namesOf[table] !== undefined,
    );
    if (left.length === 0) return;
    const needed = neededNames(state);
    for (const { table, before } of left) {
      if (before === undefined) continue;
      for (const name of namesOf[table]?.(before) ?? []) {
        if (!needed.has(name)) this.#remove(name);
      }
    }
  }

  async run(id: ContainerId): Promise<RunRow | undefined> {
    return (await this.#read("run", id)) as RunRow | undefined;
  }

  async executor(id: ContainerId): Promise<ExecutorRow | undefined> {
    return (await this.#read("executor", id)) as ExecutorRow | undefined;
  }

  async framework(id: FrameworkId): Promise<FrameworkRow | undefined> {
    return (await this.#read("framework", id)) as FrameworkRow | undefined;
  }

  #write(name: string, row: Row): Result<void, string> {
    const path = join(this.#directory, name);
    return guarded(path, () => writeFileSync(path, JSON.stringify(row), { mode: 0o600 }));
  }

  /** Our own writing, so it has the shape it was written in. A torn file is no file. */
  async #read(kind: Kind, key: string): Promise<unknown> {
    try {
      return JSON.parse(await readFile(join(this.#directory, nameOf(kind, key)), "utf8"));
    } catch {
      return undefined;
    }
  }

  #remove(name: string): void {
    try {
      rmSync(join(this.#directory, name), { force: true });
    } catch {
      // The next `open` tries again.
    }
  }
}

function isKind(table: string): table is Kind {
  return table === "run" || table === "executor" || table === "framework";
}

function nameOf(kind: Kind, key: string): string {
  return `${kind}-${key}`;
}

/** Every file whose end the disappearance of a row of this table may be. */
const namesOf: { readonly [table: string]: ((row: Row) => readonly string[]) | undefined } = {
  // Each row is one of the table that it stands beside.
  framework: (row) => [nameOf("framework", (row as FrameworkRow).id)],
  executor: (row) => [nameOf("executor", (row as ExecutorRow).containerId)],
  completedRun: (row) => {
    const { containerId, parentId, frameworkId } = row as CompletedRunRow;
    const executor = parentId === undefined ? [] : [nameOf("executor", parentId)];
    return [nameOf("run", containerId), ...executor, nameOf("framework", frameworkId)];
  },
};

function neededNames(state: AgentState): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { containerId } of state.completedRun.values()) names.add(nameOf("run", containerId));
  for (const rows of [state.completedRun.values(), state.run.values()]) {
    for (const { parentId, frameworkId } of rows) {
      if (parentId !== undefined) names.add(nameOf("executor", parentId));
      names.add(nameOf("framework", frameworkId));
    }
  }
  return names;
}

function guarded(path: string, work: () => void): Result<void, string> {
  try {
    work();
    return ok(undefined);
  } catch (cause) {
    return err(`cannot keep the history in ${path}: ${errnoOf(cause)}`);
  }
}
