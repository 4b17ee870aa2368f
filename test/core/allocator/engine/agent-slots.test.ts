/** Agents by numbers: in which order they come, and what is known of them. */
import { describe, expect, test } from "vitest";
import { AgentSlots } from "../../../../worker/core/allocator/agent-slots.ts";
import { Look, Trait } from "../../../../worker/core/allocator/engine/agent-columns.ts";
import { COLUMNS_MAX } from "../../../../worker/core/allocator/engine/amounts.ts";
import type { AgentRow } from "../../../../worker/core/rows.ts";
import type { AgentId } from "../../../../worker/protocol/ids.ts";
import type { Resource, Resources } from "../../../../worker/resources/resource.ts";
import { defined } from "../../../../worker/std/assert.ts";
import { World } from "../../../scenarios/world.ts";
import { after, inHand, offered, say } from "../words.ts";

function order({ host: { state } }: World): readonly string[] {
  const { agents } = state.allocation;
  return [...agents.slots()].map((slot) => agents.rowAt(slot).id);
}

test("an agent that is taken out and put back has its old place", () => {
  const world = after(World, "agent a1 cpus=1", "agent a2 cpus=1", "agent a3 cpus=1");
  const before = order(world);
  const { agent } = world.host.state.tables;
  const row = defined(agent.get(world.idOf("a1") as AgentId), "it has registered");
  agent.delete(row.id);
  expect(order(world)).toEqual(before.slice(1));
  agent.undo({ table: "agent", key: row.id, before: row, after: undefined });
  expect(order(world)).toEqual(before);
});

/** How the engine looks at the only agent. */
function lookAt(world: World): number | undefined {
  const { allocation } = world.host.state;
  allocation.engine();
  const [slot = 0] = allocation.agents.slots();
  return allocation.agents.columns.look[slot];
}

test("an agent is looked at by numbers until something on it is reserved, and by rows from then on", () => {
  const world = after(World, "agent a1 cpus=4 mem=1024", "framework f1 --roles=eng");
  expect(lookAt(world)).toBe(Look.PLAIN);
  const reservations = [{ type: "DYNAMIC", role: "eng" }];
  const resources = [{ name: "cpus", type: "SCALAR", scalar: { value: 1 }, reservations }];
  const operations = [{ type: "RESERVE", reserve: { resources } }];
  const accept = { offer_ids: [{ value: "$o1" }], operations };
  say(world, `scheduler f1 ${JSON.stringify({ type: "ACCEPT", accept })}`);
  expect(lookAt(world)).toBe(Look.EXACT);
});

test("an agent with more kinds than there are columns is offered all of them all the same", () => {
  const kinds = Array.from({ length: COLUMNS_MAX + 2 }, (_, n) => `kind${n}=${n + 1}`);
  const world = after(
    World,
    `agent a1 cpus=4 ${kinds.join(" ")}`,
    "agent a2 cpus=4 mem=1024",
    "framework f1 --roles=eng",
  );
  expect(inHand(world, "f1")).toHaveLength(2);
  const last = `kind${COLUMNS_MAX + 1}`;
  expect(offered(world, "f1", { kind: last, agent: "a1" })).toBe(COLUMNS_MAX + 2);
});

const CPUS: Resource = { name: "cpus", reservations: [], kind: "SCALAR", thousandths: 4_000 };
const MOUNT: Resource = {
  name: "disk",
  reservations: [],
  kind: "SCALAR",
  thousandths: 500_000,
  disk: { source: { type: "MOUNT", mount: { root: "/mnt" } } },
};
const FOR_ENG: Resource = {
  name: "gold",
  reservations: [{ type: "STATIC", role: "eng" }],
  kind: "SCALAR",
  thousandths: 1_000,
};

/** The row of the only agent there is. */
function agentRow(): AgentRow {
  const [row] = after(World, "agent a1 cpus=4 mem=1024").host.state.tables.agent.values();
  return defined(row, "it has registered");
}

/** What the engine knows of the agent with this total, of which so much is held. */
function known(facts: Partial<AgentRow>, held: Resources = []): AgentSlots {
  const slots = new AgentSlots({}, () => held);
  slots.put({ ...agentRow(), ...facts });
  slots.settle();
  return slots;
}

describe("an agent is looked at", () => {
  const look = (total: Resources, held?: Resources): number | undefined =>
    known({ total }, held).columns.look[0];

  test("by numbers when all it has can be cut and is for everybody", () => {
    expect(look([CPUS])).toBe(Look.PLAIN);
  });

  test("by its rows when a disk is mounted or something is reserved", () => {
    expect([look([CPUS, MOUNT]), look([CPUS, FOR_ENG])]).toEqual([Look.EXACT, Look.EXACT]);
  });

  test("not at all while more is held than it has", () => {
    expect(look([CPUS], [{ ...CPUS, thousandths: 4_001 }])).toBe(Look.NONE);
    expect(look([CPUS], [CPUS])).toBe(Look.PLAIN);
  });
});

test("an agent that comes back with other capabilities is known by those", () => {
  const slots = known({ capabilities: ["MULTI_ROLE", "HIERARCHICAL_ROLE"] });
  expect(slots.columns.traits[0]).toBe(0);
  slots.put({ ...slots.rowAt(0), capabilities: ["MULTI_ROLE"] });
  expect(slots.columns.traits[0]).toBe(Trait.NOT_HIERARCHICAL);
});

test("what an agent had that is gone counts for nothing, nor for the next one in its slot", () => {
  const slots = known({ total: [CPUS] });
  const { columns } = slots;
  const cpus = columns.kinds.numberOf("cpus");
  expect(columns.offeredOf(cpus)).toBe(4_000);
  const row = slots.rowAt(0);
  slots.remove(row.id);
  expect([columns.offeredOf(cpus), columns.free.isZero(0)]).toEqual([0, true]);
  expect(slots.put({ ...row, id: "S9" as AgentId, total: [] })).toBe(0);
  slots.settle();
  expect([columns.offeredOf(cpus), columns.look[0]]).toEqual([0, Look.PLAIN]);
});
