/** What every allocation policy must keep; runs over the whole table, and over one more. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPolicyName, policies } from "../../../worker/core/allocator/policies/index.ts";
import type { Policy } from "../../../worker/core/allocator/policy.ts";
import { prng } from "../../../worker/std/prng.ts";
import { byName } from "./by-name.ts";
import { Cluster, client } from "./cluster.ts";
import { memory } from "./memory.ts";

const ALL = ["*:f1", "a:f1", "a:f2", "a/b:f1", "a/b/c:f3", "d:f3", "d:f4", "x/y:f5"] as const;
const someClient = fc.constantFrom(...ALL);

/**
 * Anything that may happen to a client; what the rules forbid at that point is left out when it is
 * played.
 */
const event = fc.oneof(
  fc.record({
    type: fc.constantFrom("ADD", "REMOVE", "ACTIVATE", "DEACTIVATE", "TURN"),
    who: someClient,
  }),
  fc.record({
    type: fc.constantFrom("GIVE", "TAKE"),
    who: someClient,
    cpus: fc.integer({ min: 0, max: 5 }),
    mem: fc.integer({ min: 0, max: 50 }),
  }),
  fc.record({
    type: fc.constant("SET_ROLE"),
    role: fc.constantFrom("a", "a/b", "d", "x"),
    weight: fc.constantFrom(0.5, 1, 3),
  }),
);
type Event = typeof event extends fc.Arbitrary<infer E> ? E : never;

interface Known {
  active: boolean;
  held: { cpus: number; mem: number }[];
}

/**
 * Plays the events by the rules, and keeps its own book of who is there, active and holding what.
 */
function play(
  policy: Policy,
  events: readonly Event[],
): { cluster: Cluster; book: Map<string, Known> } {
  const cluster = new Cluster(policy);
  const book = new Map<string, Known>();
  for (const happening of events) {
    if ("role" in happening) cluster.role(happening.role, { weight: happening.weight });
    else if ("cpus" in happening) playHold(cluster, book.get(happening.who), happening);
    else playClient(cluster, book, happening);
  }
  return { cluster, book };
}

function playHold(
  cluster: Cluster,
  known: Known | undefined,
  { type, who, cpus, mem }: { type: string; who: string; cpus: number; mem: number },
): void {
  if (type === "GIVE" && known !== undefined) {
    known.held.push({ cpus, mem });
    cluster.give(who, { cpus, mem });
  }
  const taken = type === "TAKE" ? known?.held.pop() : undefined;
  if (taken !== undefined) cluster.take(who, taken);
}

function playClient(
  cluster: Cluster,
  book: Map<string, Known>,
  { type, who }: { type: string; who: string },
): void {
  const known = book.get(who);
  if (type === "ADD" && known === undefined) {
    book.set(who, { active: true, held: [] });
    cluster.add(who);
  }
  if (known === undefined) return;
  if (type === "REMOVE") {
    for (const held of known.held) cluster.take(who, held);
    book.delete(who);
    cluster.remove(who);
  }
  if (type === "TURN") cluster.turn(who);
  if (type !== "ACTIVATE" && type !== "DEACTIVATE") return;
  known.active = type === "ACTIVATE";
  if (known.active) cluster.state.activate(client(who));
  else cluster.state.deactivate(client(who));
}

const own = { "by name": byName, memory };

