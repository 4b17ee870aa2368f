/** The words of the transcripts, for tests that look at more than what is said. */
import type { AgentId } from "../../../worker/protocol/ids.ts";
import { commands } from "../../scenarios/commands.ts";
import type { World } from "../../scenarios/world.ts";

/** One line as a transcript has it; returns what comes of it. */
export function say(world: World, line: string): readonly string[] {
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

/** A new cluster to which these lines happened. */
export function after(World: new () => World, ...lines: readonly string[]): World {
  const world = new World();
  for (const line of lines) say(world, line);
  return world;
}

/** Names of the offers that the framework has in hand. */
export function inHand(world: World, framework: string): readonly string[] {
  const id = world.frameworkId(framework);
  return world.host.state.index.offersOfFramework(id).map((offer) => world.nameOf(offer.id));
}

/** What the framework is offered of the kind in the role, of all agents or of one, in units. */
export function offered(
  world: World,
  framework: string,
  { kind = "cpus", role, agent }: { kind?: string; role?: string; agent?: string } = {},
): number {
  const offers = world.host.state.index.offersOfFramework(world.frameworkId(framework));
  const agentId = agent === undefined ? undefined : (world.idOf(agent) as AgentId);
  let sum = 0;
  for (const offer of offers) {
    if (role !== undefined && offer.role !== role) continue;
    if (agentId !== undefined && offer.agentId !== agentId) continue;
    for (const resource of offer.resources) {
      if (resource.name !== kind) continue;
      if (resource.kind === "SCALAR") sum += resource.thousandths;
      if (resource.kind !== "RANGES") continue;
      for (const [begin, end] of resource.ranges) sum += (end - begin + 1) * 1_000;
    }
  }
  return sum / 1_000;
}

interface QuotaWords {
  readonly guarantees?: Readonly<Record<string, number>>;
  readonly limits?: Readonly<Record<string, number>>;
}

/** The line by which an operator sets a quota. */
export function quota(role: string, { guarantees, limits }: QuotaWords): string {
  const amounts = (units: Readonly<Record<string, number>> = {}): unknown =>
    Object.fromEntries(Object.entries(units).map(([kind, value]) => [kind, { value }]));
  const config = { role, guarantees: amounts(guarantees), limits: amounts(limits) };
  const call = { type: "UPDATE_QUOTA", update_quota: { force: true, quota_configs: [config] } };
  return `operator ${JSON.stringify(call)}`;
}
