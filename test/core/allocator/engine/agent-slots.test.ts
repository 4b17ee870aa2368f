/** Agents by numbers: in which order they come, and what is known of them. */
import { expect, test } from "vitest";
import { Look } from "../../../../worker/core/allocator/engine/agent-columns.ts";
import { COLUMNS_MAX } from "../../../../worker/core/allocator/engine/amounts.ts";
import type { AgentId } from "../../../../worker/protocol/ids.ts";
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
