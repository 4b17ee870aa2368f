/** How many unreachable agents are remembered. (For how long: transcript agent-forgotten.) */
import { expect, test } from "vitest";
import { boundUnreachable } from "../../../worker/core/agent/collect.ts";
import { prng } from "../../../worker/std/prng.ts";
import { commands } from "../../scenarios/commands.ts";
import { World } from "../../scenarios/world.ts";

test("of too many unreachable agents those go that are so for longest; connected ones stay", () => {
  const world = new World();
  const run = (word: string, ...args: string[]): void => {
    commands[word]?.(world, { args, options: new Map() });
  };
  for (const name of ["a1", "a2", "a3", "a4"]) run("agent", name, "cpus=1", "mem=64");
  for (const name of ["a3", "a1", "a4"]) {
    run("silent", name);
    run("tick", "1secs");
  }
  const { state, nowMs } = world.host;
  const turn = { state, nowMs, random: prng(1), principal: {}, effects: [] };
  const names = (): string[] => [...state.tables.agent.values()].map(({ id }) => world.nameOf(id));
  boundUnreachable(turn, 3);
  expect(names()).toEqual(["a1", "a2", "a3", "a4"]);
  boundUnreachable(turn, 2);
  expect(names()).toEqual(["a1", "a2", "a4"]);
});
