/**
 * The second column of the allocator's figures: what whole turns of the master take until nothing
 * waits, with offer rows, Changes and messages, and with what a turn may do at most. None of them
 * may be longer than 10 ms; the machine is shared, so the longest of many says what the machine
 * did, and the 99th of 100 what the turn did.
 */
import { BenchCluster, type Cycle, type Shape } from "./allocator-cluster.ts";
import type { Figure, Measured } from "./figure.ts";

const TURN_BUDGET_MS = 10;
const RUNS = 3;

const shapes: readonly (readonly [name: string, shape: Shape])[] = [
  ["all-offered", { agents: 10_000, frameworks: 200 }],
  ["all-offered", { agents: 50_000, frameworks: 200 }],
  ["all-offered-role-each", { agents: 50_000, frameworks: 200, roleEach: true }],
  ["all-offered-half-used", { agents: 50_000, frameworks: 200, halfUsed: true }],
];

/** `megabytes`: what the process has. */
export function turnsOf(megabytes: () => number): readonly Measured[] {
  return [...shapes.map(([name, shape]) => offered(name, shape, megabytes)), freed(megabytes)];
}

function offered(name: string, shape: Shape, megabytes: () => number): Measured {
  const before = megabytes();
  const cluster = new BenchCluster(shape);
  cluster.wantOffers();
  cluster.cycle();
  const cycles = Array.from({ length: RUNS }, () => {
    cluster.endOffers();
    return cluster.cycle();
  });
  return report(name, shape, { cycles, heapMb: megabytes() - before });
}

function freed(megabytes: () => number): Measured {
  const shape = { agents: 50_000, frameworks: 200 };
  const before = megabytes();
  const cluster = new BenchCluster(shape);
  cluster.wantOffers();
  cluster.cycle();
  const { offer } = cluster.state.tables;
  const cycles = Array.from({ length: 200 }, () => {
    const [first] = offer.values();
    if (first !== undefined) offer.delete(first.id);
    return cluster.cycle();
  });
  return report("one-freed", shape, { cycles, heapMb: megabytes() - before });
}

function report(
  name: string,
  { agents, frameworks }: Shape,
  { cycles, heapMb }: { readonly cycles: readonly Cycle[]; readonly heapMb: number },
): Measured {
  const turns = cycles.flatMap(({ turnsMs }) => turnsMs).toSorted((a, b) => a - b);
  const figure: Figure = {
    name: `longest of 100 turns, ${name}, ${agents} agents × ${frameworks} frameworks`,
    unit: "ms",
    budget: { atMost: TURN_BUDGET_MS },
  };
  return {
    figure,
    samples: [turns[Math.floor(turns.length * 0.99)] ?? 0],
    workload: { name: `${name}:turns`, agents, frameworks },
    facts: {
      heap_mb: Math.round(heapMb),
      turns: Math.round(turns.length / cycles.length),
      cycle_ms: cycles.reduce((sum, { totalMs }) => sum + totalMs, 0) / cycles.length,
      median_turn_ms: turns[turns.length >> 1] ?? 0,
      longest_turn_ms: turns.at(-1) ?? 0,
    },
  };
}
