/**
 * Metrics of what the cluster has and what of it is in use. Amounts are units (not thousandths),
 * "percent" is a fraction, as in Mesos.
 *
 * Read off what the allocator keeps per agent, so it costs nothing more per task.
 */
import type { Resources } from "../../resources/resource.ts";
import { registeredAgents } from "../operator/get-agents.ts";
import type { MasterState } from "../state.ts";
import { Amounts } from "./amounts.ts";

type Metrics = Readonly<Record<string, number>>;

export function resourceMetrics(state: MasterState): Metrics {
  const [total, held, offered] = [new Shares(), new Shares(), new Shares()];
  for (const agent of registeredAgents(state)) {
    total.add(agent.total);
    held.add(state.allocation.held(agent.id));
  }
  for (const { agentId, resources } of state.tables.offer.values()) {
    if (state.tables.agent.get(agentId)?.connection.state === "CONNECTED") offered.add(resources);
  }
  const metrics: Record<string, number> = {};
  for (const kind of ["cpus", "gpus", "mem", "disk"]) {
    for (const part of ["lasting", "revocable"] as const) {
      const name = part === "lasting" ? kind : `${kind}_revocable`;
      const all = total[part].of(kind);
      const used = held[part].of(kind) - offered[part].of(kind);
      metrics[`master/${name}_total`] = all / 1_000;
      metrics[`master/${name}_used`] = used / 1_000;
      metrics[`master/${name}_percent`] = all === 0 ? 0 : used / all;
    }
    if (kind === "gpus") continue;
    const prefix = `allocator/mesos/resources/${kind}`;
    metrics[`${prefix}/total`] = total.of(kind) / 1_000;
    metrics[`${prefix}/offered_or_allocated`] = held.of(kind) / 1_000;
  }
  return metrics;
}

/** What may be taken back at any time is counted apart. */
class Shares {
  readonly lasting = new Amounts();
  readonly revocable = new Amounts();

  add(resources: Resources): void {
    this.lasting.add(resources, ({ revocable }) => !revocable);
    this.revocable.add(resources, ({ revocable }) => revocable === true);
  }

  of(kind: string): number {
    return this.lasting.of(kind) + this.revocable.of(kind);
  }
}
