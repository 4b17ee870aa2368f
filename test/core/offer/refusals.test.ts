/** Refusals as groups: one row for a call, and what becomes of the agents that it names. */
import { expect, test } from "vitest";
import { newAgentNumber } from "../../../worker/core/agent/number.ts";
import { readRefused } from "../../../worker/core/offer/refused.ts";
import type { AgentRow, FilterRow } from "../../../worker/core/rows.ts";
import type { Turn } from "../../../worker/core/turn.ts";
import { whatIf } from "../../../worker/core/what-if.ts";
import type { AgentId } from "../../../worker/protocol/ids.ts";
import { writeAscending } from "../../../worker/std/number-text.ts";
import { World } from "../../scenarios/world.ts";
import { after, inHand, offered, say } from "../allocator/words.ts";

function agents(count: number, shape = "cpus=4 mem=1024"): string[] {
  return Array.from({ length: count }, (_, n) => `agent a${n + 1} ${shape}`);
}

function declineAll(world: World, framework: string, seconds: number): void {
  say(world, `decline ${framework} ${inHand(world, framework).join(",")} --refuse=${seconds}`);
}

function rows(world: World): readonly FilterRow[] {
  return world.host.state.tables.filter.rows();
}

/** Names of the agents that the row names and that are there. */
function named(world: World, row: FilterRow | undefined): string[] {
  if (row === undefined) return [];
  return [...world.host.state.refusals.agentsOf(row)].map((id) => world.nameOf(id));
}

function cpusOf({ refused: [first] }: FilterRow): number | undefined {
  const cpus = first?.find(({ name }) => name === "cpus");
  return cpus?.kind === "SCALAR" ? cpus.thousandths : undefined;
}

function numberOf(world: World, agent: string): number | undefined {
  return world.host.state.tables.agent.get(world.idOf(agent) as AgentId)?.number;
}

function markGone(world: World, agent: string): void {
  const mark_agent_gone = { agent_id: { value: world.idOf(agent) } };
  say(world, `operator ${JSON.stringify({ type: "MARK_AGENT_GONE", mark_agent_gone })}`);
}

test("what one call refuses of equal agents is one row, with the amounts once", () => {
  const world = after(World, ...agents(5), "framework f1 --roles=web");
  declineAll(world, "f1", 60);
  const [row, ...others] = rows(world);
  expect(others).toEqual([]);
  expect(named(world, row)).toEqual(["a1", "a2", "a3", "a4", "a5"]);
  expect([row?.refused.length, row?.which]).toEqual([1, undefined]);
});

test("different amounts of one call are in one row as well", () => {
  const world = after(World, ...agents(2), ...agents(4, "cpus=2").slice(2), "framework f1");
  declineAll(world, "f1", 60);
  const [row, ...others] = rows(world);
  expect(others).toEqual([]);
  const cpus = readRefused(row as FilterRow).map(([, [first]]) => first);
  expect(cpus.map((each) => each?.kind === "SCALAR" && each.thousandths)).toEqual([
    4_000, 4_000, 2_000, 2_000,
  ]);
  say(world, "tick 59999ms");
  expect(inHand(world, "f1")).toEqual([]);
  say(world, "tick 1ms");
  expect(inHand(world, "f1")).toHaveLength(4);
});

test("offers declined one by one within a second are one row, later ones another", () => {
  const world = after(World, "tick 10ms", ...agents(4), "framework f1");
  for (const offer of inHand(world, "f1").slice(0, 3)) {
    say(world, `decline f1 ${offer} --refuse=60`);
    say(world, "tick 10ms");
  }
  // They began at different times, but all end with the same second.
  expect(rows(world).map((row) => named(world, row).length)).toEqual([3]);
  expect(world.host.disk.rows().filter).toHaveLength(1);
  say(world, "tick 1000ms");
  declineAll(world, "f1", 60);
  expect(rows(world).map((row) => named(world, row).length)).toEqual([3, 1]);
  say(world, "tick 59959ms");
  expect(inHand(world, "f1")).toEqual([]);
  say(world, "tick 1ms");
  expect(inHand(world, "f1")).toHaveLength(3);
  say(world, "tick 1000ms");
  expect(inHand(world, "f1")).toHaveLength(4);
});

test("refusals of a second that end at different times are rows of their own", () => {
  const world = after(World, ...agents(3), "framework f1");
  const [first, second, third] = inHand(world, "f1");
  say(world, `decline f1 ${first} --refuse=60`);
  say(world, `decline f1 ${second} --refuse=61`);
  say(world, `decline f1 ${third} --refuse=5`);
  expect(rows(world)).toHaveLength(3);
  say(world, "tick 5000ms");
  expect(inHand(world, "f1")).toHaveLength(1);
});

