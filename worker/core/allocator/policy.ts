/**
 * The contract of an allocation policy: who is offered an agent's free resources first.
 *
 * A policy is told what the allocator knows (the notifications) and asked for an order. It never
 * decides how much somebody gets or whether he may have it: filters, quota, capabilities and
 * minimums are the allocator's. Everything in it is derived from rows: after a reload it is built
 * again by the same notifications.
 *
 * Rules that the caller keeps, and a policy may assert:
 * 1. A client is added before its first allocation and removed after its last one; `unallocated`
 * takes back
 *    only what was `allocated`.
 * 2. While the caller goes through an order, it notifies only of the client it was given last.
 *
 * Rules that every policy keeps (the contract suite runs over the table in `policies/index.ts`):
 * 3. An order has every active client exactly once, the best one first, and no other. It is that of
 * the
 *    moment at which the first one is taken, and lazy: a caller that stops early does not pay for
 *    the rest.
 * 4. The same clients, settings, allocations and turns with the same randomness give the same
 * order, in whatever
 *    order the notifications came. `unallocated` undoes `allocated` exactly.
 */
import type { AgentId, FrameworkId } from "../../protocol/ids.ts";
import type { Quantities } from "../../resources/resource.ts";
import type { Prng } from "../../std/prng.ts";
import type { Kinds } from "./engine/kinds.ts";

/** A framework in one of its roles. */
export interface Client {
  readonly role: string;
  readonly frameworkId: FrameworkId;
}

/** Something of an agent that is a client's: offered to it, or used by its tasks and executors. */
export interface Allocation {
  readonly client: Client;
  readonly agentId: AgentId;
  /** Reserved scalars included. */
  readonly quantities: Quantities;
}

export interface RoleSettings {
  /** A role with weight 2 is due twice as much as one with weight 1. Above 0. */
  readonly weight: number;
  /** Higher first. Policies without priorities do not look at it. */
  readonly priority: number;
}

/** What holds for a role, and for an inner node of the tree, until `setRole` says otherwise. */
export const DEFAULT_ROLE_SETTINGS: RoleSettings = { weight: 1, priority: 0 };

export interface OrderRequest {
  readonly random: Prng;
  /**
   * Leaves out a top-level role with all that is below it, without looking into it; asked when its
   * turn comes. Absent: none.
   */
  readonly skipsTree?: (topRole: string) => boolean;
}

export interface Policy {
  /**
   * An empty one: no clients, a total of nothing, default settings. `kinds`: the numbers that the
   * allocator has for kinds of resources, for policies that are told amounts by number.
   */
  create(kinds?: Kinds): PolicyState;
  /**
   * By what it tells who comes first, for who is asked why: dominant shares by weight, priorities
   * and then those, or lots. Absent = by something of its own, which is not told.
   */
  readonly decidesBy?: "SHARE" | "PRIORITY" | "LOT";
}

export interface PolicyState {
  /**
   * All agents together; a kind that is left out does not count for anybody's share. 0 is possible.
   */
  setTotal(total: Quantities): void;
  /** May come before the role has a client, and stays when it has none any more. */
  setRole(role: string, settings: RoleSettings): void;

  /** The client is active from now on. Asserts that it is not there yet. */
  add(client: Client): void;
  /** Asserts that nothing is allocated to it any more. */
  remove(client: Client): void;
  /**
   * Active = wants offers. What is allocated to an inactive client still counts for its role. Both
   * may repeat.
   */
  activate(client: Client): void;
  deactivate(client: Client): void;

  allocated(allocation: Allocation): void;
  unallocated(allocation: Allocation): void;
  /**
   * The client had its turn: an offer was made to it. Among those with equal claims it comes after
   * those with fewer turns. Apart from `allocated`, because taking an allocation back does not take
   * the turn back: who declines everything must not stay first for ever. Turns are not kept over a
   * restart.
   */
  tookTurn(client: Client): void;

  /** The clients to offer one agent to, best first. */
  order(request: OrderRequest): Iterable<Client>;
}
