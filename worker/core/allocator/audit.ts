/**
 * Compares what the allocator keeps with what it would make of the same rows if it began anew:
 * invariant 7. Costs as much as a start; for tests and the simulator.
 *
 * Left out is what rows do not tell: whose turn it was (it is taken over before orders are
 * compared), and which agents wait to be looked at.
 */
import type { MasterState } from "../state.ts";
import { tableNames } from "../tables.ts";
import { Allocation } from "./allocation.ts";
import { TRAIT_SETS } from "./engine/agent-columns.ts";
import { hasBit } from "./engine/bits.ts";
import { bitOf } from "./engine/client-masks.ts";
import type { Engine } from "./engine/engine.ts";
import type { OrderTree } from "./engine/order-tree.ts";
import { NONE } from "./engine/tree-columns.ts";
import { restoreTurns, turnMarks } from "./engine/turn-marks.ts";

/** What differs, as sentences; none: everything is as it should be. */
export function auditAllocation(state: MasterState): readonly string[] {
  const kept = state.allocation;
  const fresh = begunAnew(state);
  const [mine, other] = [kept.engine(), fresh.engine()];
  if (mine === undefined || other === undefined) return [];
  restoreTurns(other.tree, turnMarks(mine.tree));
  return [
    ...agentDifferences(kept, fresh),
    ...clientDifferences(mine, other),
    ...orderDifferences(mine.tree, other.tree),
    ...quotaDifferences(kept, fresh),
    ...refusalDifferences(state, mine),
  ];
}

function begunAnew({ tables, refusals, settings }: MasterState): Allocation {
  const fresh = new Allocation(tables, refusals, settings);
  for (const table of tableNames) {
    for (const row of tables[table].values()) {
      fresh.follow({ table, key: "", before: undefined, after: row });
    }
  }
  return fresh;
}

function agentDifferences(kept: Allocation, fresh: Allocation): readonly string[] {
  const facts = (of: Allocation): ReadonlyMap<string, string> => {
    const { columns } = of.agents;
    const { kinds, free } = columns;
    const all = [...of.agents.slots()].map((slot) => {
      const amounts = [...free.entries(slot)].map(([kind, n]) => `${kinds.nameOf(kind)}:${n}`);
      const [look, traits] = [columns.look[slot], columns.traits[slot]];
      const rest = columns.rest[slot] === 0 ? "none" : "some";
      const text = `look ${look}, traits ${traits}, rest ${rest}, ${amounts.sort().join()}`;
      return [of.agents.rowAt(slot).id, text] as const;
    });
    for (let kind = 0; kind < kinds.size; kind++) {
      const offered = columns.offeredOf(kind);
      if (offered !== 0) all.push([`all ${kinds.nameOf(kind)}` as never, String(offered)]);
    }
    return new Map(all);
  };
  return unequal("agent", facts(kept), facts(fresh));
}

/** Clients that want nothing and hold nothing are forgotten at the next allocation. */
function clientDifferences(kept: Engine, fresh: Engine): readonly string[] {
  const facts = ({ tree, clients }: Engine): ReadonlyMap<string, string> => {
    const all = new Map<string, string>();
    for (const number of tree.clientNumbers()) {
      const { role, frameworkId } = tree.clientAt(number);
      const leaf = tree.leafOf(number);
      const isIn = (set: Int32Array): boolean => hasBit(set, 0, number);
      const wants = isIn(clients.wanting);
      if (!wants && tree.columns.allocated.isZero(leaf)) continue;
      const sets = Array.from({ length: TRAIT_SETS }, (_, traits) =>
        Number(isIn(clients.candidates(traits).set)),
      );
      const lacks = clients.lacking.flatMap((set, bit) =>
        isIn(set) ? [tree.kinds.nameOf(bit)] : [],
      );
      const quota = [...lacks.sort(), ...clients.roomy.map(isIn)];
      const has = [...tree.viewOf(leaf).allocated].sort().join(" ");
      const bits = `${sets.join("")} ${clients.isScreened(number)} ${quota.join()}`;
      all.set(`${role} ${frameworkId}`, `wants ${wants}, has ${has}, ${bits}`);
    }
    return all;
  };
  return unequal("client", facts(kept), facts(fresh));
}

