import { expect, test } from "vitest";
import type { Metrics } from "../../../worker/core/metrics/gauges.ts";
import { metricsOf } from "../../../worker/core/metrics/snapshot.ts";
import { defined } from "../../../worker/std/assert.ts";
import { RecordedCluster, runningCluster, scalar } from "../operator/recorded-cluster.ts";

function gaugesOf({ host }: RecordedCluster): Metrics {
  const metrics = metricsOf({ state: host.state, nowMs: host.nowMs });
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}

/** The members whose names begin with `prefix`, without it. */
function below(prefix: string, metrics: Metrics): Metrics {
  const own = Object.entries(metrics).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]));
}

test("an agent that an operator took out of service is connected but not active", () => {
  const cluster = new RecordedCluster();
  cluster.registerAgent();
  const { agent } = cluster.host.state.tables;
  const row = defined(agent.get(cluster.agentId), "it registered");
  agent.put({ ...row, service: { state: "DEACTIVATED" } });
  expect(below("master/slaves_", gaugesOf(cluster))).toEqual({
    connected: 1,
    disconnected: 0,
    active: 0,
    inactive: 1,
    unreachable: 0,
  });
});

test("what a role's tree holds counts for the role, its ancestors and the root", () => {
  const cluster = new RecordedCluster();
  cluster.registerAgent();
  const id = cluster.subscribe("golden", { roles: ["eng", "eng/web", "ops"] });
  for (const offer of [...cluster.host.state.tables.offer.values()]) {
    cluster.host.state.tables.offer.delete(offer.id);
  }
  const { task } = runningCluster().cluster.host.state.tables;
  const [some] = task.values();
  const row = defined(some, "it runs");
  const held = { frameworkId: id, agentId: cluster.agentId, role: "eng/web" };
  cluster.host.state.tables.task.put({ ...row, ...held });
  const metrics = gaugesOf(cluster);
  const consumed = (role: string): number | undefined =>
    metrics[`allocator/mesos/quota/roles/${role}/resources/cpus/consumed`];
  expect(["", "eng", "eng/web", "ops"].map(consumed)).toEqual([0.1, 0.1, 0.1, undefined]);
  expect(below("allocator/mesos/roles/", metrics)).toEqual({
    "eng/shares/dominant": 0.025,
    "eng/web/shares/dominant": 0.025,
    "ops/shares/dominant": 0,
  });
});

test("a quota is shown of the kinds that it names, and no share of a role that nobody uses", () => {
  const cluster = new RecordedCluster();
  const quota = { guarantees: { cpus: 1_000 }, limits: { cpus: 2_500, mem: 512_000 } };
  cluster.host.state.tables.role.put({ seq: 901, name: "q", quota });
  const metrics = gaugesOf(cluster);
  expect(below("allocator/mesos/quota/roles/", metrics)).toEqual({
    "q/resources/cpus/guarantee": 1,
    "q/resources/cpus/limit": 2.5,
    "q/resources/cpus/offered_or_allocated": 0,
    "q/resources/mem/limit": 512,
    "q/resources/mem/offered_or_allocated": 0,
  });
  expect(below("allocator/mesos/roles/", metrics)).toEqual({});
  expect(metrics["allocator/mesos/offer_filters/roles/q/active"]).toBe(0);
});

test("what is reserved counts against its role's quota, used or not", () => {
  const cluster = new RecordedCluster();
  cluster.registerAgent({
    resources: [
      scalar("cpus", 4),
      { ...scalar("cpus", 1.5), reservations: [{ type: "STATIC", role: "eng/web" }] },
    ],
  });
  const metrics = gaugesOf(cluster);
  for (const role of ["", "eng/web"]) {
    expect(metrics[`allocator/mesos/quota/roles/${role}/resources/cpus/consumed`]).toBe(1.5);
  }
  expect(metrics["master/cpus_total"]).toBe(5.5);
});

test("outstanding offers are not used, but offered or allocated", () => {
  const { cluster } = runningCluster();
  const before = gaugesOf(cluster);
  cluster.subscribe("another");
  const after = gaugesOf(cluster);
  expect(after["master/outstanding_offers"]).toBe(1);
  expect(after["master/cpus_used"]).toBe(before["master/cpus_used"]);
  expect(after["allocator/mesos/resources/cpus/offered_or_allocated"]).toBe(4);
});
