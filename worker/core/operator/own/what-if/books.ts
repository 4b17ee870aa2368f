/**
 * Who has how much, by client: made once of the tables, and kept in step with Changes from then on,
 * so that what comes of a rehearsal is known without counting everything again. Thousandths.
 */
import type { Resources } from "../../../../resources/resource.ts";
import type { Change } from "../../../../std/table.ts";
import type { AgentRow, ExecutorRow, OfferRow, TaskRow } from "../../../rows.ts";
import type { Tables } from "../../../tables.ts";
import { holdsResources } from "../../holdings.ts";

export type Sums = Map<string, number>;

export interface ClientBooks {
  readonly frameworkId: string;
  readonly role: string;
  /** By tasks and executors. */
  readonly used: Sums;
  readonly offered: Sums;
}

/** Who had what at a moment, of a cluster that had so much. */
export interface Picture {
  readonly total: ReadonlyMap<string, number>;
  readonly clients: readonly ClientBooks[];
}

export interface Pictures {
  readonly before: Picture;
  readonly after: Picture;
}

export class Books {
  readonly total: Sums = new Map();
  readonly #clients = new Map<string, ClientBooks>();

  constructor({ agent, task, executor, offer }: Tables) {
    for (const row of agent.values()) this.#agent(row, 1);
    for (const row of task.values()) this.#task(row, 1);
    for (const row of executor.values()) this.#use(row, 1);
    for (const row of offer.values()) this.#offer(row, 1);
  }

  follow({ table, before, after }: Change): void {
    // A change's row is one of its table.
    if (before !== undefined) this.#count(table, before as AgentRow & TaskRow & OfferRow, -1);
    if (after !== undefined) this.#count(table, after as AgentRow & TaskRow & OfferRow, 1);
  }

  /** As it is now: a copy. */
  picture(): Picture {
    const clients = [...this.#clients.values()].map((client) => ({
      ...client,
      used: new Map(client.used),
      offered: new Map(client.offered),
    }));
    return { total: new Map(this.total), clients };
  }

  #count(table: string, row: AgentRow & TaskRow & OfferRow & ExecutorRow, sign: 1 | -1): void {
    if (table === "agent") this.#agent(row, sign);
    else if (table === "task") this.#task(row, sign);
    else if (table === "executor") this.#use(row, sign);
    else if (table === "offer") this.#offer(row, sign);
  }

  #agent({ connection, total }: AgentRow, sign: 1 | -1): void {
    if (connection.state === "CONNECTED") addTo(this.total, total, sign);
  }

  #task(row: TaskRow, sign: 1 | -1): void {
    if (holdsResources(row)) this.#use(row, sign);
  }

  #use(row: TaskRow | ExecutorRow, sign: 1 | -1): void {
    addTo(this.#of(row).used, row.resources, sign);
  }

  #offer(row: OfferRow, sign: 1 | -1): void {
    addTo(this.#of(row).offered, row.resources, sign);
  }

  #of({ frameworkId, role }: { readonly frameworkId: string; readonly role: string }): ClientBooks {
    const key = `${frameworkId}/${role}`;
    let client = this.#clients.get(key);
    if (client === undefined) {
      client = { frameworkId, role, used: new Map(), offered: new Map() };
      this.#clients.set(key, client);
    }
    return client;
  }
}

function addTo(sums: Sums, resources: Resources, sign: 1 | -1): void {
  for (const resource of resources) {
    if (resource.kind !== "SCALAR") continue;
    const sum = (sums.get(resource.name) ?? 0) + sign * resource.thousandths;
    if (sum === 0) sums.delete(resource.name);
    else sums.set(resource.name, sum);
  }
}
