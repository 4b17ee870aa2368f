/**
 * The state of one moment, for reads that take longer than the moment: references to the rows,
 * which never change, and a view of the texts on disk.
 *
 * Taking one costs a copy of the lists that have changed since the last one, whatever is made of it
 * later. To be closed.
 */
import { isTerminal } from "../../protocol/task-state.ts";
import type { Resources } from "../../resources/resource.ts";
import type { ColdView } from "../cold.ts";
import type {
  AgentRow,
  CompletedFrameworkRow,
  ExecutorRow,
  FrameworkRow,
  OfferRow,
  RoleRow,
  TaskRow,
} from "../rows.ts";
import type { MasterState } from "../state.ts";
import { type AllocatedResources, addTo } from "./holdings.ts";

export interface Snapshot {
  /** All of them, also those that are unreachable. */
  readonly agents: readonly AgentRow[];
  readonly frameworks: readonly FrameworkRow[];
  readonly completedFrameworks: readonly CompletedFrameworkRow[];
  readonly tasks: readonly TaskRow[];
  readonly executors: readonly ExecutorRow[];
  readonly offers: readonly OfferRow[];
  /** Those that an operator set something for. */
  readonly roles: readonly RoleRow[];
  readonly cold: ColdView;
}

/** Only between steps. */
export function takeSnapshot({ tables, cold }: MasterState): Snapshot {
  return {
    agents: tables.agent.rows(),
    frameworks: tables.framework.rows(),
    completedFrameworks: tables.completedFramework.rows(),
    tasks: tables.task.rows(),
    executors: tables.executor.rows(),
    offers: tables.offer.rows(),
    roles: tables.role.rows(),
    cold: cold.view(),
  };
}

/** What somebody has of the cluster. */
export interface Holdings {
  readonly used: AllocatedResources;
  readonly offered: AllocatedResources;
}

/** What belongs to a framework. */
export interface FrameworkHoldings extends Holdings {
  readonly tasks: readonly TaskRow[];
  readonly executors: readonly ExecutorRow[];
  readonly offers: readonly OfferRow[];
}

/** A snapshot by agent and by framework; those that have nothing are not there. */
export interface Groups {
  readonly frameworks: ReadonlyMap<string, FrameworkRow>;
  readonly agents: ReadonlyMap<string, AgentRow>;
  readonly ofAgent: ReadonlyMap<string, Holdings>;
  readonly ofFramework: ReadonlyMap<string, FrameworkHoldings>;
}

export const NO_HOLDINGS: FrameworkHoldings = {
  used: new Map(),
  offered: new Map(),
  tasks: [],
  executors: [],
  offers: [],
};

/** Rows gone through between two pauses. */
const ROWS_AT_ONCE = 8;

const known = new WeakMap<Snapshot, Groups>();

/** Made once per snapshot. Yields where the reader may pause. */
export function* groupsOf(snapshot: Snapshot): Generator<undefined, Groups> {
  const before = known.get(snapshot);
  if (before !== undefined) return before;
  const groups = new Grouping(snapshot);
  let count = 0;
  for (const task of snapshot.tasks) {
    groups.addTask(task);
    if (++count % ROWS_AT_ONCE === 0) yield;
  }
  for (const executor of snapshot.executors) {
    groups.addExecutor(executor);
    if (++count % ROWS_AT_ONCE === 0) yield;
  }
  for (const offer of snapshot.offers) {
    groups.addOffer(offer);
    if (++count % ROWS_AT_ONCE === 0) yield;
  }
  known.set(snapshot, groups);
  return groups;
}

interface GrowingHoldings {
  readonly used: Map<string, Resources>;
  readonly offered: Map<string, Resources>;
}

interface GrowingFrameworkHoldings extends GrowingHoldings {
  readonly tasks: TaskRow[];
  readonly executors: ExecutorRow[];
  readonly offers: OfferRow[];
}

class Grouping implements Groups {
  readonly frameworks: ReadonlyMap<string, FrameworkRow>;
  readonly agents: ReadonlyMap<string, AgentRow>;
  readonly ofAgent = new Map<string, GrowingHoldings>();
  readonly ofFramework = new Map<string, GrowingFrameworkHoldings>();

  constructor({ frameworks, agents }: Snapshot) {
    this.frameworks = new Map(frameworks.map((row) => [row.id, row]));
    this.agents = new Map(agents.map((row) => [row.id, row]));
  }

  addTask(task: TaskRow): void {
    const framework = this.#framework(task.frameworkId);
    framework.tasks.push(task);
    // What an ended or unreachable task had counts for nobody, as in the allocator.
    if (isTerminal(task.state) || task.state === "TASK_UNREACHABLE") return;
    addTo(framework.used, task);
    addTo(this.#agent(task.agentId).used, task);
  }

  addExecutor(executor: ExecutorRow): void {
    const framework = this.#framework(executor.frameworkId);
    framework.executors.push(executor);
    addTo(framework.used, executor);
    addTo(this.#agent(executor.agentId).used, executor);
  }

  addOffer(offer: OfferRow): void {
    const framework = this.#framework(offer.frameworkId);
    framework.offers.push(offer);
    addTo(framework.offered, offer);
    addTo(this.#agent(offer.agentId).offered, offer);
  }

  #agent(id: string): GrowingHoldings {
    const holdings = this.ofAgent.get(id) ?? { used: new Map(), offered: new Map() };
    this.ofAgent.set(id, holdings);
    return holdings;
  }

  #framework(id: string): GrowingFrameworkHoldings {
    const holdings = this.ofFramework.get(id) ?? {
      used: new Map(),
      offered: new Map(),
      tasks: [],
      executors: [],
      offers: [],
    };
    this.ofFramework.set(id, holdings);
    return holdings;
  }
}
