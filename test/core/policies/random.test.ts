import { expect, test } from "vitest";
import { random } from "../../../worker/core/allocator/policies/random.ts";
import { Cluster } from "./cluster.ts";

/** How often each comes first over many seeds, as a fraction. */
function firsts(cluster: Cluster, seeds: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let seed = 0; seed < seeds; seed++) {
    const [first = ""] = cluster.order(seed);
    counts[first] = (counts[first] ?? 0) + 1 / seeds;
  }
  return counts;
}

test("a role's chance to come first is its weight among its siblings", () => {
  const cluster = new Cluster(random).role("b", { weight: 3 }).add("a:f", "b:f", "c:f");
  const chances = firsts(cluster, 20_000);
  expect(chances["a:f"]).toBeCloseTo(0.2, 1.5);
  expect(chances["b:f"]).toBeCloseTo(0.6, 1.5);
  expect(chances["c:f"]).toBeCloseTo(0.2, 1.5);
});

test("the frameworks of a role have equal chances, whatever they have", () => {
  const cluster = new Cluster(random).add("a:f1", "a:f2", "a:f3", "a:f4");
  cluster.give("a:f1", { cpus: 90 });
  for (const chance of Object.values(firsts(cluster, 20_000)))
    expect(chance).toBeCloseTo(0.25, 1.5);
});

test("every order of three equal ones comes up equally often", () => {
  const cluster = new Cluster(random).add("a:1", "a:2", "a:3");
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 12_000; seed++) {
    const order = cluster.order(seed).join(" ");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  for (const count of counts.values()) expect(count / 12_000).toBeCloseTo(1 / 6, 1.5);
});
