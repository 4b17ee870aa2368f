/**
 * A policy with short names for what it is told: clients are "role:framework", quantities whole
 * units.
 */
import type {
  Client,
  Policy,
  PolicyState,
  RoleSettings,
} from "../../../worker/core/allocator/policy.ts";
import type { AgentId, FrameworkId } from "../../../worker/protocol/ids.ts";
import type { Quantities } from "../../../worker/resources/resource.ts";
import { prng } from "../../../worker/std/prng.ts";

// Branded strings are made where ids are made; in tests that is here.
export const agentId = "S0" as AgentId;

/** "eng/web:f1" → the client of framework f1 in role eng/web. */
export function client(text: string): Client {
  const [role = "", framework = ""] = text.split(":");
  return { role, frameworkId: framework as FrameworkId };
}

export class Cluster {
  readonly state: PolicyState;

  constructor(policy: Policy, total: Record<string, number> = { cpus: 100, mem: 100 }) {
    this.state = policy.create();
    this.state.setTotal(thousandths(total));
  }

  add(...clients: readonly string[]): this {
    for (const text of clients) this.state.add(client(text));
    return this;
  }

  remove(text: string): this {
    this.state.remove(client(text));
    return this;
  }

  role(role: string, settings: Partial<RoleSettings>): this {
    this.state.setRole(role, { weight: 1, priority: 0, ...settings });
    return this;
  }

  give(text: string, quantities: Record<string, number>): this {
    this.state.allocated({
      client: client(text),
      agentId,
      quantities: thousandths(quantities),
    });
    return this;
  }

  take(text: string, quantities: Record<string, number>): this {
    this.state.unallocated({
      client: client(text),
      agentId,
      quantities: thousandths(quantities),
    });
    return this;
  }

  turn(text: string): this {
    this.state.tookTurn(client(text));
    return this;
  }

  order(seed = 1, skipsTree?: (topRole: string) => boolean): readonly string[] {
    const order = this.state.order({ random: prng(seed), skipsTree });
    return [...order].map(({ role, frameworkId }) => `${role}:${frameworkId}`);
  }
}

function thousandths(quantities: Record<string, number>): Quantities {
  const entries = Object.entries(quantities);
  return Object.fromEntries(entries.map(([name, value]) => [name, Math.round(value * 1_000)]));
}
