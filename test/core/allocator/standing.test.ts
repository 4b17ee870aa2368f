/** What counts for a client's share: everything that it holds, shared volumes once. */
import { expect, test } from "vitest";
import { Standing } from "../../../worker/core/allocator/standing.ts";
import type { AgentId, FrameworkId } from "../../../worker/protocol/ids.ts";
import type { Resources } from "../../../worker/resources/resource.ts";
import { prng } from "../../../worker/std/prng.ts";

const agentId = "S0" as AgentId;
const client = (name: string) => ({ role: "web", frameworkId: name as FrameworkId });

function disk(thousandths: number, shared: boolean): Resources {
  return [
    {
      name: "disk",
      reservations: [{ type: "DYNAMIC", role: "web" }],
      disk: { persistence: { id: "v" }, volume: { mode: "RW", container_path: "data" } },
      ...(shared && { shared: true }),
      kind: "SCALAR",
      thousandths,
    },
  ];
}

function standing(): Standing {
  const made = new Standing("drf");
  made.setTotal({ disk: 1_000_000 });
  for (const name of ["a", "b"]) made.setWants(client(name), true);
  return made;
}

const first = (made: Standing): string | undefined =>
  [...made.order({ random: prng(1) })].map(({ frameworkId }) => frameworkId)[0];

test("two copies of a shared volume count as one, two volumes as two", () => {
  const sharing = standing();
  for (let copy = 0; copy < 2; copy++) {
    sharing.hold({ client: client("a"), agentId, resources: disk(60_000, true) });
  }
  sharing.hold({ client: client("b"), agentId, resources: disk(100_000, false) });
  expect(first(sharing)).toBe("a");
  const owning = standing();
  for (let copy = 0; copy < 2; copy++) {
    owning.hold({ client: client("a"), agentId, resources: disk(60_000, false) });
  }
  owning.hold({ client: client("b"), agentId, resources: disk(100_000, false) });
  expect(first(owning)).toBe("b");
});

test("a shared volume counts until its last copy is given back", () => {
  const made = standing();
  const held = { client: client("a"), agentId, resources: disk(60_000, true) };
  made.hold(held);
  made.hold(held);
  made.hold({ client: client("b"), agentId, resources: disk(50_000, false) });
  made.release(held);
  expect(first(made)).toBe("b");
  made.release(held);
  expect(first(made)).toBe("a");
});

test("the same volume at another framework counts there too", () => {
  const made = standing();
  made.hold({ client: client("a"), agentId, resources: disk(60_000, true) });
  made.hold({ client: client("b"), agentId, resources: disk(60_000, true) });
  made.hold({ client: client("b"), agentId, resources: disk(1_000, false) });
  expect(first(made)).toBe("a");
});

test("between an offer that is accepted and its tasks, a client's turns are not forgotten", () => {
  const made = standing();
  const held = { client: client("a"), agentId, resources: disk(1_000, false) };
  made.tookTurn(client("a"));
  made.setWants(client("a"), false);
  made.hold(held);
  made.forgetIdle();
  // In one turn of the master: the offer ends, and then what it became is held.
  made.release(held);
  made.hold(held);
  made.forgetIdle();
  made.release(held);
  made.setWants(client("a"), true);
  expect(first(made)).toBe("b");
});

test("who wants nothing and holds nothing at an allocation is forgotten, his turns too", () => {
  const made = standing();
  made.tookTurn(client("a"));
  made.setWants(client("a"), false);
  made.forgetIdle();
  made.setWants(client("a"), true);
  expect(first(made)).toBe("a");
});
