/**
 * Who stands where: keeps a policy told of clients and of what they hold, and of nothing twice.
 *
 * A client is in the policy while it wants offers or holds something, as seen at each allocation;
 * what it holds counts for its role also when it is suppressed or away. A shared volume of which it
 * holds several copies counts once, as in Mesos.
 */

import type { AgentId } from "../../protocol/ids.ts";
import { reservedRole } from "../../resources/algebra.ts";
import { quantitiesOf } from "../../resources/quantities.ts";
import type { Quantities, Resource, Resources } from "../../resources/resource.ts";
import { assert } from "../../std/assert.ts";
import { type PolicyName, policies } from "./policies/index.ts";
import type { Client, OrderRequest, PolicyState, RoleSettings } from "./policy.ts";

/** Resources of one agent that a client has. */
export interface Held {
  readonly client: Client;
  readonly agentId: AgentId;
  readonly resources: Resources;
}

export class Standing {
  readonly #policy: PolicyState;
  readonly #clients = new Map<string, { wants: boolean; holds: number }>();
  /** Copies of shared volumes, by client, agent and volume. */
  readonly #copies = new Map<string, number>();
  /** Clients that neither wanted nor held anything at some moment since the last allocation. */
  readonly #idle = new Map<string, Client>();

  constructor(name: PolicyName) {
    this.#policy = policies[name].create();
  }

  setTotal(total: Quantities): void {
    this.#policy.setTotal(total);
  }

  setRole(role: string, settings: RoleSettings): void {
    this.#policy.setRole(role, settings);
  }

  setWants(client: Client, wants: boolean): void {
    const known = this.#known(client);
    known.wants = wants;
    if (wants) this.#policy.activate(client);
    else this.#policy.deactivate(client);
    this.#noteIfIdle(client);
  }

  hold(held: Held): void {
    const { client, agentId } = held;
    this.#known(client).holds++;
    this.#policy.allocated({ client, agentId, quantities: this.#counted(held, 1) });
  }

  release(held: Held): void {
    const { client, agentId } = held;
    const known = this.#known(client);
    assert(known.holds > 0, `${client.frameworkId} releases what it holds`);
    known.holds--;
    this.#policy.unallocated({ client, agentId, quantities: this.#counted(held, -1) });
    this.#noteIfIdle(client);
  }

  /** Of a shared volume only the copy that comes first, and that goes last. */
  #counted({ client, agentId, resources }: Held, change: 1 | -1): Quantities {
    if (!resources.some(({ shared }) => shared)) return quantitiesOf(resources);
    const isCounted = (resource: Resource): boolean => {
      if (!resource.shared) return true;
      // An agent has one volume of a name for a role.
      const volume = `${reservedRole(resource)}/${resource.disk?.persistence?.id}`;
      const key = `${keyOf(client)}/${agentId}/${volume}`;
      const before = this.#copies.get(key) ?? 0;
      const after = before + change;
      if (after === 0) this.#copies.delete(key);
      else this.#copies.set(key, after);
      return before === 0 || after === 0;
    };
    return quantitiesOf(resources.filter(isCounted));
  }

  tookTurn(client: Client): void {
    this.#policy.tookTurn(client);
  }

  /**
   * Forgets those who want nothing and hold nothing, and whose turn it was. Not at the moment they
   * let go: between an offer that is accepted and its tasks a client holds nothing either.
   */
  forgetIdle(): void {
    for (const [key, client] of this.#idle) {
      if (!this.#isIdle(key)) continue;
      this.#clients.delete(key);
      this.#policy.remove(client);
    }
    this.#idle.clear();
  }

  order(request: OrderRequest): Iterable<Client> {
    return this.#policy.order(request);
  }

  #known(client: Client): { wants: boolean; holds: number } {
    const key = keyOf(client);
    let known = this.#clients.get(key);
    if (known === undefined) {
      known = { wants: false, holds: 0 };
      this.#clients.set(key, known);
      this.#policy.add(client);
      this.#policy.deactivate(client);
    }
    return known;
  }

  #noteIfIdle(client: Client): void {
    const key = keyOf(client);
    if (this.#isIdle(key)) this.#idle.set(key, client);
  }

  #isIdle(key: string): boolean {
    const known = this.#clients.get(key);
    return known !== undefined && !known.wants && known.holds === 0;
  }
}

function keyOf({ frameworkId, role }: Client): string {
  return `${frameworkId}/${role}`;
}
