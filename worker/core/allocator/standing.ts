/**
 * Who stands where: keeps a policy told of clients and of what they hold, and of nothing twice.
 *
 * A client is in the policy while it wants offers or holds something, as seen at each allocation;
 * what it holds counts for its role also when it is suppressed or away. A shared volume of which it
 * holds several copies counts once, as in Mesos.
 */

import type { AgentId, FrameworkId } from "../../protocol/ids.ts";
import { reservedRole } from "../../resources/algebra.ts";
import { quantitiesOf } from "../../resources/quantities.ts";
import type { Quantities, Resource, Resources } from "../../resources/resource.ts";
import { assert } from "../../std/assert.ts";
import { Kinds } from "./engine/kinds.ts";
import { OrderTree } from "./engine/order-tree.ts";
import { type PolicyName, policies } from "./policies/index.ts";
import type { Client, OrderRequest, PolicyState, RoleSettings } from "./policy.ts";

/** Resources of one agent that a client has. */
export interface Held {
  readonly client: Client;
  readonly agentId: AgentId;
  readonly resources: Resources;
}

interface Known {
  readonly client: Client;
  /** In the tree; -1 under a policy without one. */
  readonly number: number;
  wants: boolean;
  holds: number;
}

/** Told of clients that come, go, and begin or cease to want offers, under a policy with a tree. */
export interface ClientListener {
  added(number: number, client: Client): void;
  wants(number: number, wants: boolean): void;
  removed(number: number): void;
}

export class Standing {
  readonly #policy: PolicyState;
  /** Undefined: the policy is one that orders clients without a tree. */
  readonly tree: OrderTree | undefined;
  readonly #kinds: Kinds;
  listener: ClientListener | undefined;
  readonly #clients = new Map<FrameworkId, Map<string, Known>>();
  /** Copies of shared volumes, by client, agent and volume. */
  readonly #copies = new Map<string, number>();
  /** Clients that neither wanted nor held anything at some moment since the last allocation. */
  readonly #idle = new Set<Known>();

  constructor(name: PolicyName, kinds: Kinds = new Kinds()) {
    this.#kinds = kinds;
    this.#policy = policies[name].create(kinds);
    this.tree = this.#policy instanceof OrderTree ? this.#policy : undefined;
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
    if (known.number >= 0) this.listener?.wants(known.number, wants);
    this.#noteIfIdle(known);
  }

  hold(held: Held): void {
    const known = this.#known(held.client);
    known.holds++;
    this.#count(known, held, 1);
  }

  release(held: Held): void {
    const { client } = held;
    const known = this.#known(client);
    assert(known.holds > 0, `${client.frameworkId} releases what it holds`);
    known.holds--;
    this.#count(known, held, -1);
    this.#noteIfIdle(known);
  }

  #count({ number }: Known, held: Held, sign: 1 | -1): void {
    const { client, agentId, resources } = held;
    const isSharing = resources.some(({ shared }) => shared);
    const counted = isSharing ? this.#counted(held, sign) : resources;
    if (this.tree === undefined) {
      const allocation = { client, agentId, quantities: quantitiesOf(counted) };
      if (sign > 0) this.#policy.allocated(allocation);
      else this.#policy.unallocated(allocation);
      return;
    }
    for (const resource of counted) {
      if (resource.kind !== "SCALAR") continue;
      const kind = this.#kinds.numberOf(resource.name);
      this.tree.addTo(number, kind, sign * resource.thousandths);
    }
  }

  /** Of a shared volume only the copy that comes first, and that goes last. */
  #counted({ client, agentId, resources }: Held, change: 1 | -1): Resources {
    const isCounted = (resource: Resource): boolean => {
      if (!resource.shared) return true;
      // An agent has one volume of a name for a role.
      const volume = `${reservedRole(resource)}/${resource.disk?.persistence?.id}`;
      const key = `${client.frameworkId}/${client.role}/${agentId}/${volume}`;
      const before = this.#copies.get(key) ?? 0;
      const after = before + change;
      if (after === 0) this.#copies.delete(key);
      else this.#copies.set(key, after);
      return before === 0 || after === 0;
    };
    return resources.filter(isCounted);
  }

  tookTurn(client: Client): void {
    this.#policy.tookTurn(client);
  }

  /**
   * Forgets those who want nothing and hold nothing, and whose turn it was. Not at the moment they
   * let go: between an offer that is accepted and its tasks a client holds nothing either.
   */
  forgetIdle(): void {
    for (const known of this.#idle) {
      if (!isIdle(known)) continue;
      const { frameworkId, role } = known.client;
      const roles = this.#clients.get(frameworkId);
      roles?.delete(role);
      if (roles?.size === 0) this.#clients.delete(frameworkId);
      if (known.number >= 0) this.listener?.removed(known.number);
      this.#policy.remove(known.client);
    }
    this.#idle.clear();
  }

  /** For what-if: those that are forgotten at the next allocation, unless they stir till then. */
  idleClients(): readonly Client[] {
    return [...this.#idle].filter(isIdle).map(({ client }) => client);
  }

  /** Those and no others are idle again. */
  restoreIdle(clients: readonly Client[]): void {
    this.forgetIdle();
    for (const client of clients) this.#noteIfIdle(this.#known(client));
  }

  order(request: OrderRequest): Iterable<Client> {
    return this.#policy.order(request);
  }

  /** The client's number in the tree; undefined: it is not there. */
  numberOf({ frameworkId, role }: Client): number | undefined {
    return this.#clients.get(frameworkId)?.get(role)?.number;
  }

  /** Numbers of the framework in all the roles in which it wants or holds something, by role. */
  numbersOf(frameworkId: FrameworkId): readonly (readonly [role: string, number: number])[] {
    const roles = [...(this.#clients.get(frameworkId)?.values() ?? [])];
    return roles.map(({ client, number }) => [client.role, number] as const);
  }

  #known(client: Client): Known {
    const { frameworkId, role } = client;
    let roles = this.#clients.get(frameworkId);
    if (roles === undefined) {
      roles = new Map();
      this.#clients.set(frameworkId, roles);
    }
    const known = roles.get(role);
    if (known !== undefined) return known;
    this.#policy.add(client);
    this.#policy.deactivate(client);
    const number = this.tree?.numberOf(client) ?? -1;
    const added = { client, number, wants: false, holds: 0 };
    roles.set(role, added);
    if (number >= 0) this.listener?.added(number, client);
    return added;
  }

  #noteIfIdle(known: Known): void {
    if (isIdle(known)) this.#idle.add(known);
  }
}

function isIdle({ wants, holds }: Known): boolean {
  return !wants && holds === 0;
}
