/**
 * What frameworks refused, as it stands: derived from the rows of `filter` by their Changes.
 *
 * Three questions are asked of it: whether a refusal keeps something from a client (the allocator),
 * which agents a row names (whoever follows Changes), and which refusals there are and until when
 * (operators, and the handlers that end them).
 *
 * A row that is put again says the same as before of the agents that it still names. Of those that
 * it no longer names a younger row says as much.
 *
 * Rows name agents by their numbers. The number that an agent had when it was refused belongs to
 * nobody else while a row names it: what was refused of an agent that went, or that is no longer
 * what it was, is forgotten by its number being another one or none.
 */
import type { AgentId, FrameworkId } from "../../protocol/ids.ts";
import { contains } from "../../resources/algebra.ts";
import type { Resources } from "../../resources/resource.ts";
import { readAscending } from "../../std/number-text.ts";
import type { Change } from "../../std/table.ts";
import type { AgentRow, FilterRow } from "../rows.ts";
import type { Tables } from "../tables.ts";
import { ClientRefusals } from "./client-refusals.ts";

/** A framework in one of its roles, on one agent. */
export interface ClientOnAgent {
  readonly frameworkId: FrameworkId;
  readonly role: string;
  readonly agentId: AgentId;
  /** The agent's, if it is at hand: it need not be looked for then. */
  readonly number?: number;
}

/** A row as it stands for one agent. */
export interface Refusal {
  readonly row: FilterRow;
  /** What is not offered of the agent, nor less of it. Empty beside `row.blocksAll`. */
  readonly refused: Resources;
}

export class Refusals {
  readonly #tables: Pick<Tables, "agent">;
  readonly #clients = new Map<FrameworkId, Map<string, ClientRefusals>>();
  /** The agents by number. */
  readonly #agents: (AgentId | undefined)[] = [];
  /** How many rows name a number. */
  readonly #naming: number[] = [];
  /** Below it every number is taken. */
  #lowestFree = 0;

  constructor(tables: Pick<Tables, "agent">) {
    this.#tables = tables;
  }

  follow({ table, before, after }: Change): void {
    // A change's row is one of its table.
    if (table === "agent") {
      this.#followAgent(before as AgentRow | undefined, after as AgentRow | undefined);
    } else if (table === "filter") {
      this.#followRow(before as FilterRow | undefined, after as FilterRow | undefined);
    }
  }

  /** Whether the client refused anything of the agent that still stands. */
  has(client: ClientOnAgent): boolean {
    const ofClient = this.#clients.get(client.frameworkId)?.get(client.role);
    const number = this.#numberOf(client);
    return number !== undefined && ofClient?.some(number, () => true) === true;
  }

  /** Whether a refusal keeps `candidate` of the agent from the client. */
  keeps(client: ClientOnAgent, candidate: Resources): boolean {
    const ofClient = this.#clients.get(client.frameworkId)?.get(client.role);
    const number = this.#numberOf(client);
    if (ofClient === undefined || number === undefined) return false;
    return ofClient.some(number, (refusal) => refuses(refusal, candidate));
  }

  /** The refusal that does so the longest; undefined: none does. */
  keeping(client: ClientOnAgent, candidate: Resources): Refusal | undefined {
    return this.of(client)
      .filter((refusal) => refuses(refusal, candidate))
      .reduce<Refusal | undefined>((longest, refusal) => {
        const ends = refusal.row.expiresAtMs;
        return longest === undefined || longest.row.expiresAtMs < ends ? refusal : longest;
      }, undefined);
  }

  /** What the client refused of the agent, in the order of creation. */
  of(client: ClientOnAgent): readonly Refusal[] {
    const ofClient = this.#clients.get(client.frameworkId)?.get(client.role);
    const number = this.#numberOf(client);
    if (ofClient === undefined || number === undefined) return [];
    return ofClient.of(number);
  }

  /** Rows of the framework, for one role or for all, in the order of creation. */
  rowsOf(frameworkId: FrameworkId, role?: string): readonly FilterRow[] {
    const roles = this.#clients.get(frameworkId);
    const ofRoles = role === undefined ? [...(roles?.values() ?? [])] : [roles?.get(role)];
    return ofRoles.flatMap((ofRole) => ofRole?.rows() ?? []).sort(bySeq);
  }

