/** Orders that are kept from one time to the next. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { drf } from "../../../worker/core/allocator/policies/drf.ts";
import { treePolicy } from "../../../worker/core/allocator/policies/role-tree.ts";
import { Cluster, client } from "./cluster.ts";

/** Sorts anew every time. */
const anew = treePolicy((siblings) =>
  siblings.toSorted((a, b) => a.share - b.share || a.turns - b.turns || (a.name < b.name ? -1 : 1)),
);

const CLIENTS = Array.from({ length: 40 }, (_, n) => `${["a", "a/b", "c"][n % 3]}:f${n}`);
const who = fc.nat(CLIENTS.length - 1);
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("GIVE"), who, cpus: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("TURN"), who, cpus: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("REST"), who, cpus: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("RETURN"), who, cpus: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("TOTAL"), who, cpus: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("WEIGHT"), who, cpus: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("REPLACE"), who, cpus: fc.nat(3) }) },
);
type Event = typeof event extends fc.Arbitrary<infer E> ? E : never;

function play(cluster: Cluster, { type, who: at, cpus }: Event, held: Map<string, number>): void {
  const name = CLIENTS[at] ?? "";
  const has = held.get(name) ?? 0;
  if (type === "GIVE") {
    cluster.give(name, { cpus });
    held.set(name, has + cpus);
  } else if (type === "TURN") cluster.turn(name);
  else if (type === "REST") cluster.state.deactivate(client(name));
  else if (type === "RETURN") cluster.state.activate(client(name));
  else if (type === "TOTAL") cluster.state.setTotal({ cpus: 1_000 * (50 + cpus) });
  else if (type === "WEIGHT") cluster.role(client(name).role, { weight: 1 + cpus });
  else {
    cluster.take(name, { cpus: has }).remove(name).add(name);
    held.set(name, 0);
  }
}

test("an order that is kept is the one that sorting anew gives, whatever has changed between", () => {
  const history = fc.array(fc.tuple(event, fc.nat(3)), { maxLength: 80 });
  fc.assert(
    fc.property(history, (events) => {
      const kept = new Cluster(drf).add(...CLIENTS);
      const fresh = new Cluster(anew).add(...CLIENTS);
      const [mine, theirs] = [new Map<string, number>(), new Map<string, number>()];
      for (const [happening, looks] of events) {
        play(kept, happening, mine);
        play(fresh, happening, theirs);
        // Sometimes several things happen between two orders.
        if (looks === 0) expect(kept.order()).toEqual(fresh.order());
      }
      expect(kept.order()).toEqual(fresh.order());
    }),
    { numRuns: 150 },
  );
});
