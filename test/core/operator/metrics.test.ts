import { describe, expect, test } from "vitest";
import { COMPLETED_FRAMEWORKS_MAX } from "../../../worker/core/constants.ts";
import { createCounters } from "../../../worker/core/metrics/counters.ts";
import {
  type Measured,
  measure,
  metricsOf,
  metricsText,
} from "../../../worker/core/metrics/snapshot.ts";
import { Vitals } from "../../../worker/core/metrics/vitals.ts";
import type { FrameworkId, StreamId } from "../../../worker/protocol/ids.ts";
import { recorded } from "./golden-text.ts";
import {
  offeredCluster,
  RecordedCluster,
  runningCluster,
  unreachableCluster,
} from "./recorded-cluster.ts";

type Snapshot = Readonly<Record<string, number>>;

/** Without our own metrics, which are below a name that Mesos does not use. */
function metricsSnapshot(measured: Measured): string {
  return metricsText(metricsOf(measured).filter(({ name }) => !name.startsWith("rimrock/")));
}

function snapshot({ host, counters }: RecordedCluster): Snapshot {
  const text = metricsSnapshot({ state: host.state, nowMs: host.nowMs, counters });
  return JSON.parse(text) as Snapshot;
}

/** The metrics of one framework, without their prefix. */
function ofFramework(metrics: Snapshot, id: string): Snapshot {
  const own = Object.entries(metrics).filter(([name]) => name.includes(`/${id}/`));
  return Object.fromEntries(
    own.map(([name, value]) => [name.slice(name.indexOf(id) + id.length + 1), value]),
  );
}

function maskIds(text: string): string {
  return text.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<uuid>");
}

describe("the cluster with a running task", () => {
  const { cluster, frameworkId } = runningCluster();
  const theirs = JSON.parse(maskIds(recorded("metrics-running"))) as Snapshot;

  test("every gauge has the name and the value it has in Mesos", () => {
    const { host } = cluster;
    const gauges = JSON.parse(
      maskIds(metricsSnapshot({ state: host.state, nowMs: host.nowMs })),
    ) as Snapshot;
    const {
      "master/uptime_secs": uptime,
      // The recorded framework had just revived; ours has left the rest of its last offer.
      "allocator/mesos/offer_filters/roles/golden/active": filters,
      ...others
    } = gauges;
    expect(uptime).toBeGreaterThan(0);
    expect(filters).toBe(1);
    expect(theirs).toMatchObject(others);
    expect(Object.keys(others).length).toBeGreaterThan(50);
  });

  test("every counter has a name that Mesos has", () => {
    const names = Object.keys(snapshot(cluster)).map(maskIds);
    expect(names.filter((name) => !Object.hasOwn(theirs, name))).toEqual([]);
  });

  test("every value is written as a double, sorted by name", () => {
    const { state, nowMs } = cluster.host;
    const text = metricsSnapshot({ state, nowMs, counters: cluster.counters });
    expect(text).toContain('"master/elected":1.0,');
    const names = Object.keys(JSON.parse(text) as Snapshot);
    expect(names).toEqual(names.toSorted());
  });

  test("what the framework did and was told is counted", () => {
    expect(snapshot(cluster)).toMatchObject({
      "master/messages_register_framework": 1,
      "master/messages_reregister_framework": 0,
      "master/messages_launch_tasks": 3,
      "master/messages_status_update": 8,
      "master/messages_status_update_acknowledgement": 8,
      "master/slave_registrations": 1,
      "master/tasks_finished": 1,
      "master/tasks_failed": 1,
      "master/tasks_killed": 0,
    });
    expect(ofFramework(snapshot(cluster), frameworkId)).toMatchObject({
      "calls/subscribe": 1,
      "calls/accept": 3,
      "calls/acknowledge": 8,
      "events/subscribed": 1,
      "events/update": 8,
      "offers/accepted": 3,
      "tasks/terminal/task_finished": 1,
      "tasks/active/task_running": 1,
    });
  });

  test("calls and events are sums of their kinds", () => {
    const metrics = ofFramework(snapshot(cluster), frameworkId);
    for (const kind of ["calls", "events"]) {
      const kinds = Object.keys(metrics).filter((name) => name.startsWith(`${kind}/`));
      expect(metrics[kind]).toBe(kinds.reduce((sum, name) => sum + (metrics[name] ?? 0), 0));
    }
  });
});

