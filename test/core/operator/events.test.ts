import { expect, test } from "vitest";
import { SUBSCRIBERS_MAX } from "../../../worker/core/constants.ts";
import type { Effect } from "../../../worker/core/effect.ts";
import type { StreamId } from "../../../worker/protocol/ids.ts";
import { MasterHost } from "../../support/master-host.ts";
import { RecordedCluster, runningCluster } from "./recorded-cluster.ts";

function subscribe(host: MasterHost, name: string): readonly Effect[] {
  return host.apply({ type: "OPERATOR_SUBSCRIBE", streamId: name as StreamId }).effects;
}

function published(effects: readonly Effect[]): readonly unknown[] {
  return effects.flatMap((effect) => (effect.type === "PUBLISH" ? effect.event : []));
}

test("the oldest of a thousand subscribers is closed for a new one, and no other", () => {
  const host = new MasterHost();
  for (let at = 0; at < SUBSCRIBERS_MAX; at++) {
    expect(subscribe(host, `s${at}`).some(({ type }) => type === "CLOSE_STREAM")).toBe(false);
  }
  const effects = subscribe(host, "one too many");
  const closed = effects.filter(({ type }) => type === "CLOSE_STREAM");
  expect(closed).toEqual([{ type: "CLOSE_STREAM", streamId: "s0" }]);
  expect(host.state.tables.subscriber.size).toBe(SUBSCRIBERS_MAX);
}, 60_000);

test("a subscriber hears a HEARTBEAT at once and then every 15 s", () => {
  const host = new MasterHost();
  const isHeartbeat = (effect: Effect): boolean =>
    effect.type === "SEND_OPERATOR_EVENT" && effect.event.type === "HEARTBEAT";
  expect(subscribe(host, "s").filter(isHeartbeat)).toHaveLength(1);
  const beats: number[] = [];
  const startMs = host.nowMs;
  while (host.nowMs < startMs + 60_000) {
    host.nowMs += 1_000;
    const { effects } = host.apply({ type: "TIMER_DUE" });
    if (effects.some(isHeartbeat)) beats.push(host.nowMs - startMs);
  }
  expect(beats).toEqual([15_000, 30_000, 45_000, 60_000]);
});

test("without a subscriber nothing is published", () => {
  const cluster = new RecordedCluster();
  const { effects } = cluster.registerAgent();
  expect(published(effects)).toEqual([]);
});

test("an agent that returns is told of with what its tasks have, and without offers of it", () => {
  const { cluster, frameworkId } = runningCluster();
  cluster.loseAgent();
  subscribe(cluster.host, "s");
  const events = published(cluster.registerAgent().effects);
  cluster.call(frameworkId, { type: "REVIVE" });
  expect(events).toMatchObject([
    { type: "TASK_ADDED" },
    {
      type: "AGENT_ADDED",
      agent_added: { agent: { active: true, deactivated: false, offered_resources: [] } },
    },
  ]);
});
