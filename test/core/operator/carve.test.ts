/** Tasks cut out of what is offered: never more than there is, and nothing that is not cut. */
import { expect, test } from "vitest";
import { carve } from "../../../worker/core/operator/own/what-if/carve.ts";
import type { Resources } from "../../../worker/resources/resource.ts";
import { formatResources, parseResourcesText } from "../../../worker/resources/text.ts";

function resources(text: string): Resources {
  const parsed = parseResourcesText(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
}

test("as many as every kind has room for", () => {
  const { tasks, left } = carve(resources("cpus:4;mem:300"), { cpus: 1_000, mem: 100_000 }, 10);
  expect(tasks.map(formatResources)).toEqual(Array(3).fill("cpus:1; mem:100"));
  expect(formatResources(left)).toBe("cpus:1");
});

test("at most as many as are wished for", () => {
  expect(carve(resources("cpus:4"), { cpus: 1_000 }, 2).tasks.length).toBe(2);
});

test("from reserved and other resources together", () => {
  const { tasks } = carve(resources("cpus:1;cpus(ops):2"), { cpus: 3_000 }, 5);
  expect(tasks.map(formatResources)).toEqual(["cpus:1; cpus(ops):2"]);
});

test("each task has its own ports and items", () => {
  const offered = resources("ports:[1-2,5-6];zones:{a,b,c}");
  const { tasks, left } = carve(offered, { ports: 2_000, zones: 1_000 }, 5);
  expect(tasks.map(formatResources)).toEqual(["ports:[1-2]; zones:{a}", "ports:[5-6]; zones:{b}"]);
  expect(formatResources(left)).toBe("zones:{c}");
});

test("a kind that is not offered is no room at all", () => {
  expect(carve(resources("cpus:4"), { cpus: 1_000, gpus: 1_000 }, 5).tasks).toEqual([]);
});

test("volumes and revocable resources are left alone", () => {
  const volume = { persistence: { id: "v" }, volume: { container_path: "p", mode: "RW" } } as const;
  const offered: Resources = [
    { name: "cpus", kind: "SCALAR", thousandths: 4_000, reservations: [], revocable: true },
    { name: "disk", kind: "SCALAR", thousandths: 64_000, reservations: [], disk: volume },
  ];
  expect(carve(offered, { cpus: 1_000 }, 1).tasks).toEqual([]);
  expect(carve(offered, { disk: 1_000 }, 1).tasks).toEqual([]);
});
