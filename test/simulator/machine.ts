/**
 * One machine: containers that outlive the agent process, and the disk with the agent's rows. A
 * container's command says what it will do: `run <ms> exit <code> term <ms> as <intent>`, where
 * `term` is how long it survives a SIGTERM, and the intent is a number of its own for each launch
 * that a framework asked for.
 */

import type {
  ContainerId,
  ContainerTermination,
  RecoveredContainer,
} from "../../agent/containerizer/containerizer.ts";
import { keyOf, type Rows, type StoredRows, type TableName } from "../../agent/core/rows.ts";
import { noRows } from "../../agent/core/state.ts";
import type { Change, Row } from "../../worker/std/table.ts";
import { ExecutorProgram } from "./executor-program.ts";
import { shortId, type World } from "./world.ts";

interface Container {
  /** As in `Truth`. */
  readonly run: string;
  readonly termMs: number;
  termination: ContainerTermination | undefined;
}

export class Machine {
  readonly #world: World;
  readonly #name: string;
  readonly #containers = new Map<ContainerId, Container>();
  readonly #programs = new Map<ContainerId, ExecutorProgram>();
  readonly #rows = new Map<string, string>();
  /** Told of each end while an agent process watches. */
  onEnd: ((id: ContainerId, termination: ContainerTermination) => void) | undefined;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
  }

  commit(changes: readonly Change[]): void {
    for (const { table, key, after } of changes) {
      const name = `${table}|${key}`;
      if (after === undefined) this.#rows.delete(name);
      else this.#rows.set(name, JSON.stringify(after));
    }
  }

  rows(): StoredRows {
    const rows: Record<string, Row[]> = Object.fromEntries(
      Object.keys(noRows).map((name) => [name, []]),
    );
    for (const [name, text] of this.#rows) {
      rows[name.slice(0, name.indexOf("|"))]?.push(JSON.parse(text) as Row);
    }
    return rows as unknown as StoredRows;
  }

  /** Whether the rows on disk are these. */
  holds<T extends TableName>(table: T, row: Rows[T]): boolean {
    return this.#rows.get(`${table}|${keyOf[table](row)}`) === JSON.stringify(row);
  }

  get rowCount(): number {
    return this.#rows.size;
  }

  start(
    id: ContainerId,
    { run, command }: { readonly run: string; readonly command: string },
  ): void {
    const words = command.split(" ").map(Number);
    const [runMs = 0, code = 0, termMs = 0, intent = 0] = [words[1], words[3], words[5], words[7]];
    this.#containers.set(id, { run, termMs, termination: undefined });
    this.#world.truth.containerStarted(run, intent);
    this.#world.checkTruth();
    this.#world.trace(this.#name, () => `container of run ${run} starts: ${command}`);
    this.#world.clock.after(runMs, () =>
      this.#ends(id, { kind: "EXITED", code, waitStatus: code << 8 }),
    );
  }

  /** A custom executor comes to be. */
  startExecutor(id: ContainerId): ExecutorProgram {
    const program = new ExecutorProgram(this.#world, id, () => {
      this.#world.trace(this.#name, () => "an executor ends");
      this.onEnd?.(id, { kind: "EXITED", code: 0, waitStatus: 0 });
    });
    this.#programs.set(id, program);
    return program;
  }

  /** Undefined: no custom executor has this container. */
  program(id: ContainerId): ExecutorProgram | undefined {
    return this.#programs.get(id);
  }

  get programs(): Iterable<ExecutorProgram> {
    return this.#programs.values();
  }

  /** SIGTERM. */
  terminate(id: ContainerId): void {
    const container = this.#containers.get(id);
    if (container === undefined) return;
    this.#world.clock.after(container.termMs, () =>
      this.#ends(id, { kind: "SIGNALED", signal: "SIGTERM", waitStatus: 15 }),
    );
  }

  /** SIGKILL. */
  destroy(id: ContainerId): void {
    const program = this.#programs.get(id);
    if (program !== undefined) this.#world.clock.after(1, () => program.end());
    this.#world.clock.after(1, () =>
      this.#ends(id, { kind: "SIGNALED", signal: "SIGKILL", waitStatus: 9 }),
    );
  }

  remove(id: ContainerId): void {
    this.#programs.get(id)?.end();
    this.#programs.delete(id);
    this.#ends(id, { kind: "SIGNALED", signal: "SIGKILL", waitStatus: 9 });
    this.#containers.delete(id);
  }

  /**
   * As the containerizer's contract has it: one entry for each known one; the others are destroyed.
   */
  recover(known: readonly { readonly containerId: ContainerId }[]): readonly RecoveredContainer[] {
    const ids = new Set(known.map(({ containerId }) => containerId));
    const all = [...this.#containers.keys(), ...this.#programs.keys()];
    for (const id of all) if (!ids.has(id)) this.remove(id);
    return known.map(({ containerId }) => {
      const program = this.#programs.get(containerId);
      if (program?.isOver === false) return { containerId, state: "RUNNING", pid: pidOf("0") };
      if (program !== undefined) {
        const termination = { kind: "EXITED", code: 0, waitStatus: 0 } as const;
        return { containerId, state: "ENDED", termination };
      }
      const container = this.#containers.get(containerId);
      if (container === undefined) {
        const termination = { kind: "LOST", message: "no trace of the container" } as const;
        return { containerId, state: "ENDED", termination };
      }
      const { termination } = container;
      if (termination === undefined) {
        return { containerId, state: "RUNNING", pid: pidOf(container.run) };
      }
      return { containerId, state: "ENDED", termination };
    });
  }

  running(): readonly string[] {
    return [...this.#containers.values()]
      .filter(({ termination }) => termination === undefined)
      .map(({ run }) => run);
  }

  #ends(id: ContainerId, termination: ContainerTermination): void {
    const container = this.#containers.get(id);
    if (container === undefined || container.termination !== undefined) return;
    container.termination = termination;
    const { run } = container;
    const exited = termination.kind === "EXITED";
    this.#world.truth.containerEnded(
      run,
      exited ? { type: "EXITED", code: termination.code } : { type: "KILLED" },
    );
    this.#world.trace(
      this.#name,
      () => `container of run ${run} ends: ${shortId(termination.kind)}`,
    );
    this.onEnd?.(id, termination);
  }
}

/** Any number that a process may have. */
export function pidOf(run: string): number {
  return 1_000 + Number.parseInt(run, 10);
}