test("without counters no counter is shown", () => {
  const { host } = runningCluster().cluster;
  const text = metricsSnapshot({ state: host.state, nowMs: host.nowMs });
  expect(text).not.toContain("messages_");
  expect(text).not.toContain("tasks_finished");
});

test("offers count as sent, accepted, declined or rescinded", () => {
  const { cluster, frameworkId } = offeredCluster();
  const counts = (): Snapshot => ofFramework(snapshot(cluster), frameworkId);
  expect(counts()).toMatchObject({ "offers/sent": 1 });
  const offerIds = (): { value: string }[] =>
    cluster.host.state.index.offersOfFramework(frameworkId).map(({ id }) => ({ value: id }));
  const decline = { offer_ids: [...offerIds(), { value: "unknown" }] };
  cluster.call(frameworkId, { type: "DECLINE", decline });
  expect(counts()).toMatchObject({ "offers/declined": 1, "calls/decline": 1 });
  cluster.host.nowMs += 10_000;
  cluster.apply({ type: "TIMER_DUE" });
  expect(offerIds()).toHaveLength(1);
  cluster.loseAgent();
  expect(counts()).toMatchObject({ "offers/sent": 2, "offers/rescinded": 1 });
  expect(snapshot(cluster)).toMatchObject({ "master/outstanding_offers": 0 });
});

test("a refused task counts as an error, a refused call not at all", () => {
  const { cluster, frameworkId } = runningCluster();
  cluster.launch(frameworkId, "long");
  const before = snapshot(cluster);
  expect(before).toMatchObject({ "master/tasks_error": 1 });
  const frameworkIdText = frameworkId as string;
  cluster.apply({
    type: "SCHEDULER_CALL",
    streamId: "old-stream" as StreamId,
    call: { type: "REVIVE", framework_id: { value: frameworkIdText } },
  });
  cluster.apply({
    type: "SCHEDULER_CALL",
    call: { type: "REVIVE", framework_id: { value: "nobody" } },
  });
  expect(snapshot(cluster)).toEqual(before);
});

test("unreachable agents and tasks are gauges, and a task is lost for those who know no partitions", () => {
  expect(snapshot(unreachableCluster())).toMatchObject({
    "master/slaves_active": 0,
    "master/slaves_unreachable": 1,
    "master/slave_removals": 1,
    "master/slave_unreachable_completed": 1,
    "master/tasks_unreachable": 1,
    "master/tasks_lost": 1,
    "master/tasks_running": 0,
    "master/cpus_total": 0,
    "master/cpus_used": 0,
    "master/cpus_percent": 0,
  });
});

test("the tasks of a removed framework count as killed", () => {
  const { cluster, frameworkId } = runningCluster();
  cluster.call(frameworkId, { type: "TEARDOWN" });
  expect(snapshot(cluster)).toMatchObject({
    "master/tasks_killed": 1,
    "master/tasks_finished": 1,
    "master/task_killed/source_master/reason_framework_removed": 1,
    "master/frameworks_active": 0,
    // It counts drivers that do not speak HTTP.
    "master/messages_unregister_framework": 0,
  });
});

test("a removed framework keeps its metrics while it is listed as completed", () => {
  const { cluster, frameworkId } = runningCluster();
  const before = ofFramework(snapshot(cluster), frameworkId);
  cluster.call(frameworkId, { type: "TEARDOWN" });
  const after = ofFramework(snapshot(cluster), frameworkId);
  expect(Object.keys(after)).toEqual(Object.keys(before));
  expect(after).toMatchObject({
    subscribed: 0,
    "calls/teardown": 1,
    "tasks/active/task_running": 0,
    "tasks/terminal/task_killed": 1,
  });
  for (let more = 0; more < COMPLETED_FRAMEWORKS_MAX; more++) {
    const id = cluster.subscribe(`more ${more}`);
    cluster.call(id, { type: "TEARDOWN" });
  }
  expect(ofFramework(snapshot(cluster), frameworkId)).toEqual({});
  expect(cluster.counters.frameworks.size).toBe(COMPLETED_FRAMEWORKS_MAX);
});

test("a framework that was removed before the restart has no metrics left", () => {
  const { cluster, frameworkId } = runningCluster();
  cluster.call(frameworkId, { type: "TEARDOWN" });
  cluster.host.evict();
  const { state, nowMs } = cluster.host;
  const text = metricsSnapshot({ state, nowMs, counters: createCounters() });
  expect(ofFramework(JSON.parse(text) as Snapshot, frameworkId)).toEqual({});
});

