import { expect, test } from "vitest";
import { priority } from "../../../worker/core/allocator/policies/priority.ts";
import { Cluster, client } from "./cluster.ts";

test("a role of higher priority comes first, whatever it has already", () => {
  const cluster = new Cluster(priority).role("high", { priority: 10 });
  cluster.add("high:f1", "high:f2", "low:f3", "other:f4");
  cluster.give("high:f1", { cpus: 50 }).give("high:f2", { cpus: 20 }).give("low:f3", { cpus: 1 });
  expect(cluster.order()).toEqual(["high:f2", "high:f1", "other:f4", "low:f3"]);
});

test("a role of negative priority comes after those that nobody gave one", () => {
  const cluster = new Cluster(priority).role("batch", { priority: -1 }).add("batch:f1", "web:f2");
  expect(cluster.give("web:f2", { cpus: 90 }).order()).toEqual(["web:f2", "batch:f1"]);
});

test("roles of equal priority share by weight", () => {
  const cluster = new Cluster(priority).role("a", { priority: 5, weight: 3 });
  cluster.role("b", { priority: 5 }).add("a:f1", "b:f2");
  cluster.give("a:f1", { cpus: 20 }).give("b:f2", { cpus: 10 });
  expect(cluster.order()).toEqual(["a:f1", "b:f2"]);
  expect(cluster.give("a:f1", { cpus: 20 }).order()).toEqual(["b:f2", "a:f1"]);
});

test("a priority counts among siblings only, and a role's own frameworks have the default", () => {
  const cluster = new Cluster(priority)
    .role("a/top", { priority: 9 })
    .role("a/last", { priority: -9 });
  cluster.role("b", { priority: 1 }).add("a/top:f1", "a:f2", "a/last:f3", "b:f4");
  expect(cluster.order()).toEqual(["b:f4", "a/top:f1", "a:f2", "a/last:f3"]);
});

test("a role of higher priority without anybody who wants offers holds nobody up", () => {
  const cluster = new Cluster(priority).role("high", { priority: 1 }).add("high:f1", "low:f2");
  cluster.give("high:f1", { cpus: 1 });
  cluster.state.deactivate(client("high:f1"));
  expect(cluster.order()).toEqual(["low:f2"]);
});