test("a short refusal ends to the millisecond, a long one with a full second", () => {
  const world = after(World, "tick 1ms", ...agents(2), "framework f1");
  const [first, second] = inHand(world, "f1");
  say(world, `decline f1 ${first} --refuse=10`);
  say(world, `decline f1 ${second} --refuse=11`);
  say(world, "tick 9999ms");
  expect(inHand(world, "f1")).toEqual([]);
  say(world, "tick 1ms");
  expect(inHand(world, "f1")).toHaveLength(1);
  say(world, "tick 1998ms");
  expect(inHand(world, "f1")).toHaveLength(1);
  say(world, "tick 1ms");
  expect(inHand(world, "f1")).toHaveLength(2);
});

test("one call for two roles is a row for each", () => {
  const world = after(World, "framework f1 --roles=a,b", ...agents(2));
  const before = rows(world).length;
  declineAll(world, "f1", 3_600);
  expect(new Set(rows(world).map(({ role }) => role)).size).toBe(rows(world).length - before);
  declineAll(world, "f1", 3_600);
  expect(rows(world).map(({ role }) => role)).toEqual(expect.arrayContaining(["a", "b"]));
  expect(offered(world, "f1")).toBe(0);
  say(world, "revive f1 a");
  expect([offered(world, "f1", { role: "a" }), offered(world, "f1", { role: "b" })]).toEqual([
    8, 0,
  ]);
});

test("who refuses more of an agent leaves the older row, which stays for the others", () => {
  const world = after(World, "framework busy --roles=b", ...agents(3));
  say(world, `accept busy o1 launch t cpus=1 mem=32 --refuse=3600`);
  declineAll(world, "busy", 3_600);
  for (const line of ["suppress busy", "framework f1"]) say(world, line);
  declineAll(world, "f1", 3_600);
  const [older] = rows(world).filter(({ frameworkId }) => frameworkId === world.frameworkId("f1"));
  const holder = [...world.host.state.tables.task.values()][0]?.agentId ?? "";
  const agent = world.nameOf(holder);
  expect(named(world, older)).toHaveLength(3);
  say(world, "tick 2000ms");
  say(world, `update ${agent} busy t TASK_FINISHED`);
  expect(offered(world, "f1", { agent })).toBe(4);
  declineAll(world, "f1", 3_600);
  const [first, second, ...more] = rows(world).filter(
    ({ frameworkId }) => frameworkId === world.frameworkId("f1"),
  );
  expect(more).toEqual([]);
  expect([first?.seq, named(world, first).length]).toEqual([older?.seq, 2]);
  expect(named(world, second)).toEqual([agent]);
});

test("two offers of one agent that one call declines block it, and both amounts are refused", () => {
  const world = after(World, "framework f1", "agent a1 cpus=4 mem=1024");
  say(world, "accept f1 o1 launch t cpus=1 mem=512 --refuse=0");
  say(world, "tick 1000ms");
  say(world, "update a1 f1 t TASK_FINISHED");
  expect(inHand(world, "f1")).toHaveLength(2);
  declineAll(world, "f1", 60);
  expect(rows(world).filter(({ blocksAll }) => blocksAll)).toHaveLength(1);
  const kept = rows(world).filter(({ blocksAll }) => !blocksAll);
  expect(kept.map((row) => [named(world, row), cpusOf(row)])).toEqual([
    [["a1"], 3_000],
    [["a1"], 1_000],
  ]);
  say(world, "tick 1000ms");
  // Together they are more than either that was refused.
  expect(offered(world, "f1")).toBe(4);
});

test("a new agent is not kept from anybody by what was refused of one that went", () => {
  const world = after(World, ...agents(3), "framework f1");
  declineAll(world, "f1", 3_600);
  const number = numberOf(world, "a2");
  markGone(world, "a2");
  expect(named(world, rows(world)[0])).toEqual(["a1", "a3"]);
  say(world, "agent a4 cpus=4 mem=1024");
  expect(numberOf(world, "a4")).not.toBe(number);
  expect(offered(world, "f1", { agent: "a4" })).toBe(4);
  // When no row names it any more the number is somebody's again.
  say(world, "tick 1secs");
  say(world, "revive f1");
  say(world, "agent a5 cpus=4 mem=1024");
  expect(numberOf(world, "a5")).toBe(number);
});

