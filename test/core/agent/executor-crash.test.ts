import { expect, test } from "vitest";
import { isTerminal } from "../../../worker/protocol/task-state.ts";
import { ExecutorWorld } from "./executor-world.ts";

const SEEDS = 40;

test("whatever crashes, breaks or dies, what custom executors say is told, and every task ends once", () => {
  const seen = { crashes: 0, finished: 0, dropped: 0, failed: 0, killed: 0, gone: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new ExecutorWorld(seed);
    try {
      for (let turn = 0; turn < 250; turn++) world.happen();
      world.settle();
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
    expect(world.left, `seed ${seed} leaves nothing`).toBe(0);
    seen.crashes += world.crashes;
    for (const [name, states] of world.told) {
      expect(states.filter(isTerminal), `seed ${seed}, ${name}`).toHaveLength(1);
      const said = world.said.get(name) ?? [];
      expect(states.slice(0, said.length), `seed ${seed}, ${name}`).toEqual(said);
      seen.finished += Number(states.at(-1) === "TASK_FINISHED");
      seen.dropped += Number(states.at(-1) === "TASK_DROPPED");
      seen.failed += Number(states.at(-1) === "TASK_FAILED");
      seen.killed += Number(states.at(-1) === "TASK_KILLED");
      seen.gone += Number(states.at(-1) === "TASK_GONE");
    }
  }
  // Each way to end has been gone.
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(10);
});
