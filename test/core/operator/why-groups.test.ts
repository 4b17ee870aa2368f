/** Findings by reason: however many there are, an answer is short, and nothing is lost count of. */
import { expect, test } from "vitest";
import type { Finding } from "../../../worker/core/operator/own/why/finding.ts";
import { Groups } from "../../../worker/core/operator/own/why/groups.ts";

const client = { frameworkId: "f1", role: "web" };
const nameOf = (of: typeof client) => ({
  framework_id: of.frameworkId,
  framework_name: `name of ${of.frameworkId}`,
  role: of.role,
});

function agent(n: number): { id: string; hostname: string } {
  return { id: `S${n}`, hostname: `host-${n}` };
}

function refused(until_seconds: number): Finding {
  return { reason: "REFUSED", call: "DECLINE", until_seconds };
}

test("of a thousand agents five are named and all are counted, from the first end to the last", () => {
  const groups = new Groups(nameOf);
  for (let n = 0; n < 1_000; n++) groups.add(refused(5_000 - n), agent(n), client);
  expect(groups.list()).toEqual([
    {
      reason: "REFUSED",
      call: "DECLINE",
      until_seconds: 4_001,
      until_last_seconds: 5_000,
      agent_count: 1_000,
      client_count: 1,
      agents: [0, 1, 2, 3, 4].map(agent),
      clients: [nameOf(client)],
    },
  ]);
});

test("an agent counts once, however many clients the reason is true of", () => {
  const groups = new Groups(nameOf);
  for (const frameworkId of ["f1", "f2", "f3"]) {
    groups.add({ reason: "AGENT_DEACTIVATED" }, agent(1), { frameworkId, role: "web" });
  }
  expect(groups.list()).toMatchObject([{ agent_count: 1, client_count: 3 }]);
});

test("what is told apart: the limit of which role, of which kind; and whose offer", () => {
  const groups = new Groups(nameOf);
  const limit = { reason: "QUOTA_LIMIT", limit: 1, consumed: 1, wanted: 1 } as const;
  groups.add({ ...limit, role: "web", kind: "cpus" }, agent(1), client);
  groups.add({ ...limit, role: "web", kind: "mem" }, agent(2), client);
  groups.add({ ...limit, role: "ops", kind: "mem" }, agent(3), client);
  for (const frameworkId of ["f1", "f2"]) {
    const holder = nameOf({ frameworkId, role: "web" });
    groups.add({ reason: "CAME_LATER", holder, since_seconds: 1 }, agent(4), client);
  }
  expect(groups.list().length).toBe(5);
});

test("the shares of a group are those from the least to the most", () => {
  const groups = new Groups(nameOf);
  const holder = nameOf(client);
  for (const [n, share] of [0.5, 0.2, 0.4].entries()) {
    const facts = { share, other_share: 0.1, difference: share - 0.1 };
    groups.add({ reason: "LOWER_SHARE", holder, since_seconds: n, ...facts }, agent(n), client);
  }
  expect(groups.list()).toMatchObject([
    { share: 0.2, share_most: 0.5, difference: 0.1, difference_most: 0.4, since_seconds: 2 },
  ]);
});

test("beyond sixty reasons it is said that there are more", () => {
  const groups = new Groups(nameOf);
  for (let n = 0; n < 70; n++) {
    const lack = { reason: "RESERVED", amount: "cpus:1", role: `role-${n}` } as const;
    groups.add(lack, agent(n), client);
    groups.add(lack, agent(n + 100), client);
  }
  expect(groups.list().length).toBe(60);
  expect(groups.leftOut).toBe(10);
});