test("an agent that comes back with other attributes is offered again, and it alone", () => {
  const world = after(World, ...agents(2), "framework f1");
  declineAll(world, "f1", 3_600);
  say(world, "agent a1 cpus=4 mem=1024");
  expect(inHand(world, "f1")).toEqual([]);
  say(world, "agent a1 cpus=4 mem=1024 --attributes=rack:r9");
  expect([offered(world, "f1", { agent: "a1" }), offered(world, "f1")]).toEqual([4, 4]);
  expect(named(world, rows(world)[0])).toEqual(["a2"]);
});

test("a row that nobody is named by any more goes", () => {
  const world = after(World, ...agents(2), "framework f1");
  declineAll(world, "f1", 3_600);
  say(world, "agent a1 cpus=4 mem=1024 --attributes=rack:r9");
  expect(rows(world)).toHaveLength(1);
  markGone(world, "a2");
  expect(rows(world)).toEqual([]);
});

test("long refusals of many agents survive the end of the object, in one row", () => {
  const world = after(World, ...agents(20), "framework f1 --failover=3600");
  declineAll(world, "f1", 3_600);
  expect(world.host.disk.rows().filter).toHaveLength(1);
  const before = rows(world);
  world.host.evict();
  expect(rows(world)).toEqual(before);
  expect(named(world, rows(world)[0])).toHaveLength(20);
});

test("what-if of a DECLINE, and of a REVIVE, leaves refusals as they were", () => {
  const world = after(World, "framework busy --roles=b", ...agents(2));
  say(world, `accept busy o1 launch t cpus=1 mem=32 --refuse=3600`);
  for (const line of ["suppress busy", "framework f1"]) say(world, line);
  declineAll(world, "f1", 3_600);
  say(world, "tick 2000ms");
  say(world, `update ${world.nameOf(holderOf(world))} busy t TASK_FINISHED`);
  const { state, nowMs } = world.host;
  const picture = (): unknown =>
    structuredClone([
      rows(world),
      [...state.tables.agent.values()].map(({ id: agentId }) =>
        state.refusals
          .of({ frameworkId: world.frameworkId("f1"), role: "f1", agentId })
          .map(({ row, refused }) => [row.seq, refused]),
      ),
    ]);
  const before = picture();
  const framework = state.tables.framework.get(world.frameworkId("f1"));
  const streamId =
    framework?.connection.state === "CONNECTED" ? framework.connection.streamId : undefined;
  if (streamId === undefined) throw new Error("f1 is connected");
  const framework_id = { value: world.frameworkId("f1") };
  const offer_ids = state.index.offersOfFramework(framework_id.value).map(({ id: value }) => ({
    value,
  }));
  for (const call of [
    { type: "DECLINE", framework_id, decline: { offer_ids, filters: { refuse_seconds: 9_999 } } },
    { type: "REVIVE", framework_id, revive: {} },
  ] as const) {
    const input = { type: "SCHEDULER_CALL", streamId, call } as const;
    const changed = whatIf(state, { turn: 99, nowMs, seed: 5, principal: {}, input }, picture);
    expect(changed).not.toEqual(before);
    expect(picture()).toEqual(before);
  }
});

function holderOf(world: World): string {
  return [...world.host.state.tables.task.values()][0]?.agentId ?? "";
}

test("numbers of agents stay low, however many came and went that are still named", () => {
  const world = after(World, "framework f1", "agent a1 cpus=4 mem=1024");
  const { state, nowMs } = world.host;
  const [template] = state.tables.agent.rows();
  const turn: Turn = { state, nowMs, random: undefined as never, principal: {}, effects: [] };
  let largest = 0;
  let seq = 1_000_000;
  for (let n = 0; n < 5_000; n++) {
    const number = newAgentNumber(turn);
    largest = Math.max(largest, number);
    const agent: AgentRow = {
      ...(template as AgentRow),
      seq: ++seq,
      id: `S${n}` as AgentId,
      number,
    };
    state.tables.agent.put(agent);
    if (n % 10 === 0) {
      // It names the agent that stays too, so that it does not go with the other.
      const filter: FilterRow = {
        seq: ++seq,
        frameworkId: world.frameworkId("f1"),
        role: "f1",
        agents: writeAscending([...new Set([template?.number ?? 0, number])]),
        refused: [template?.total ?? []],
        cause: "DECLINED",
        createdMs: nowMs,
        expiresAtMs: nowMs + 1e9,
        blocksAll: false,
      };
      state.tables.filter.put(filter);
    }
    state.tables.agent.delete(agent.id);
  }
  expect(largest).toBeLessThan(2_000);
  for (const row of state.tables.filter.rows()) {
    expect([...state.refusals.agentsOf(row)]).toEqual([template?.id]);
  }
});
