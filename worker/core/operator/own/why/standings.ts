/**
 * Who has what share: of the roles and frameworks between which the next offer is decided, now and
 * as it was when an offer was made.
 *
 * Read off the tables when somebody asks; the allocator's own order is not touched by it. "When an
 * offer was made" leaves out that offer and all that were made after it; tasks that were launched
 * or have ended since are not told apart from those of before.
 */
import { addQuantities, quantitiesOf } from "../../../../resources/quantities.ts";
import type { Quantities, Resources } from "../../../../resources/resource.ts";
import {
  type Client,
  DEFAULT_ROLE_SETTINGS,
  type RoleSettings,
} from "../../../allocator/policy.ts";
import { dominantShare } from "../../../role/share.ts";
import type { OfferRow } from "../../../rows.ts";
import type { MasterState } from "../../../state.ts";
import { holdsResources } from "../../holdings.ts";

interface Holdings {
  readonly client: Client;
  /** Nodes of the tree from the top down to the client's own; see `pathOf`. */
  readonly path: readonly string[];
  /** By tasks and executors. */
  used: Quantities;
  readonly offers: OfferRow[];
}

/** A node's share as its offers came: `shares[n]` is that with the first `n` of them. */
interface Growth {
  readonly seqs: readonly number[];
  readonly shares: readonly number[];
}

/** Two clients where their ways down the tree part: one node of each, which are siblings. */
export interface Comparison {
  readonly share: number;
  readonly otherShare: number;
  readonly priority: number;
  readonly otherPriority: number;
}

/** Rows gone through between two pauses. */
const ROWS_AT_ONCE = 16;

export class Standings {
  readonly #state: MasterState;
  readonly #total: Quantities;
  readonly #holdings = new Map<string, Holdings>();
  readonly #growths = new Map<string, Growth>();

  private constructor(state: MasterState, total: Quantities) {
    this.#state = state;
    this.#total = total;
  }

  /** Yields where the reader may pause. */
  static *read(state: MasterState): Generator<undefined, Standings> {
    const { agent, task, executor, offer } = state.tables;
    let total: Quantities = {};
    yield* inSteps(agent.rows(), ({ connection, total: has }) => {
      if (connection.state === "CONNECTED") total = addQuantities(total, quantitiesOf(has));
    });
    const standings = new Standings(state, total);
    yield* inSteps(task.rows(), (row) => {
      if (holdsResources(row)) standings.#use(row, row.resources);
    });
    yield* inSteps(executor.rows(), (row) => standings.#use(row, row.resources));
    yield* inSteps(offer.rows(), (row) => standings.#of(row).offers.push(row));
    return standings;
  }

  outstandingOffers(client: Client): number {
    return this.#holdings.get(keyOf(client))?.offers.length ?? 0;
  }

  /** Of the client among those of its role, and of its top-level role among all. */
  sharesOf(client: Client): { readonly share: number; readonly roleShare: number } {
    const path = pathOf(client);
    return { share: this.#share(path, path.length), roleShare: this.#share(path, 1) };
  }

  /** `beforeSeq`: as it was before that offer was made. */
  compare(client: Client, other: Client, beforeSeq: number): Comparison {
    const [path, otherPath] = [pathOf(client), pathOf(other)];
    const same = path.findIndex((node, at) => node !== otherPath[at]);
    const depth = (same < 0 ? path.length - 1 : same) + 1;
    return {
      share: this.#share(path, depth, beforeSeq),
      otherShare: this.#share(otherPath, depth, beforeSeq),
      priority: this.settingsOf(path[depth - 1] ?? "").priority,
      otherPriority: this.settingsOf(otherPath[depth - 1] ?? "").priority,
    };
  }

  settingsOf(node: string): RoleSettings {
    const row = this.#state.tables.role.get(node);
    const { weight, priority } = DEFAULT_ROLE_SETTINGS;
    return { weight: row?.weight ?? weight, priority: row?.priority ?? priority };
  }

  #share(path: readonly string[], depth: number, beforeSeq = Number.POSITIVE_INFINITY): number {
    const { seqs, shares } = this.#growthOf(path[depth - 1] ?? "", depth);
    let [low, high] = [0, seqs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((seqs[middle] ?? 0) < beforeSeq) low = middle + 1;
      else high = middle;
    }
    return shares[low] ?? 0;
  }

  /** Counted once: whoever lost many agents to somebody asks for each of them. */
  #growthOf(node: string, depth: number): Growth {
    const known = this.#growths.get(node);
    if (known !== undefined) return known;
    let has: Quantities = {};
    const offers: OfferRow[] = [];
    for (const holdings of this.#holdings.values()) {
      if (holdings.path[depth - 1] !== node) continue;
      has = addQuantities(has, holdings.used);
      offers.push(...holdings.offers);
    }
    const { weight } = this.settingsOf(node);
    const shares = [dominantShare(has, this.#total, weight).share];
    for (const { resources } of offers.sort((a, b) => a.seq - b.seq)) {
      has = addQuantities(has, quantitiesOf(resources));
      shares.push(dominantShare(has, this.#total, weight).share);
    }
    const growth = { seqs: offers.map(({ seq }) => seq), shares };
    this.#growths.set(node, growth);
    return growth;
  }

  #use(client: Client, resources: Resources): void {
    const holdings = this.#of(client);
    holdings.used = addQuantities(holdings.used, quantitiesOf(resources));
  }

  #of({ frameworkId, role }: Client): Holdings {
    const client = { frameworkId, role };
    const key = keyOf(client);
    const known = this.#holdings.get(key);
    if (known !== undefined) return known;
    const made: Holdings = { client, path: pathOf(client), used: {}, offers: [] };
    this.#holdings.set(key, made);
    return made;
  }
}

/** "eng", "eng/web", "eng/web/." (its own frameworks), "eng/web/./F": each a name of its own. */
function pathOf({ role, frameworkId }: Client): readonly string[] {
  const components = role.split("/");
  const roles = components.map((_, at) => components.slice(0, at + 1).join("/"));
  return [...roles, `${role}/.`, `${role}/./${frameworkId}`];
}

function keyOf({ role, frameworkId }: Client): string {
  return `${frameworkId}/${role}`;
}

function* inSteps<R>(rows: readonly R[], visit: (row: R) => void): Generator<undefined> {
  let count = 0;
  for (const row of rows) {
    visit(row);
    if (++count % ROWS_AT_ONCE === 0) yield;
  }
}
