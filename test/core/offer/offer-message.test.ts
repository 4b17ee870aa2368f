/** The form of an offer, and what of it is made once for many. */
import { expect, test } from "vitest";
import { infoTexts } from "../../../worker/core/agent/info.ts";
import { offerMessage } from "../../../worker/core/offer/offer-message.ts";
import type { AgentRow, FrameworkRow, OfferRow } from "../../../worker/core/rows.ts";
import type {
  AgentId,
  FrameworkId,
  OfferId,
  RelayId,
  SessionId,
} from "../../../worker/protocol/ids.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { encodeJson } from "../../../worker/protocol/wire/json.ts";
import { parseResourcesText } from "../../../worker/resources/text.ts";

function resourcesOf(text: string): OfferRow["resources"] {
  const parsed = parseResourcesText(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
}

const agent: AgentRow = {
  number: 0,
  seq: 1,
  id: "S0" as AgentId,
  ...infoTexts({
    hostname: "host",
    id: { value: "S0" },
    attributes: [{ name: "rack", type: "TEXT", text: { value: "r1" } }],
  }),
  hostname: "host",
  ip: "10.0.0.1",
  port: 5051,
  version: "1.12.0",
  capabilities: [],
  total: [],
  relayId: "relay-1" as RelayId,
  sessionId: "session" as SessionId,
  registeredMs: 0,
  connection: { state: "CONNECTED" },
  service: { state: "ACTIVE" },
};

function framework(...capabilities: mesos.FrameworkInfoCapabilityType[]): FrameworkRow {
  return {
    seq: 2,
    id: "F0" as FrameworkId,
    info: encodeJson("mesos.v1.FrameworkInfo", { user: "root", name: "f" }),
    roles: ["web"],
    suppressedRoles: [],
    capabilities,
    failoverTimeoutMs: 0,
    registeredMs: 0,
    reregisteredMs: 0,
    connection: { state: "DISCONNECTED", sinceMs: 0, removeAtMs: 0 },
  };
}

function offer(id: string, resources: OfferRow["resources"], role = "web"): OfferRow {
  return {
    seq: 3,
    id: id as OfferId,
    frameworkId: "F0" as FrameworkId,
    role,
    agentId: agent.id,
    resources,
    createdMs: 0,
  };
}

test("a framework of one role is told nothing of allocation, one of several roles is", () => {
  const resources = resourcesOf("cpus:1");
  const plain = offerMessage(offer("O1", resources), framework(), agent);
  expect(plain.allocation_info).toBeUndefined();
  expect(plain.resources).toEqual([
    { name: "cpus", type: "SCALAR", scalar: { value: 1 }, role: "*" },
  ]);
  const several = offerMessage(offer("O1", resources), framework("MULTI_ROLE"), agent);
  expect(several.allocation_info).toEqual({ role: "web" });
  expect(several.resources?.[0]?.allocation_info).toEqual({ role: "web" });
  expect(several).toMatchObject({
    id: { value: "O1" },
    framework_id: { value: "F0" },
    agent_id: { value: "S0" },
    hostname: "host",
    url: { scheme: "http", address: { hostname: "host", ip: "10.0.0.1", port: 5051 } },
    attributes: [{ name: "rack" }],
  });
});

test("reservations are a stack only for those who know of refinement", () => {
  const resources = resourcesOf("cpus(web):1");
  const old = offerMessage(offer("O1", resources), framework(), agent).resources?.[0];
  expect([old?.role, old?.reservations]).toEqual(["web", undefined]);
  const refined = framework("RESERVATION_REFINEMENT");
  const stack = offerMessage(offer("O1", resources), refined, agent).resources?.[0];
  expect([stack?.role, stack?.reservations]).toEqual([
    undefined,
    [{ type: "STATIC", role: "web" }],
  ]);
});

test("the same resources of the same agent are written once, others anew", () => {
  const multi = framework("MULTI_ROLE");
  const resources = resourcesOf("cpus:1;mem:64");
  const first = offerMessage(offer("O1", resources), multi, agent);
  // As arithmetic hands them on: another list of the same entries.
  const again = offerMessage(offer("O2", [...resources]), multi, agent);
  expect(again.resources).toBe(first.resources);
  expect(again.attributes).toBe(first.attributes);
  const less = offerMessage(offer("O3", resources.slice(1)), multi, agent);
  expect(less.resources?.map(({ name }) => name)).toEqual(["mem"]);
  const other = offerMessage(offer("O4", resources, "db"), multi, agent);
  expect(other.resources?.[0]?.allocation_info).toEqual({ role: "db" });
  expect(offerMessage(offer("O5", resources), multi, agent).resources?.map((r) => r.name)).toEqual([
    "cpus",
    "mem",
  ]);
});

test("many roles at one agent are all told right", () => {
  const multi = framework("MULTI_ROLE");
  const resources = resourcesOf("cpus:1");
  for (let round = 0; round < 2; round++) {
    for (let n = 0; n < 20; n++) {
      const message = offerMessage(offer(`O${n}`, resources, `r${n}`), multi, agent);
      expect(message.resources?.[0]?.allocation_info).toEqual({ role: `r${n}` });
    }
  }
});
