/** The two brakes that stand for Mesos' allocation tick (docs/ARCHITECTURE.md, allocation). */
import { expect, test } from "vitest";
import { commands } from "../../scenarios/commands.ts";
import { World } from "../../scenarios/world.ts";

function run(world: World, line: string): string[] {
  const [word = "", ...rest] = line.split(" ");
  const args = rest.filter((part) => !part.startsWith("--"));
  const options = new Map(
    rest
      .filter((part) => part.startsWith("--"))
      .map((part) => {
        const [name = "", value = ""] = part.slice(2).split("=");
        return [name, value] as const;
      }),
  );
  const command = commands[word];
  if (command === undefined) throw new Error(`no word ${word}`);
  return command(world, { args, options });
}

/** Offers that a framework has in hand, by name. */
function held(world: World, framework: string): string[] {
  const id = world.frameworkId(framework);
  return world.host.state.index.offersOfFramework(id).map((offer) => world.nameOf(offer.id));
}

/** Every 10 ms for `ms`: what `each` does, then a timer turn. */
function pass(world: World, ms: number, each: (atMs: number) => void): void {
  for (let atMs = 0; atMs < ms; atMs += 10) {
    each(atMs);
    run(world, "tick 10ms");
  }
}

test("who declines everything with refuse_seconds 0 makes at most two calls a second and agent", () => {
  const world = new World();
  run(world, "framework picky --roles=a");
  run(world, "agent a1 cpus=4 mem=1024");
  run(world, "agent a2 cpus=4 mem=1024");
  let calls = 0;
  pass(world, 10_000, () => {
    for (const offer of held(world, "picky")) {
      run(world, `decline picky ${offer} --refuse=0`);
      calls++;
    }
  });
  expect(calls).toBeGreaterThan(2 * 5);
  expect(calls).toBeLessThanOrEqual(2 * 2 * 10);
});

test("that also holds while other frameworks' tasks end all the time", () => {
  const world = new World();
  run(world, "framework busy --roles=b");
  run(world, "agent a1 cpus=8 mem=8192");
  run(world, `accept busy o1 ${launches("t", 80)} --refuse=3600`);
  run(world, "framework picky --roles=a");
  run(world, "suppress busy");
  let calls = 0;
  let ended = 0;
  pass(world, 8_000, (atMs) => {
    if (atMs % 100 === 0 && ended < 80) run(world, `update a1 busy t${ended++} TASK_FINISHED`);
    for (const offer of held(world, "picky")) {
      run(world, `decline picky ${offer} --refuse=0`);
      calls++;
    }
  });
  expect(ended).toBe(80);
  expect(calls).toBeLessThanOrEqual(2 * 8 + 1);
});

test("a 4-cpu task starts although 40 tasks of 0.1 cpu end one by one", () => {
  const world = new World();
  run(world, "framework small --roles=b");
  run(world, "agent a1 cpus=4 mem=4096");
  run(world, `accept small o1 ${launches("t", 40)} --refuse=3600`);
  run(world, "suppress small");
  run(world, "framework big --roles=a");
  let started = false;
  let ended = 0;
  pass(world, 10_000, (atMs) => {
    if (atMs % 100 === 0 && ended < 40) run(world, `update a1 small t${ended++} TASK_FINISHED`);
    for (const name of held(world, "big")) {
      const offer = world.host.state.tables.offer.get(world.idOf(name));
      const cpus = offer?.resources.find((resource) => resource.name === "cpus");
      const enough = cpus?.kind === "SCALAR" && cpus.thousandths >= 4_000;
      if (enough && !started) {
        const lines = run(world, `accept big ${name} launch huge cpus=4 mem=32 --refuse=0`);
        started = lines.some((line) => line.includes("RUN_TASK"));
      } else if (!started) run(world, `decline big ${name} --refuse=0`);
    }
  });
  expect(started).toBe(true);
});

test("what one framework declined is offered to another in the same turn", () => {
  const world = new World();
  run(world, "framework f1 --roles=a");
  run(world, "agent a1 cpus=4 mem=1024");
  run(world, "framework f2 --roles=b");
  const lines = run(world, "decline f1 o1 --refuse=0");
  expect(lines).toEqual(["f2 <- OFFERS o2 on a1 for b: cpus=4 mem=1024"]);
});

test("a turn in which nothing changed makes no offers and no rows", () => {
  const world = new World();
  run(world, "framework f1 --roles=a");
  run(world, "agent a1 cpus=4 mem=1024");
  const outcome = world.host.apply({ type: "TIMER_DUE" });
  expect(outcome.changes).toEqual([]);
  expect(outcome.effects).toEqual([]);
});

function launches(prefix: string, count: number): string {
  return Array.from({ length: count }, (_, n) => `launch ${prefix}${n} cpus=0.1 mem=32`).join(" ");
}
