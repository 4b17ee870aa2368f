/**
 * Who stands where: keeps a policy told of clients and of what they hold, and of nothing twice.
 *
 * A client is in the policy while it wants offers or holds something; what it holds counts for its
 * role also when it is suppressed or away.
 */

import type { Quantities } from "../../resources/resource.ts";
import { assert } from "../../std/assert.ts";
import type { Prng } from "../../std/prng.ts";
import { type PolicyName, policies } from "./policies/index.ts";
import type { Allocation, Client, PolicyState, RoleSettings } from "./policy.ts";

export class Standing {
  readonly #policy: PolicyState;
  readonly #clients = new Map<string, { wants: boolean; holds: number }>();

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
    this.#forgetIfIdle(client);
  }

  hold(hold: Allocation): void {
    this.#known(hold.client).holds++;
    this.#policy.allocated(hold);
  }

  release(hold: Allocation): void {
    const known = this.#known(hold.client);
    assert(known.holds > 0, `${hold.client.frameworkId} releases what it holds`);
    known.holds--;
    this.#policy.unallocated(hold);
    this.#forgetIfIdle(hold.client);
  }

  tookTurn(client: Client): void {
    this.#policy.tookTurn(client);
  }

  order(random: Prng): Iterable<Client> {
    return this.#policy.order({ random });
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

  #forgetIfIdle(client: Client): void {
    const key = keyOf(client);
    const known = this.#clients.get(key);
    if (known === undefined || known.wants || known.holds > 0) return;
    this.#clients.delete(key);
    this.#policy.remove(client);
  }
}

function keyOf({ frameworkId, role }: Client): string {
  return `${frameworkId}/${role}`;
}
