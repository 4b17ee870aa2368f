import { expect, test } from "vitest";
import { wholeText } from "../../../worker/core/operator/documents/long-text.ts";
import { offerConstraintsDocument } from "../../../worker/core/operator/documents/offer-constraints.ts";
import { registryDocument } from "../../../worker/core/operator/documents/registry.ts";
import type { AgentId } from "../../../worker/protocol/ids.ts";
import { defined } from "../../../worker/std/assert.ts";
import { masked, recorded } from "./golden-text.ts";
import { RecordedCluster, unreachableCluster } from "./recorded-cluster.ts";

function registry({ host }: RecordedCluster): string {
  return wholeText(registryDocument(host.state));
}

function parsed(cluster: RecordedCluster): Record<string, unknown> {
  return JSON.parse(registry(cluster)) as Record<string, unknown>;
}

test("the registry of an idle cluster is as Mesos writes it", () => {
  const cluster = new RecordedCluster();
  cluster.registerAgent();
  expect(masked(registry(cluster))).toEqual(masked(recorded("registry-idle")));
});

test("an unreachable agent is in the list of those, and the other one is empty", () => {
  expect(masked(registry(unreachableCluster()))).toEqual(masked(recorded("registry-unreachable")));
});

test("a draining agent is written down with what it was told", () => {
  const cluster = new RecordedCluster();
  cluster.registerAgent();
  const { agent } = cluster.host.state.tables;
  const row = defined(agent.get(cluster.agentId), "it registered");
  const config = { maxGracePeriodNs: "5000000000", markGone: true };
  agent.put({ ...row, service: { state: "DRAINING", config, startedMs: 0 } });
  const { slaves, minimum_capabilities } = parsed(cluster);
  expect(slaves).toMatchObject({
    slaves: [
      {
        deactivated: true,
        drain_info: {
          state: "DRAINING",
          config: { max_grace_period: { nanoseconds: 5_000_000_000 }, mark_gone: true },
        },
      },
    ],
  });
  expect(minimum_capabilities).toEqual([{ capability: "AGENT_DRAINING" }]);
});

test("what operators set is in it, and only while it is set", () => {
  const cluster = new RecordedCluster();
  expect(Object.keys(parsed(cluster))).toEqual(["master", "slaves"]);
  const { role, machine, goneAgent } = cluster.host.state.tables;
  role.put({
    seq: 901,
    name: "eng",
    weight: 2.5,
    quota: { guarantees: { cpus: 1_000 }, limits: { cpus: 2_000 } },
  });
  const window = { startNs: "1000", durationNs: "2000", mode: "DRAINING" } as const;
  machine.put({ seq: 902, hostname: "a", ip: "", window: 1, ...window });
  machine.put({ seq: 903, hostname: "b", ip: "10.0.0.1", window: 2, ...window, mode: "DOWN" });
  goneAgent.put({ seq: 904, id: "S9" as AgentId, goneMs: 5_000 });
  const unavailability = { start: { nanoseconds: 1_000 }, duration: { nanoseconds: 2_000 } };
  expect(parsed(cluster)).toMatchObject({
    gone: { slaves: [{ id: { value: "S9" }, timestamp: { nanoseconds: 5_000_000_000 } }] },
    machines: {
      machines: [
        { info: { id: { hostname: "a" }, mode: "DRAINING", unavailability } },
        { info: { id: { hostname: "b", ip: "10.0.0.1" }, mode: "DOWN", unavailability } },
      ],
    },
    minimum_capabilities: [{ capability: "QUOTA_V2" }],
    quota_configs: [
      { role: "eng", guarantees: { cpus: { value: 1 } }, limits: { cpus: { value: 2 } } },
    ],
    schedules: [
      {
        windows: [
          { machine_ids: [{ hostname: "a" }], unavailability },
          { machine_ids: [{ hostname: "b", ip: "10.0.0.1" }], unavailability },
        ],
      },
    ],
    slaves: {},
    weights: [{ info: { role: "eng", weight: 2.5 } }],
  });
});

test("offer constraints are shown by what they exclude, role by role", () => {
  const cluster = new RecordedCluster();
  const debug = (): unknown => JSON.parse(wholeText(offerConstraintsDocument(cluster.host.state)));
  expect(debug()).toEqual({ frameworks: {} });
  cluster.registerAgent();
  const id = cluster.subscribe("golden", { roles: ["a", "b"] });
  const { framework } = cluster.host.state.tables;
  const row = defined(framework.get(id), "it subscribed");
  const selector = { pseudoattribute_type: "HOSTNAME" };
  const elsewhere = { selector, predicate: { text_equals: { value: "elsewhere" } } };
  const role_constraints = { a: { groups: [{ attribute_constraints: [elsewhere] }] } };
  framework.put({
    ...row,
    suppressedRoles: ["b"],
    offerConstraints: JSON.stringify({ role_constraints }),
  });
  expect(debug()).toEqual({
    frameworks: {
      [id]: {
        suppressed_roles: ["b"],
        excluded_by_attribute_constraints: { a: [cluster.agentId], b: [] },
      },
    },
  });
});
