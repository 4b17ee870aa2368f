/**
 * Shares that follow from DRF by hand, of a whole master whose frameworks launch one task of every
 * offer: the worked example of the paper (Ghodsi et al., NSDI 2011, sec. 4.1), with weights, and
 * in a tree of roles.
 */
import { expect, test } from "vitest";
import { World } from "../../scenarios/world.ts";
import { after, inHand, say } from "./words.ts";

type Demand = Readonly<Record<string, number>>;

/** Whoever is offered the rest launches one task, until nobody's fits; returns how many each. */
function fill(world: World, demands: Readonly<Record<string, Demand>>): Record<string, number> {
  const tasks = Object.fromEntries(Object.keys(demands).map((name) => [name, 0]));
  for (;;) {
    const name = Object.keys(demands).find((each) => inHand(world, each).length > 0);
    if (name === undefined) return tasks;
    const [offer = ""] = inHand(world, name);
    const demand = Object.entries(demands[name] ?? {});
    if (demand.every(([kind, value]) => has(world, offer, kind) >= value)) {
      const wanted = demand.map(([kind, value]) => `${kind}=${value}`).join(" ");
      const task = `t${tasks[name]}`;
      say(world, `accept ${name} ${offer} launch ${task} ${wanted} --refuse=0`);
      tasks[name] = (tasks[name] ?? 0) + 1;
      passOneSecond(world);
    } else say(world, `decline ${name} ${offer} --refuse=3600`);
  }
}

/**
 * Who launches leaves the rest to others for a second, though he may still be the one with the
 * smallest share. So nobody is offered it until that second is over.
 */
function passOneSecond(world: World): void {
  const agent_id = '{"agent_id": {"value": "$a1"}}';
  say(world, `operator {"type": "DEACTIVATE_AGENT", "deactivate_agent": ${agent_id}}`);
  say(world, "tick 1001ms");
  say(world, `operator {"type": "REACTIVATE_AGENT", "reactivate_agent": ${agent_id}}`);
}

function has(world: World, offer: string, kind: string): number {
  const row = world.host.state.tables.offer.get(world.idOf(offer));
  const resource = row?.resources.find(({ name }) => name === kind);
  return resource?.kind === "SCALAR" ? resource.thousandths / 1_000 : 0;
}

function weight(role: string, value: number): string {
  const weight_infos = [{ role, weight: value }];
  return `operator ${JSON.stringify({ type: "UPDATE_WEIGHTS", update_weights: { weight_infos } })}`;
}

test("9 CPUs, 18 GB: of <1 CPU, 4 GB> there run 3, of <3 CPUs, 1 GB> 2; both have 2/3", () => {
  const setting = ["framework A --roles=a", "framework B --roles=b", "agent a1 cpus=9 mem=18432"];
  const world = after(World, ...setting);
  const demands = { A: { cpus: 1, mem: 4_096 }, B: { cpus: 3, mem: 1_024 } };
  expect(fill(world, demands)).toEqual({ A: 3, B: 2 });
});

test("it is the same for two frameworks of one role", () => {
  const setting = ["framework A --roles=r", "framework B --roles=r", "agent a1 cpus=9 mem=18432"];
  const world = after(World, ...setting);
  const demands = { A: { cpus: 1, mem: 4_096 }, B: { cpus: 3, mem: 1_024 } };
  expect(fill(world, demands)).toEqual({ A: 3, B: 2 });
});

test("a role of weight 2 gets two of three CPUs", () => {
  const setting = ["framework A --roles=a", "framework B --roles=b", weight("b", 2)];
  const world = after(World, ...setting, "agent a1 cpus=9 mem=9000");
  const one = { cpus: 1, mem: 32 };
  expect(fill(world, { A: one, B: one })).toEqual({ A: 3, B: 6 });
});

test("roles share a role's part: 12 CPUs are 6 for ops, and 3 each for eng/web and eng/api", () => {
  const frameworks = ["web --roles=eng/web", "api --roles=eng/api", "ops --roles=ops"];
  const world = after(World, ...frameworks.map((words) => `framework ${words}`));
  say(world, "agent a1 cpus=12 mem=12000");
  const one = { cpus: 1, mem: 32 };
  expect(fill(world, { web: one, api: one, ops: one })).toEqual({ web: 3, api: 3, ops: 6 });
});

test("weights count at their level: of 12 CPUs eng of weight 3 has 9, eng/web of weight 2 six of them", () => {
  const frameworks = ["web --roles=eng/web", "api --roles=eng/api", "ops --roles=ops"];
  const world = after(World, ...frameworks.map((words) => `framework ${words}`));
  for (const line of [weight("eng", 3), weight("eng/web", 2)]) say(world, line);
  say(world, "agent a1 cpus=12 mem=12000");
  const one = { cpus: 1, mem: 32 };
  expect(fill(world, { web: one, api: one, ops: one })).toEqual({ web: 6, api: 3, ops: 3 });
});
