import { describe, expect, test } from "vitest";
import { drf } from "../../../worker/core/allocator/policies/drf.ts";
import { treePolicy } from "../../../worker/core/allocator/policies/role-tree.ts";
import { prng } from "../../../worker/std/prng.ts";
import { Cluster, client } from "./cluster.ts";

/**
 * Gives the first in the order one of its tasks, again and again, as long as a task fits; returns
 * the tasks.
 */
function fill(
  cluster: Cluster,
  total: Record<string, number>,
  demands: Record<string, Record<string, number>>,
): Record<string, number> {
  const free = { ...total };
  const tasks: Record<string, number> = {};
  for (;;) {
    const next = cluster.order().find((who) => fits(demands[who] ?? {}, free));
    if (next === undefined) return tasks;
    const demand = demands[next] ?? {};
    cluster.give(next, demand);
    tasks[next] = (tasks[next] ?? 0) + 1;
    for (const [kind, value] of Object.entries(demand)) free[kind] = (free[kind] ?? 0) - value;
  }
}

function fits(demand: Record<string, number>, free: Record<string, number>): boolean {
  return Object.entries(demand).every(([kind, value]) => (free[kind] ?? 0) >= value);
}

describe("the example of the DRF paper (9 CPUs, 18 GB)", () => {
  const total = { cpus: 9, mem: 18 };

  test("user A with tasks of <1 CPU, 4 GB> gets 3, user B with <3 CPU, 1 GB> gets 2", () => {
    const cluster = new Cluster(drf, total).add("a:A", "b:B");
    const demands = { "a:A": { cpus: 1, mem: 4 }, "b:B": { cpus: 3, mem: 1 } };
    expect(fill(cluster, total, demands)).toEqual({ "a:A": 3, "b:B": 2 });
    // Both have a share of 2/3 now (12/18 of the memory, 6/9 of the CPUs): a tie, so names and
    // turns decide.
    expect(cluster.order()).toEqual(["a:A", "b:B"]);
    expect(cluster.turn("a:A").order()).toEqual(["b:B", "a:A"]);
  });

  test("and the same within one role", () => {
    const cluster = new Cluster(drf, total).add("r:A", "r:B");
    const demands = { "r:A": { cpus: 1, mem: 4 }, "r:B": { cpus: 3, mem: 1 } };
    expect(fill(cluster, total, demands)).toEqual({ "r:A": 3, "r:B": 2 });
  });
});

describe("shares", () => {
  test("the largest fraction of any one kind counts", () => {
    const cluster = new Cluster(drf, { cpus: 10, mem: 1_000 }).add("a:f", "b:f");
    cluster.give("a:f", { cpus: 2, mem: 10 }).give("b:f", { cpus: 1, mem: 300 });
    expect(cluster.order()).toEqual(["a:f", "b:f"]);
  });

  test("a kind that the total does not have counts for nobody", () => {
    const cluster = new Cluster(drf, { cpus: 10 }).add("a:f", "b:f");
    cluster.give("a:f", { gpus: 8 }).give("b:f", { cpus: 1 });
    expect(cluster.order()).toEqual(["a:f", "b:f"]);
  });

  test("follow the total", () => {
    const cluster = new Cluster(drf, { cpus: 10, mem: 100 }).add("a:f", "b:f");
    cluster.give("a:f", { cpus: 4 }).give("b:f", { mem: 30 });
    expect(cluster.order()).toEqual(["b:f", "a:f"]);
    cluster.state.setTotal({ cpus: 20_000, mem: 100_000 });
    expect(cluster.order()).toEqual(["a:f", "b:f"]);
  });

  test("are equal as numbers when they are equal as fractions", () => {
    // 1/10 of weight 1 and 3/10 of weight 3; 0.3 / 3 is not 0.1 in floating point.
    const cluster = new Cluster(drf, { cpus: 10 }).role("z", { weight: 3 }).add("a:f", "z:f");
    cluster.give("a:f", { cpus: 1 }).give("z:f", { cpus: 3 });
    expect(cluster.order()).toEqual(["a:f", "z:f"]);
    expect(cluster.turn("a:f").order()).toEqual(["z:f", "a:f"]);
  });

  test("of an inactive client count for its role", () => {
    const cluster = new Cluster(drf).add("a:f1", "a:f2", "b:f3").give("b:f3", { cpus: 1 });
    cluster.give("a:f1", { cpus: 2 });
    cluster.state.deactivate(client("a:f1"));
    expect(cluster.order()).toEqual(["b:f3", "a:f2"]);
  });
});

describe("ties", () => {
  test("go to the one with fewer turns, then by name", () => {
    const cluster = new Cluster(drf).add("r:f2", "r:f1", "r:f3");
    expect(cluster.order()).toEqual(["r:f1", "r:f2", "r:f3"]);
    expect(cluster.turn("r:f1").order()).toEqual(["r:f2", "r:f3", "r:f1"]);
    expect(cluster.turn("r:f2").turn("r:f3").order()).toEqual(["r:f1", "r:f2", "r:f3"]);
  });

  test("between roles count the turns of all their clients", () => {
    const cluster = new Cluster(drf).add("a:f1", "a:f2", "b:f3");
    cluster.turn("a:f1").turn("a:f2").turn("b:f3");
    expect(cluster.order()).toEqual(["b:f3", "a:f1", "a:f2"]);
  });

  test("a turn does not outweigh a smaller share", () => {
    const cluster = new Cluster(drf).add("r:f1", "r:f2").give("r:f1", { cpus: 0.001 });
    for (let turns = 0; turns < 10; turns++) cluster.turn("r:f2");
    expect(cluster.order()).toEqual(["r:f2", "r:f1"]);
  });
});