  /** The row of the client that was made last. */
  youngestRow(frameworkId: FrameworkId, role: string): FilterRow | undefined {
    return this.#clients.get(frameworkId)?.get(role)?.youngestRow();
  }

  /** Rows that name the agent, in the order of creation. */
  rowsNaming(agentId: AgentId): readonly FilterRow[] {
    const number = this.#tables.agent.get(agentId)?.number;
    if (number === undefined) return [];
    const rows: FilterRow[] = [];
    for (const roles of this.#clients.values()) {
      for (const ofClient of roles.values())
        rows.push(...ofClient.of(number).map(({ row }) => row));
    }
    return rows.sort(bySeq);
  }

  /**
   * The agents that the row names and that are still there, also when it has just been deleted; but
   * for those that another version of it names as well.
   */
  *agentsOf(row: FilterRow, except?: FilterRow): Iterable<AgentId> {
    const others = except === undefined ? undefined : new Set(readAscending(except.agents));
    for (const number of readAscending(row.agents)) {
      const agentId = this.#agents[number];
      if (agentId !== undefined && others?.has(number) !== true) yield agentId;
    }
  }

  /** Whether the number is that of an agent. */
  isOfAgent(number: number): boolean {
    return this.#agents[number] !== undefined;
  }

  /** The lowest number that no agent has and no row names. */
  freeNumber(): number {
    let number = this.#lowestFree;
    while (this.isOfAgent(number) || (this.#naming[number] ?? 0) > 0) number++;
    this.#lowestFree = number;
    return number;
  }

  #numberOf({ number, agentId }: ClientOnAgent): number | undefined {
    return number ?? this.#tables.agent.get(agentId)?.number;
  }

  #followAgent(before: AgentRow | undefined, after: AgentRow | undefined): void {
    if (before?.number === after?.number) return;
    if (before !== undefined) {
      this.#agents[before.number] = undefined;
      this.#lowestFree = Math.min(this.#lowestFree, before.number);
    }
    if (after !== undefined) setAt(this.#agents, after.number, after.id, undefined);
  }

  #followRow(before: FilterRow | undefined, after: FilterRow | undefined): void {
    const numbersBefore = before === undefined ? [] : readAscending(before.agents);
    const numbers = after === undefined ? [] : readAscending(after.agents);
    // First what comes, so that no number looks free that is named before and after.
    for (const number of numbers) this.#addNaming(number, 1);
    for (const number of numbersBefore) this.#addNaming(number, -1);
    if (before !== undefined && after !== undefined) {
      this.#client(after).replace({ row: before, numbers: numbersBefore }, { row: after, numbers });
    } else if (after !== undefined) this.#client(after).add(after, numbers);
    else if (before !== undefined) this.#remove(before, numbersBefore);
  }

  #client({ frameworkId, role }: FilterRow): ClientRefusals {
    const roles = this.#clients.get(frameworkId) ?? new Map<string, ClientRefusals>();
    this.#clients.set(frameworkId, roles);
    const ofClient = roles.get(role) ?? new ClientRefusals();
    roles.set(role, ofClient);
    return ofClient;
  }

  #remove(row: FilterRow, numbers: readonly number[]): void {
    const roles = this.#clients.get(row.frameworkId);
    const ofClient = roles?.get(row.role);
    ofClient?.remove(row, numbers);
    if (ofClient?.isEmpty() === true) roles?.delete(row.role);
    if (roles?.size === 0) this.#clients.delete(row.frameworkId);
  }

  #addNaming(number: number, rows: 1 | -1): void {
    const naming = (this.#naming[number] ?? 0) + rows;
    setAt(this.#naming, number, naming, 0);
    if (naming === 0) this.#lowestFree = Math.min(this.#lowestFree, number);
  }
}

/** Fills up with `filler`: an array with holes is a hash map to the engine. */
function setAt<T>(list: T[], at: number, value: T, filler: T): void {
  while (list.length < at) list.push(filler);
  list[at] = value;
}

function bySeq(a: FilterRow, b: FilterRow): number {
  return a.seq - b.seq;
}

/** More than was refused is offered again. */
function refuses({ row, refused }: Refusal, candidate: Resources): boolean {
  return row.blocksAll || contains(refused, candidate);
}