function orderDifferences(kept: OrderTree, fresh: OrderTree): readonly string[] {
  if (kept.ranking.type !== "COMPARED") return [];
  return unequal("order in", ordersIn(kept), ordersIn(fresh));
}

/** Of every inner node: who wants offers in it, in order, and with what share. */
function ordersIn(tree: OrderTree): ReadonlyMap<string, string> {
  const orders = new Map<string, string>();
  const look = (node: number, way: string): void => {
    const { ordered, count } = tree.settled(node);
    const nodes = [...ordered.subarray(0, count)];
    const siblings = nodes.map((each) => `${tree.nameOf(each)} ${tree.shareOf(each)}`);
    orders.set(way, siblings.join(", "));
    for (const each of nodes) {
      if (tree.columns.client[each] === NONE) look(each, `${way}/${tree.nameOf(each)}`);
    }
  };
  look(0, "");
  return orders;
}

function quotaDifferences(kept: Allocation, fresh: Allocation): readonly string[] {
  const facts = (of: Allocation): ReadonlyMap<string, string> => {
    const books = of.quota()?.books;
    const all = new Map<string, string>();
    if (books === undefined) return all;
    for (const role of books.names()) {
      const { lacks, room } = books.factsOf(role);
      const kinds = Array.from({ length: books.kinds.size }, (_, kind) => kind)
        .filter((kind) => (lacks >> bitOf(kind)) & 1)
        .map((kind) => books.kinds.nameOf(kind));
      all.set(role, `lacks ${kinds.sort().join()}, room ${room}`);
    }
    for (let kind = 0; kind < books.kinds.size; kind++) {
      const name = books.kinds.nameOf(kind);
      const had = [...books.names()].map((role) => `${role} ${books.consumedBy(role, kind)}`);
      const text = `${books.requiredOf(kind)} required, ${had.join()}`;
      if (text !== `0 required, ${had.map((each) => each.replace(/\d+$/, "0")).join()}`) {
        all.set(`all ${name}`, text);
      }
    }
    return all;
  };
  return unequal("quota", facts(kept), facts(fresh));
}

/** A bit that is set for nothing keeps something from somebody for ever. */
function refusalDifferences({ allocation, refusals }: MasterState, engine: Engine) {
  const differences: string[] = [];
  for (const slot of allocation.agents.slots()) {
    const row = allocation.agents.rowAt(slot);
    const free = allocation.free(row);
    for (const number of engine.tree.clientNumbers()) {
      const client = { ...engine.tree.clientAt(number), agentId: row.id };
      const name = `${client.frameworkId} in ${client.role} on ${row.id}`;
      const isCovered = engine.refusals.isCovered(slot, number);
      const isNoted = isCovered || engine.refusals.isAsked(slot, number);
      if (isNoted !== refusals.of(client).length > 0) {
        differences.push(`refusals of ${name} are ${isNoted ? "" : "not "}noted`);
      }
      if (isCovered && free !== undefined && !refusals.keeps(client, free)) {
        differences.push(`refusals of ${name} do not cover what is free`);
      }
    }
  }
  return differences;
}

function unequal(
  what: string,
  kept: ReadonlyMap<string, string>,
  fresh: ReadonlyMap<string, string>,
): readonly string[] {
  const names = new Set([...kept.keys(), ...fresh.keys()]);
  return [...names]
    .filter((name) => kept.get(name) !== fresh.get(name))
    .map((name) => `${what} ${name} is kept as ${kept.get(name)}, would be ${fresh.get(name)}`);
}