describe("weights", () => {
  test("a role of weight 2 gets twice as much as one of weight 1", () => {
    const total = { cpus: 9 };
    const cluster = new Cluster(drf, total).role("b", { weight: 2 }).add("a:f1", "b:f2");
    const demands = { "a:f1": { cpus: 1 }, "b:f2": { cpus: 1 } };
    expect(fill(cluster, total, demands)).toEqual({ "a:f1": 3, "b:f2": 6 });
  });

  test("may be set before, while and after the role has clients", () => {
    const cluster = new Cluster(drf).role("b", { weight: 3 }).add("a:f1", "b:f2");
    cluster.give("a:f1", { cpus: 1 }).give("b:f2", { cpus: 2 });
    expect(cluster.order()).toEqual(["b:f2", "a:f1"]);
    expect(cluster.role("b", { weight: 1 }).order()).toEqual(["a:f1", "b:f2"]);
    cluster.role("b", { weight: 3 }).take("b:f2", { cpus: 2 }).remove("b:f2");
    cluster.add("b:f2").give("b:f2", { cpus: 2 });
    expect(cluster.order()).toEqual(["b:f2", "a:f1"]);
  });

  test("count at every level, among siblings only", () => {
    // eng has 6 of 12 with weight 3 (share 1/6), ops 3 of 12 with weight 1 (1/4): eng first.
    // In eng: web 4 of weight 4 (1/12), api 2 of weight 1 (1/6): web first, whatever ops has.
    const cluster = new Cluster(drf, { cpus: 12 }).role("eng", { weight: 3 });
    cluster.role("eng/web", { weight: 4 }).add("eng/web:f1", "eng/api:f2", "ops:f3");
    cluster.give("eng/web:f1", { cpus: 4 }).give("eng/api:f2", { cpus: 2 });
    cluster.give("ops:f3", { cpus: 3 });
    expect(cluster.order()).toEqual(["eng/web:f1", "eng/api:f2", "ops:f3"]);
    expect(cluster.role("eng", { weight: 1 }).order()).toEqual([
      "ops:f3",
      "eng/web:f1",
      "eng/api:f2",
    ]);
  });
});

describe("the role tree", () => {
  test("siblings compare with what their whole subtree has", () => {
    const cluster = new Cluster(drf).add("a/x:f1", "a/y:f2", "b:f3");
    cluster.give("a/x:f1", { cpus: 2 }).give("a/y:f2", { cpus: 2 }).give("b:f3", { cpus: 3 });
    // Each of a's is smaller than b, but together they have 4.
    expect(cluster.order()).toEqual(["b:f3", "a/x:f1", "a/y:f2"]);
  });

  test("the frameworks of an inner role are together one sibling of its subroles, of weight 1", () => {
    const cluster = new Cluster(drf).role("a", { weight: 10 }).add("a:f1", "a:f2", "a/b:f3");
    cluster.give("a:f1", { cpus: 1 }).give("a:f2", { cpus: 2 }).give("a/b:f3", { cpus: 2.5 });
    // Own frameworks of a have 3 together, a/b has 2.5; a's weight is not theirs.
    expect(cluster.order()).toEqual(["a/b:f3", "a:f1", "a:f2"]);
    expect(cluster.give("a/b:f3", { cpus: 1 }).order()).toEqual(["a:f1", "a:f2", "a/b:f3"]);
  });

  test("a role takes part without clients of its own", () => {
    const cluster = new Cluster(drf).add("a/b/c:f1", "d:f2").give("d:f2", { cpus: 1 });
    expect(cluster.order()).toEqual(["a/b/c:f1", "d:f2"]);
  });

  test("one framework may be a client in several roles, each on its own", () => {
    const cluster = new Cluster(drf).add("a:f1", "b:f1", "b:f2").give("a:f1", { cpus: 1 });
    expect(cluster.order()).toEqual(["b:f1", "b:f2", "a:f1"]);
    expect(cluster.take("a:f1", { cpus: 1 }).remove("a:f1").order()).toEqual(["b:f1", "b:f2"]);
  });
});

test("only the candidates that are taken are paid for", () => {
  let arranged = 0;
  const counting = treePolicy((siblings) => {
    arranged++;
    return siblings.toSorted((a, b) => a.share - b.share || (a.name < b.name ? -1 : 1));
  });
  const cluster = new Cluster(counting);
  for (const role of ["a", "b", "c", "d"]) cluster.add(`${role}:f1`, `${role}:f2`);
  for (const first of cluster.state.order({ random: prng(1) })) {
    expect(first).toEqual({ role: "a", frameworkId: "f1" });
    break;
  }
  // The roles, and the frameworks of the first one.
  expect(arranged).toBe(2);
});
