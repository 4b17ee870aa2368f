/**
 * One pool of divisible resources, shared out task by task: the setting in which the DRF paper
 * proves what a fair policy is. Whoever the policy names first of those whose next task fits gets
 * it, until nobody's does.
 *
 * Shares here are dominant shares counted by hand from the tasks, not the policy's.
 */
import fc from "fast-check";
import type { Client, Policy } from "../../../../worker/core/allocator/policy.ts";
import type { AgentId, FrameworkId } from "../../../../worker/protocol/ids.ts";
import { defined } from "../../../../worker/std/assert.ts";
import { prng } from "../../../../worker/std/prng.ts";

/** Units of every kind: of the pool, of a task, of what somebody has. */
export type Units = readonly number[];

/** Units of each kind in the pool. A task has 1 to 3 of every kind: at most a hundredth. */
export const POOL: Units = [300, 300, 300];
const TASK_MOST = 3;
/** Dominant share of the largest task there is. */
export const LARGEST_TASK = TASK_MOST / 300;

export interface Filling {
  /** Tasks of each framework when somebody's task did not fit for the first time. */
  readonly whenFull: readonly number[];
  /** When nobody's task fitted any more. */
  readonly atEnd: readonly number[];
}

const agentId = "S0" as AgentId;

/** `tasks`: of each framework, each in a role of its own; `weights`: of the roles, else 1. */
export function fill(
  policy: Policy,
  tasks: readonly Units[],
  weights: readonly number[] = [],
): Filling {
  const state = policy.create();
  state.setTotal(quantities(POOL));
  const clients = tasks.map((_, at): Client => ({ role: `r${at}`, frameworkId: frameworkId(at) }));
  for (const [at, client] of clients.entries()) {
    state.setRole(client.role, { weight: weights[at] ?? 1, priority: 0 });
    state.add(client);
    state.activate(client);
  }
  const counts = tasks.map(() => 0);
  const free = [...POOL];
  let whenFull: readonly number[] | undefined;
  const random = prng(1);
  for (;;) {
    const at = nextOf(state.order({ random }));
    if (at === undefined) return { whenFull: whenFull ?? counts, atEnd: counts };
    const task = tasks[at] ?? [];
    const client = defined(clients[at], `f${at} is a client`);
    state.allocated({ client, agentId, quantities: quantities(task) });
    state.tookTurn(client);
    counts[at] = (counts[at] ?? 0) + 1;
    for (const [kind, units] of task.entries()) free[kind] = (free[kind] ?? 0) - units;
  }

  function nextOf(order: Iterable<Client>): number | undefined {
    for (const { frameworkId: id } of order) {
      const at = Number(id.slice(1));
      if (fits(tasks[at] ?? [], free)) return at;
      whenFull ??= [...counts];
    }
    return undefined;
  }
}

export function fits(task: Units, free: Units): boolean {
  return task.every((units, kind) => units <= (free[kind] ?? 0));
}

/** What so many tasks have. */
export function bundle(count: number, task: Units): Units {
  return task.map((units) => count * units);
}

/** How many such tasks could run on it. */
export function tasksOn(has: Units, task: Units): number {
  return Math.min(...task.map((units, kind) => Math.floor((has[kind] ?? 0) / units)));
}

export function dominantShare(has: Units): number {
  return Math.max(...has.map((units, kind) => units / (POOL[kind] ?? 1)));
}

function quantities(units: Units): Record<string, number> {
  return Object.fromEntries(units.map((amount, kind) => [`kind${kind}`, amount * 1_000]));
}

// Branded strings are made where ids are made; in tests that is here.
function frameworkId(at: number): FrameworkId {
  return `f${at}` as FrameworkId;
}

export const task: fc.Arbitrary<Units> = fc.tuple(
  ...POOL.map(() => fc.integer({ min: 1, max: TASK_MOST })),
);

/** Tasks of two to five frameworks. */
export const demands: fc.Arbitrary<readonly Units[]> = fc.array(task, {
  minLength: 2,
  maxLength: 5,
});
