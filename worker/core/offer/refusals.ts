/**
 * What frameworks refused, as it stands: derived from the rows of `filter` by their Changes.
 *
 * Three questions are asked of it: whether a refusal keeps something from a client (the allocator),
 * which agents a row names (whoever follows Changes), and which refusals there are and until when
 * (operators, and the handlers that end them).
 */
import type { AgentId, FrameworkId } from "../../protocol/ids.ts";
import { contains } from "../../resources/algebra.ts";
import type { Resources } from "../../resources/resource.ts";
import type { Change } from "../../std/table.ts";
import type { FilterRow } from "../rows.ts";

/** A framework in one of its roles, on one agent. */
export interface ClientOnAgent {
  readonly frameworkId: FrameworkId;
  readonly role: string;
  readonly agentId: AgentId;
}

/** A row as it stands for one agent. */
export interface Refusal {
  readonly row: FilterRow;
  /** What is not offered of the agent, nor less of it. Empty beside `row.blocksAll`. */
  readonly refused: Resources;
}

export class Refusals {
  /** By framework, role and agent; of each agent in the order of creation. */
  readonly #rows = new Map<FrameworkId, Map<string, Map<AgentId, FilterRow[]>>>();

  follow({ table, before, after }: Change): void {
    if (table !== "filter") return;
    // A change's row is one of its table.
    if (before !== undefined) this.#remove(before as FilterRow);
    if (after !== undefined) this.#add(after as FilterRow);
  }

  /** Whether a refusal keeps `candidate` of the agent from the client. */
  keeps(client: ClientOnAgent, candidate: Resources): boolean {
    return this.#of(client).some((row) => refuses({ row, refused: row.refused }, candidate));
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
    return this.#of(client).map((row) => ({ row, refused: row.refused }));
  }

  /** Rows of the framework, for one role or for all, in the order of creation. */
  rowsOf(frameworkId: FrameworkId, role?: string): readonly FilterRow[] {
    const roles = this.#rows.get(frameworkId);
    const ofRoles = role === undefined ? [...(roles?.values() ?? [])] : [roles?.get(role)];
    const rows = ofRoles.flatMap((ofRole) => [...(ofRole?.values() ?? [])].flat());
    return rows.sort((a, b) => a.seq - b.seq);
  }

  /** Rows that name the agent, in the order of creation. */
  rowsNaming(agentId: AgentId): readonly FilterRow[] {
    const rows: FilterRow[] = [];
    for (const roles of this.#rows.values()) {
      for (const agents of roles.values()) rows.push(...(agents.get(agentId) ?? []));
    }
    return rows.sort((a, b) => a.seq - b.seq);
  }

  /** The agents that the row names, also when it has just been deleted. */
  agentsOf(row: FilterRow): Iterable<AgentId> {
    return [row.agentId];
  }

  #of({ frameworkId, role, agentId }: ClientOnAgent): readonly FilterRow[] {
    return this.#rows.get(frameworkId)?.get(role)?.get(agentId) ?? [];
  }

  #add(row: FilterRow): void {
    const { frameworkId, role, agentId } = row;
    const roles = this.#rows.get(frameworkId) ?? new Map<string, Map<AgentId, FilterRow[]>>();
    this.#rows.set(frameworkId, roles);
    const agents = roles.get(role) ?? new Map<AgentId, FilterRow[]>();
    roles.set(role, agents);
    const rows = [...(agents.get(agentId) ?? []), row];
    // An undone step puts rows back behind younger ones.
    agents.set(
      agentId,
      rows.sort((a, b) => a.seq - b.seq),
    );
  }

  #remove({ seq, frameworkId, role, agentId }: FilterRow): void {
    const roles = this.#rows.get(frameworkId);
    const agents = roles?.get(role);
    const rows = agents?.get(agentId)?.filter((row) => row.seq !== seq) ?? [];
    if (rows.length > 0) agents?.set(agentId, rows);
    else agents?.delete(agentId);
    if (agents?.size === 0) roles?.delete(role);
    if (roles?.size === 0) this.#rows.delete(frameworkId);
  }
}

/** More than was refused is offered again. */
function refuses({ row, refused }: Refusal, candidate: Resources): boolean {
  return row.blocksAll || contains(refused, candidate);
}