test("every counter of a framework is there from its first moment, at 0", () => {
  const cluster = new RecordedCluster();
  const id = cluster.subscribe("golden");
  const theirs = JSON.parse(recorded("metrics-running")) as Snapshot;
  const [recordedId = ""] = /[0-9a-f-]{36}-0000/.exec(Object.keys(theirs).join()) ?? [];
  const names = Object.keys(ofFramework(snapshot(cluster), id));
  expect(names.toSorted()).toEqual(Object.keys(ofFramework(theirs, recordedId)).toSorted());
  expect(ofFramework(snapshot(cluster), id)).toMatchObject({
    "calls/subscribe": 1,
    "calls/kill": 0,
    "operations/launch": 0,
  });
});

test("every name that Mesos shows of an idle cluster is there, but for the memory of a machine", () => {
  const { host, counters } = new RecordedCluster();
  const theirs = Object.keys(JSON.parse(recorded("metrics-idle")) as Snapshot);
  const { state, nowMs } = host;
  const vitals = new Vitals();
  vitals.fetched(1);
  for (const atMs of [nowMs - 1_000, nowMs]) {
    vitals.allocated({ latencyMs: 1, tookMs: 1 }, atMs);
    vitals.stored(1, atMs);
  }
  const shell = {
    ...vitals.metrics(nowMs),
    "master/event_queue_dispatches": 0,
    "registrar/queued_operations": 0,
    "registrar/registry_size_bytes": 0,
  };
  const ours = JSON.parse(metricsSnapshot({ state, nowMs, counters, shell })) as Snapshot;
  expect(theirs.filter((name) => !Object.hasOwn(ours, name))).toEqual([
    "system/mem_free_bytes",
    "system/mem_total_bytes",
  ]);
  expect(Object.keys(ours).filter((name) => !theirs.includes(name))).toEqual([]);
});

test("metrics are of the moment when the reading began, however long it takes", () => {
  const { cluster, frameworkId } = runningCluster();
  const { state, nowMs } = cluster.host;
  const measured = { state, nowMs, counters: cluster.counters };
  const before = metricsOf(measured);
  const measuring = measure(measured);
  cluster.call(frameworkId, { type: "TEARDOWN" });
  let step = measuring.next();
  while (step.done !== true) step = measuring.next();
  expect(step.value).toEqual(before);
  expect(metricsOf(measured)).not.toEqual(before);
});

test("a failed-over stream's ERROR counts for its framework", () => {
  const { cluster, frameworkId } = runningCluster();
  cluster.subscribe("again", { name: "golden", id: { value: frameworkId } });
  expect(ofFramework(snapshot(cluster), frameworkId)).toMatchObject({
    "events/error": 1,
    "events/subscribed": 2,
  });
  expect(snapshot(cluster)).toMatchObject({ "master/messages_reregister_framework": 1 });
});

test("an agent that registers again counts as re-registered", () => {
  const cluster = new RecordedCluster();
  cluster.registerAgent();
  cluster.host.nowMs += 1;
  cluster.registerAgent({ id: { value: cluster.agentId } });
  expect(snapshot(cluster)).toMatchObject({
    "master/slave_registrations": 1,
    "master/slave_reregistrations": 1,
    "master/messages_reregister_slave": 1,
  });
});

test("the time since the restart is the uptime, and its counters begin at 0", () => {
  const { cluster } = runningCluster();
  cluster.host.evict();
  cluster.host.nowMs += 2_500;
  const { state, nowMs } = cluster.host;
  const text = metricsSnapshot({ state, nowMs, counters: createCounters() });
  const metrics = JSON.parse(text) as Snapshot;
  expect(metrics).toMatchObject({
    "master/uptime_secs": 2.5,
    "master/tasks_finished": 0,
    "master/frameworks_active": 0,
    "master/frameworks_inactive": 1,
    "master/tasks_running": 1,
  });
});

test("a framework's name is percent-encoded in its metrics", () => {
  const cluster = new RecordedCluster();
  const id: FrameworkId = cluster.subscribe("a b/ü");
  expect(snapshot(cluster)).toMatchObject({
    [`master/frameworks/a%20b%2F%C3%BC/${id}/subscribed`]: 1,
  });
});