describe.each([...Object.entries(policies), ...Object.entries(own)])(
  "the policy %s",
  (_name, policy) => {
    const history = fc.array(event, { maxLength: 60 });

    test("gives every active client exactly once, and nobody else", () => {
      fc.assert(
        fc.property(history, fc.nat(), (events, seed) => {
          const { cluster, book } = play(policy, events);
          const active = [...book].filter(([, known]) => known.active).map(([who]) => who);
          expect(cluster.order(seed).toSorted()).toEqual(active.toSorted());
        }),
      );
    });

    test("gives the same order for the same history and seed", () => {
      fc.assert(
        fc.property(history, fc.nat(), (events, seed) => {
          const { cluster } = play(policy, events);
          const order = cluster.order(seed);
          expect(cluster.order(seed)).toEqual(order);
          expect(play(policy, events).cluster.order(seed)).toEqual(order);
        }),
      );
    });

    test("gives the same order in whatever order it was told", () => {
      fc.assert(
        fc.property(fc.shuffledSubarray([...ALL]), fc.nat(), (told, seed) => {
          const build = (clients: readonly string[], roleFirst: boolean): Cluster => {
            const cluster = new Cluster(policy);
            if (roleFirst) cluster.role("a", { weight: 2 });
            for (const who of clients) cluster.add(who).give(who, { cpus: who.length });
            return roleFirst ? cluster : cluster.role("a", { weight: 2 });
          };
          expect(build(told, true).order(seed)).toEqual(build(told.toSorted(), false).order(seed));
        }),
      );
    });

    test("gives the same order after an allocation was taken back", () => {
      fc.assert(
        fc.property(history, someClient, fc.nat(), (events, who, seed) => {
          const { cluster, book } = play(policy, events);
          if (!book.has(who)) return;
          const before = cluster.order(seed);
          const parts: readonly Record<string, number>[] = [
            { cpus: 0.1 },
            { cpus: 0.2, mem: 33.333 },
            { mem: 0.001 },
            { gpus: 1 },
          ];
          for (const part of parts) cluster.give(who, part);
          for (const part of parts) cluster.take(who, part);
          expect(cluster.order(seed)).toEqual(before);
        }),
      );
    });

    test("gives the same order after a client came and went", () => {
      fc.assert(
        fc.property(history, fc.nat(), (events, seed) => {
          const { cluster } = play(policy, events);
          const before = cluster.order(seed);
          cluster.add("a/b:new", "n/e/w:new").give("n/e/w:new", { cpus: 3 });
          cluster.take("n/e/w:new", { cpus: 3 }).remove("n/e/w:new").remove("a/b:new");
          expect(cluster.order(seed)).toEqual(before);
        }),
      );
    });

    test("goes on with the same order when the client given last gets something", () => {
      fc.assert(
        fc.property(history, fc.nat(), (events, seed) => {
          const { cluster } = play(policy, events);
          const before = cluster.order(seed);
          const seen: string[] = [];
          for (const { role, frameworkId } of cluster.state.order({ random: prng(seed) })) {
            const who = `${role}:${frameworkId}`;
            seen.push(who);
            cluster.give(who, { cpus: 20, mem: 10 }).turn(who);
          }
          expect(seen).toEqual(before);
        }),
      );
    });

    test("leaves out top-level roles that are skipped, with everything below them", () => {
      const cluster = new Cluster(policy).add(...ALL);
      const order = cluster.order(7, (role) => role === "a" || role === "x/y" || role === "d");
      expect(order.toSorted()).toEqual(["*:f1", "x/y:f5"]);
    });

    test("asks whether to skip a role when its turn comes, not before", () => {
      const cluster = new Cluster(policy).add(...ALL);
      const seen = new Set<string>();
      const skipsTree = (): boolean => seen.size > 0;
      for (const { role } of cluster.state.order({ random: prng(7), skipsTree })) {
        seen.add(role.split("/")[0] ?? "");
      }
      expect(seen.size).toBe(1);
    });

    test("has no order without clients, and none for a total of nothing that fails", () => {
      expect(new Cluster(policy).order()).toEqual([]);
      const cluster = new Cluster(policy, {}).add("a:f1", "b:f2").give("a:f1", { cpus: 1 });
      expect(cluster.order().toSorted()).toEqual(["a:f1", "b:f2"]);
    });

    test("asserts the rules that the caller keeps", () => {
      const cluster = new Cluster(policy).add("a:f1").give("a:f1", { cpus: 1 });
      expect(() => cluster.add("a:f1")).toThrow("once");
      expect(() => cluster.remove("a:f1")).toThrow("nothing left");
      expect(() => cluster.take("a:f1", { cpus: 2 })).toThrow("cpus");
      expect(() => cluster.take("a:f1", { mem: 1 })).toThrow("mem");
      expect(() => cluster.give("a:f2", { cpus: 1 })).toThrow("client");
      expect(() => cluster.turn("a/b:f1")).toThrow("client");
      expect(() => cluster.role("a", { weight: 0 })).toThrow("weight");
    });
  },
);

test("the names of the table are the values of the setting", () => {
  expect(Object.keys(policies).every(isPolicyName)).toBe(true);
  expect(isPolicyName("toString")).toBe(false);
});
