/**
 * A cluster of many agents, offered whole, in which frameworks do what they like by chance, and
 * every decision of its allocator with what was so at that moment, counted anew from the rows.
 */
import type { MasterSettings } from "../../../../worker/core/settings.ts";
import type { AgentId } from "../../../../worker/protocol/ids.ts";
import { isTerminal } from "../../../../worker/protocol/task-state.ts";
import { quantityOf } from "../../../../worker/resources/quantities.ts";
import type { Quantities, Resources } from "../../../../worker/resources/resource.ts";
import { type Prng, prng } from "../../../../worker/std/prng.ts";
import { World } from "../../../scenarios/world.ts";
import { inHand, say } from "../words.ts";

export const KINDS = ["cpus", "mem"] as const;

/** An offer as a decision. */
export interface Decision {
  readonly framework: string;
  readonly agentId: AgentId;
  readonly resources: Resources;
  /** What every framework had before it: tasks and offers, thousandths. */
  readonly had: ReadonlyMap<string, Quantities>;
  /** Who else would have been offered the same. */
  readonly rivals: readonly string[];
}

/** Framework f1 is alone in role r1, and so on. */
export class Market {
  readonly world: World;
  readonly frameworks: readonly string[];
  readonly random: Prng;
  #agents = 0;
  #tasks = 0;
  #seen: ReadonlySet<unknown> = new Set();

  constructor(
    seed: number,
    { frameworks, ...settings }: Partial<MasterSettings> & { readonly frameworks: number },
  ) {
    this.world = new World(settings);
    this.random = prng(seed);
    this.frameworks = Array.from({ length: frameworks }, (_, at) => `f${at + 1}`);
    for (const name of this.frameworks) this.say(`framework ${name} --roles=${roleOf(name)}`);
  }

  /** A line of a transcript that is one turn. */
  say(line: string): readonly Decision[] {
    this.#seen = new Set(this.world.host.state.tables.offer.values());
    say(this.world, line);
    return this.#decisions();
  }

  /** One turn after so many ms, so that all of its decisions are of one moment. */
  later(ms: number): readonly Decision[] {
    this.#seen = new Set(this.world.host.state.tables.offer.values());
    this.world.host.nowMs += ms;
    this.world.apply({ type: "TIMER_DUE" });
    return this.#decisions();
  }

  addAgent(): readonly Decision[] {
    const { random } = this;
    const cpus = 1 + random.below(4);
    return this.say(`agent a${++this.#agents} cpus=${cpus} mem=${64 * (1 + random.below(8))}`);
  }

  /** Somebody does something. */
  act(): readonly Decision[] {
    const { random } = this;
    const name = this.frameworks[random.below(this.frameworks.length)] ?? "";
    const [offer] = random.shuffle([...inHand(this.world, name)]);
    const refuse = [0, 5, 3_600][random.below(3)];
    switch (random.below(8)) {
      case 0:
        return this.addAgent();
      case 1:
        return this.say(random.below(2) === 0 ? `suppress ${name}` : `revive ${name}`);
      case 2:
        return this.later(random.below(2_000));
      case 3:
      case 4:
        return this.finishTask();
      case 5:
        return offer === undefined ? [] : this.say(`decline ${name} ${offer} --refuse=${refuse}`);
      default:
        return offer === undefined ? [] : this.launch(name, offer, refuse);
    }
  }

  /** One task with some of the offer. */
  launch(name: string, offer: string, refuse = 0): readonly Decision[] {
    const row = this.world.host.state.tables.offer.get(this.world.idOf(offer));
    const has = (kind: string): number => quantityOf(sumOf(row?.resources ?? []), kind) / 1_000;
    const part = 1 + this.random.below(2);
    const cpus = Math.round((has("cpus") / part) * 1_000) / 1_000;
    const mem = Math.floor(has("mem") / part);
    if (cpus < 0.01 || mem < 32) return this.say(`decline ${name} ${offer} --refuse=${refuse}`);
    const task = `launch t${++this.#tasks} cpus=${cpus} mem=${mem}`;
    return this.say(`accept ${name} ${offer} ${task} --refuse=${refuse}`);
  }

  /** One of the tasks of these frameworks ends. */
  finishTask(of: (framework: string) => boolean = () => true): readonly Decision[] {
    const { world, random } = this;
    const running = [...world.host.state.tables.task.values()].filter(
      ({ state, frameworkId }) => !isTerminal(state) && of(world.nameOf(frameworkId)),
    );
    const [task] = random.shuffle(running);
    if (task === undefined) return [];
    const [agent, framework] = [world.nameOf(task.agentId), world.nameOf(task.frameworkId)];
    const decisions = this.say(`update ${agent} ${framework} ${task.id} TASK_FINISHED`);
    return [...decisions, ...this.say(`acknowledge ${framework} ${task.id}`)];
  }

  /** All that there is, thousandths. */
  total(): Quantities {
    const { agent } = this.world.host.state.tables;
    return [...agent.values()].map(({ total }) => sumOf(total)).reduce(plus, {});
  }

  /** What a framework's tasks and offers have, but for some offers. */
  #hadBy(name: string, without: ReadonlySet<unknown>): Quantities {
    const { tables } = this.world.host.state;
    const id = this.world.frameworkId(name);
    const holds = [
      ...[...tables.task.values()].filter(({ state }) => !isTerminal(state)),
      ...[...tables.offer.values()].filter((offer) => !without.has(offer)),
    ];
    const own = holds.filter(({ frameworkId }) => frameworkId === id);
    return own.map(({ resources }) => sumOf(resources)).reduce(plus, {});
  }

  #decisions(): readonly Decision[] {
    const { state } = this.world.host;
    const made = [...state.tables.offer.values()].filter((offer) => !this.#seen.has(offer));
    return made.map((offer, at) => {
      const later = new Set<unknown>(made.slice(at));
      const isRival = (name: string): boolean => {
        const framework = state.tables.framework.get(this.world.frameworkId(name));
        const role = roleOf(name);
        if (framework === undefined || framework.id === offer.frameworkId) return false;
        if (framework.connection.state !== "CONNECTED") return false;
        if (framework.suppressedRoles.includes(role)) return false;
        const offers = state.index.offersOfFramework(framework.id);
        const most = state.settings.maxOffersPerFramework ?? Number.POSITIVE_INFINITY;
        if (offers.filter((one) => !later.has(one)).length >= most) return false;
        const client = { frameworkId: framework.id, role, agentId: offer.agentId };
        return !state.refusals.keeps(client, offer.resources);
      };
      return {
        framework: this.world.nameOf(offer.frameworkId),
        agentId: offer.agentId,
        resources: offer.resources,
        had: new Map(this.frameworks.map((name) => [name, this.#hadBy(name, later)])),
        rivals: this.frameworks.filter(isRival),
      };
    });
  }
}

export function roleOf(framework: string): string {
  return framework.replace("f", "r");
}

export function sumOf(resources: Resources): Quantities {
  const sums: Record<string, number> = {};
  for (const resource of resources) {
    if (resource.kind !== "SCALAR") continue;
    sums[resource.name] = (sums[resource.name] ?? 0) + resource.thousandths;
  }
  return sums;
}

export function plus(a: Quantities, b: Quantities): Quantities {
  const kinds = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries(
    [...kinds].map((kind) => [kind, quantityOf(a, kind) + quantityOf(b, kind)]),
  );
}

/** The largest part of any kind, by hand. */
export function shareOf(has: Quantities, total: Quantities): number {
  const parts = KINDS.map((kind) => quantityOf(has, kind) / Math.max(1, quantityOf(total, kind)));
  return Math.max(...parts);
}
