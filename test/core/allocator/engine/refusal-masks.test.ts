/** Which clients need not be asked, because they refused all that is free. */
import { describe, expect, test } from "vitest";
import { AgentColumns } from "../../../../worker/core/allocator/engine/agent-columns.ts";
import { RefusalMasks } from "../../../../worker/core/allocator/engine/refusal-masks.ts";

const CPUS = 0;

/** One agent with some of one kind free; clients refuse by number. */
function made(free: number): { masks: RefusalMasks; columns: AgentColumns; agent: number } {
  const columns = new AgentColumns();
  const agent = columns.take();
  columns.setFree(agent, CPUS, free);
  return { masks: new RefusalMasks(columns), columns, agent };
}

describe("who has refused all that is free", () => {
  test("is covered while no more than that is free, and asked again when more is", () => {
    const { masks, columns, agent } = made(4_000);
    masks.add(agent, 3);
    expect([masks.isCovered(agent, 3), masks.isAsked(agent, 3)]).toEqual([false, true]);
    masks.cover(agent, 3);
    columns.setFree(agent, CPUS, 1_000);
    expect(masks.isCovered(agent, 3)).toBe(true);
    columns.setFree(agent, CPUS, 4_001);
    expect([masks.isCovered(agent, 3), masks.isAsked(agent, 3)]).toEqual([false, true]);
  });

  test("is asked again when other ports are free", () => {
    const { masks, columns, agent } = made(4_000);
    columns.rest[agent] = 7;
    masks.add(agent, 3);
    masks.cover(agent, 3);
    columns.rest[agent] = 0;
    expect(masks.isCovered(agent, 3)).toBe(true);
    columns.rest[agent] = 8;
    expect(masks.isCovered(agent, 3)).toBe(false);
  });

  test("is not taken to have refused what others refused when more was free", () => {
    const { masks, columns, agent } = made(4_000);
    masks.add(agent, 1);
    masks.cover(agent, 1);
    columns.setFree(agent, CPUS, 1_000);
    masks.add(agent, 2);
    masks.cover(agent, 2);
    columns.setFree(agent, CPUS, 4_000);
    // Of client 2 it is not known; of client 1 it no longer is.
    expect([masks.isCovered(agent, 1), masks.isCovered(agent, 2)]).toEqual([false, false]);
  });
});

test("a refusal that ends leaves nothing behind, one of several leaves the others", () => {
  const { masks, agent } = made(4_000);
  masks.add(agent, 1);
  masks.cover(agent, 1);
  masks.remove(agent, 1, true);
  expect([masks.isCovered(agent, 1), masks.isAsked(agent, 1)]).toEqual([false, true]);
  masks.remove(agent, 1, false);
  expect(masks.at(agent)).toBeLessThan(0);
});

test("an agent or a client that takes over a number takes over no refusal", () => {
  const { masks, columns, agent } = made(4_000);
  for (const client of [1, 2]) {
    masks.add(agent, client);
    masks.cover(agent, client);
  }
  masks.forgetClient(1);
  expect([masks.isCovered(agent, 1), masks.isCovered(agent, 2)]).toEqual([false, true]);
  masks.forgetAgent(agent);
  columns.giveBack(agent);
  const next = columns.take();
  expect(next).toBe(agent);
  expect(masks.at(next)).toBeLessThan(0);
});

test("sets that become wider keep what is in them", () => {
  const { masks, columns, agent } = made(4_000);
  const other = columns.take();
  masks.add(agent, 31);
  masks.cover(agent, 31);
  masks.add(other, 5);
  masks.setWords(3);
  masks.add(other, 70);
  const asked = [5, 31, 70].map((client) => masks.isAsked(other, client));
  expect([masks.isCovered(agent, 31), ...asked]).toEqual([true, true, false, true]);
});
