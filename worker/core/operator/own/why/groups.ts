/**
 * Findings by reason: how many agents and clients each is true of, and the first of them by name.
 * Bounded, whatever the size of the cluster.
 */
import type * as own from "../../../../protocol/own/operator.ts";
import { type Explained, type Finding, keyOf, merged } from "./finding.ts";

/** Reasons told apart; those that come later are counted only. */
const GROUPS_MAX = 60;
/** Agents and clients named in each. */
const NAMED = 5;

interface Group {
  finding: Finding;
  agentCount: number;
  lastAgent: string | undefined;
  readonly agents: own.AgentName[];
  readonly clientKeys: Set<string>;
  readonly clients: own.ClientName[];
}

/** A framework in a role, by what tells it from others. */
interface ClientId {
  readonly frameworkId: string;
  readonly role: string;
}

export class Groups {
  readonly #nameOf: (client: ClientId) => own.ClientName;
  readonly #groups = new Map<string, Group>();
  readonly #leftOut = new Set<string>();

  /** `nameOf` is asked for the few clients that are named. */
  constructor(nameOf: (client: ClientId) => own.ClientName) {
    this.#nameOf = nameOf;
  }

  /** All clients of an agent come before the next agent. `agent` undefined: true of every one. */
  add(finding: Finding, agent: own.AgentName | undefined, client: ClientId): void {
    const key = keyOf(finding);
    let group = this.#groups.get(key);
    if (group === undefined) {
      if (this.#groups.size >= GROUPS_MAX) {
        if (this.#leftOut.size < GROUPS_MAX) this.#leftOut.add(key);
        return;
      }
      group = emptyGroup(finding);
      this.#groups.set(key, group);
    } else group.finding = merged(group.finding, finding);
    if (agent !== undefined && group.lastAgent !== agent.id) {
      group.lastAgent = agent.id;
      group.agentCount++;
      if (group.agents.length < NAMED) group.agents.push(agent);
    }
    const clientKey = `${client.frameworkId}/${client.role}`;
    if (group.clientKeys.has(clientKey)) return;
    group.clientKeys.add(clientKey);
    if (group.clients.length < NAMED) group.clients.push(this.#nameOf(client));
  }

  /** Those of the most agents first, and among equal ones in the order in which they were found. */
  list(): readonly Explained[] {
    return [...this.#groups.values()]
      .map(({ finding, agentCount, agents, clients, clientKeys }) => ({
        ...finding,
        agent_count: agentCount,
        client_count: clientKeys.size,
        agents,
        clients,
      }))
      .sort((a, b) => b.agent_count - a.agent_count);
  }

  /** Reasons that are not in the list, up to a bound. */
  get leftOut(): number {
    return this.#leftOut.size;
  }
}

function emptyGroup(finding: Finding): Group {
  return {
    finding,
    agentCount: 0,
    lastAgent: undefined,
    agents: [],
    clientKeys: new Set(),
    clients: [],
  };
}
