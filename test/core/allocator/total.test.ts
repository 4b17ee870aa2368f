/** What shares are shares of: everything that connected agents have. */
import { expect, test } from "vitest";
import { World } from "../../scenarios/world.ts";
import { after, inHand, say } from "./words.ts";

const inService = (type: string, field: string): string =>
  `operator ${JSON.stringify({ type, [field]: { agent_id: { value: "$a1" } } })}`;

/** Who is offered what is left of a1 when it is offered anew. */
function next(world: World): string | undefined {
  say(world, inService("DEACTIVATE_AGENT", "deactivate_agent"));
  say(world, "tick 1001ms");
  say(world, inService("REACTIVATE_AGENT", "reactivate_agent"));
  return ["cpus", "mem"].find((name) => inHand(world, name).length > 0);
}

test("an agent that is lost counts no more, and counts again when it is back", () => {
  const world = after(World, "framework cpus --roles=a", "agent a1 cpus=4 mem=1000");
  say(world, `accept cpus ${inHand(world, "cpus")[0]} launch t1 cpus=2 mem=32 --refuse=0`);
  say(world, "suppress cpus");
  say(world, "framework mem --roles=b");
  say(world, `accept mem ${inHand(world, "mem")[0]} launch t2 cpus=0.1 mem=400 --refuse=0`);
  say(world, "suppress mem");
  say(world, "agent a2 cpus=96 mem=32");
  for (const name of ["cpus", "mem"]) say(world, `revive ${name}`);
  // 2 of 100 CPUs and 32 of 1,032 MB, beside 400 of 1,032 MB.
  expect(next(world)).toBe("cpus");
  say(world, "silent a2");
  // 2 of 4 CPUs, beside 400 of 1,000 MB.
  expect(next(world)).toBe("mem");
  say(world, "agent a2");
  expect(next(world)).toBe("cpus");
});
