import { expect, test } from "vitest";
import { CrashWorld } from "./crash-world.ts";

const SEEDS = 200;
const TERMINAL = /^TASK_(FINISHED|FAILED|KILLED|LOST)$/;

/** One world from its seed, to the end. */
function live(seed: number): CrashWorld {
  const world = new CrashWorld(seed, { crash: 0.03, lostReport: 0.2, lostAcknowledgement: 0.2 });
  for (let turn = 0; turn < 120; turn++) world.happen();
  world.settle();
  return world;
}

test("whatever crashes and whatever is lost, every run ends once, is told in order, and leaves nothing", () => {
  let crashes = 0;
  let killed = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      const world = live(seed);
      crashes += world.crashes;
      for (const [taskId, { states }] of world.runs) {
        expect(states.at(-1), `${taskId}: ${states}`).toMatch(TERMINAL);
        if (states.at(-1) === "TASK_KILLED") killed++;
      }
      expect(world.left).toEqual({ rows: 0, containers: 0 });
      expect([...world.liveExecutors]).toEqual([]);
      for (const id of world.volumes.keys()) expect(world.wantedVolumes.has(id), id).toBe(true);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  }
  // The worlds are wild enough to mean something.
  expect(crashes).toBeGreaterThan(SEEDS);
  expect(killed).toBeGreaterThan(SEEDS);
});
