/**
 * Operators who change the cluster in the midst of its life: whatever they do and in whatever
 * order, the invariants hold after every step and what is stored is what is there (`MasterHost`).
 */
import { expect, test } from "vitest";
import { type Prng, prng } from "../../../worker/std/prng.ts";
import { commands } from "../../scenarios/commands.ts";
import { World } from "../../scenarios/world.ts";

const AGENTS = ["a1", "a2", "a3"];
const FRAMEWORKS = ["f1", "f2"];

function run(world: World, line: string): void {
  const [word = "", ...rest] = line.split(" ");
  const options = new Map(
    rest
      .filter((part) => part.startsWith("--"))
      .map((part) => part.slice(2).split("=") as [string, string]),
  );
  const command = commands[word];
  if (command === undefined) throw new Error(`no word ${word}`);
  command(world, { args: rest.filter((part) => !part.startsWith("--")), options });
}

function operator(type: string, part: unknown): string {
  return `operator ${JSON.stringify({ type, [type.toLowerCase()]: part })}`;
}

/** One thing that an operator may want, possible or not. */
function operate(random: Prng): string {
  const agent_id = { value: `$${pick(random, AGENTS)}` };
  const machines = [{ hostname: pick(random, AGENTS), ip: "10.0.0.1" }];
  const role = pick(random, ["x", "y"]);
  const amounts = { cpus: { value: random.below(8) } };
  switch (random.below(11)) {
    case 0:
      return operator("DRAIN_AGENT", { agent_id, mark_gone: random.below(8) === 0 });
    case 1:
      return operator("DEACTIVATE_AGENT", { agent_id });
    case 2:
    case 3:
      return operator("REACTIVATE_AGENT", { agent_id });
    case 4:
      if (random.below(5) > 0) return "offers";
      return operator("MARK_AGENT_GONE", { agent_id });
    case 5: {
      const unavailability = { start: { nanoseconds: random.below(3) } };
      const windows = random.below(2) === 0 ? [] : [{ machine_ids: machines, unavailability }];
      return operator("UPDATE_MAINTENANCE_SCHEDULE", { schedule: { windows } });
    }
    case 6:
      return operator("START_MAINTENANCE", { machines });
    case 7:
      return operator("STOP_MAINTENANCE", { machines });
    case 8: {
      const config = random.below(2) === 0 ? { guarantees: amounts } : { limits: amounts };
      return operator("UPDATE_QUOTA", { force: true, quota_configs: [{ role, ...config }] });
    }
    case 9:
      return operator("REMOVE_QUOTA", { role });
    default:
      return operator("UPDATE_WEIGHTS", {
        weight_infos: [{ role, weight: 1 + random.below(3) }],
      });
  }
}

/** What frameworks and agents do meanwhile. */
function live(world: World, random: Prng, step: number): string[] {
  const { tables } = world.host.state;
  const offer = pick(random, [...tables.offer.values()]);
  const task = pick(random, [...tables.task.values()]);
  const inverse = pick(random, [...tables.inverseOffer.values()]);
  const agent = pick(random, AGENTS);
  const framework = pick(random, FRAMEWORKS);
  switch (random.below(9)) {
    case 0:
    case 1:
      if (offer === undefined) return [];
      return [
        `accept ${world.nameOf(offer.frameworkId)} ${world.nameOf(offer.id)} launch t${step} cpus=1 mem=32 --refuse=1`,
      ];
    case 2:
      if (task === undefined) return [];
      return [
        `update ${world.nameOf(task.agentId)} ${world.nameOf(task.frameworkId)} ${task.id} ${pick(random, ["TASK_RUNNING", "TASK_FINISHED"])}`,
        `acknowledge ${world.nameOf(task.frameworkId)} ${task.id}`,
      ];
    case 3: {
      if (inverse === undefined) return [];
      const type = pick(random, ["ACCEPT_INVERSE_OFFERS", "DECLINE_INVERSE_OFFERS"]) ?? "";
      const part = { inverse_offer_ids: [{ value: inverse.id }] };
      const call = JSON.stringify({ type, [type.toLowerCase()]: part });
      return [`scheduler ${world.nameOf(inverse.frameworkId)} ${call}`];
    }
    case 4:
      return [`silent ${agent}`];
    case 5: {
      const tasks = [...tables.task.values()].filter(
        ({ agentId }) => world.nameOf(agentId) === agent,
      );
      const named = tasks.map(({ frameworkId, id }) => `${world.nameOf(frameworkId)}/${id}`);
      return [`returns ${agent} cpus=4 mem=1024 --tasks=${named.join(",")}`];
    }
    case 6:
      return [`framework ${framework}`];
    case 7:
      return [random.below(4) === 0 ? "evict" : `got ${agent}`];
    default:
      return [`tick ${random.below(7_000)}ms`];
  }
}

function pick<T>(random: Prng, items: readonly T[]): T | undefined {
  return items[random.below(Math.max(1, items.length))];
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])("operators and everybody else at random, seed %i", (seed) => {
  const world = new World();
  const random = prng(seed);
  for (const name of AGENTS) run(world, `agent ${name} cpus=4 mem=1024`);
  run(world, "framework f1 --roles=x,x/sub --failover=1000000");
  run(world, "framework f2 --roles=y --capabilities=PARTITION_AWARE --failover=1000000");
  for (let step = 0; step < 200; step++) {
    const lines = random.below(3) === 0 ? [operate(random)] : live(world, random, step);
    for (const line of lines) run(world, line);
  }
  const { tables } = world.host.state;
  for (const offer of tables.inverseOffer.values()) {
    expect(tables.framework.get(offer.frameworkId)?.connection.state).toBe("CONNECTED");
    expect(tables.agent.get(offer.agentId)?.connection.state).toBe("CONNECTED");
  }
});
