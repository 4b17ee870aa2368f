/**
 * Between the engine and the rows: answers what only rows know, and makes offers of what is
 * decided. Lives for one turn.
 */
import type { AgentId, FrameworkId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type { Resources } from "../../resources/resource.ts";
import { defined } from "../../std/assert.ts";
import { makeOffer } from "../offer/offer.ts";
import { offerToSend } from "../offer/offer-message.ts";
import type { AgentRow, FrameworkRow } from "../rows.ts";
import type { Turn } from "../turn.ts";
import type { Engine } from "./engine/engine.ts";
import type { Budget, Gate, Given } from "./engine/gate.ts";
import { isAllocatable } from "./minimum.ts";
import { admits, constraintsOf } from "./offer-constraints.ts";
import type { Client } from "./policy.ts";
import type { QuotaStage } from "./quota.ts";
import { RowLook } from "./row-look.ts";

export class RowGate implements Gate {
  readonly #turn: Turn;
  readonly #budget: Budget;
  readonly #rowLook: RowLook;
  readonly #engine: Engine | undefined;
  /** By framework, in the order in which they were made. */
  readonly offers = new Map<FrameworkId, mesos.Offer[]>();

  constructor(turn: Turn, budget: Budget) {
    this.#turn = turn;
    this.#budget = budget;
    this.#engine = turn.state.allocation.engine();
    this.#rowLook = new RowLook(turn, {
      budget,
      offer: (client, agent, resources) => {
        const framework = turn.state.tables.framework.get(client.frameworkId);
        this.#make(defined(framework, "its row was looked at"), client.role, agent, resources);
        turn.state.allocation.tookTurn(client);
      },
    });
  }

  /** One cycle over the agents; those that the budget did not suffice for are returned. */
  decide(agents: readonly AgentId[]): readonly AgentId[] {
    const { state, random } = this.#turn;
    const { agents: slots } = state.allocation;
    if (this.#engine === undefined) return this.#rowLook.decide(agents);
    state.allocation.engine();
    const left = this.#engine.decide({
      agents: agents.map((id) => defined(slots.of(id), `agent ${id} is there`)),
      gate: this,
      random,
      budget: this.#budget,
    });
    return left.map((slot) => slots.rowAt(slot).id);
  }

  admits(client: number, agent: number): boolean {
    const { framework, role } = this.#client(client);
    const constraints = constraintsOf(framework);
    return constraints === undefined || admits(constraints, role, this.#agent(agent));
  }

  isEnough(client: number, agent: number, given: Given): boolean {
    const { framework, role } = this.#client(client);
    return isAllocatable(framework, role, this.#resources(agent, given));
  }

  refuses(client: number, agent: number, given: Given): boolean {
    const { framework, role } = this.#client(client);
    const { id: agentId, number } = this.#agent(agent);
    const asked = { frameworkId: framework.id, role, agentId, number };
    return this.#turn.state.refusals.keeps(asked, this.#resources(agent, given));
  }

  isAtCap(client: number, agent: number): boolean {
    const { allocation } = this.#turn.state;
    const { frameworkId } = this.#name(client);
    if (!allocation.isAtOfferCap(frameworkId)) return false;
    allocation.passedOverAtCap(frameworkId, this.#agent(agent).id);
    return true;
  }

  offer(client: number, agent: number, given: Given): void {
    const { framework, role } = this.#client(client);
    const row = this.#agent(agent);
    this.#make(framework, role, row, this.#resources(agent, given));
    this.#turn.state.allocation.agents.settle();
  }

  lookAtRows(agent: number, stage: QuotaStage): void {
    this.#rowLook.look(this.#agent(agent).id, stage);
    this.#turn.state.allocation.agents.settle();
  }

  passedOver(agent: number): void {
    this.#turn.state.allocation.quota()?.passedOver(this.#agent(agent).id);
  }

  #make(framework: FrameworkRow, role: string, agent: AgentRow, resources: Resources): void {
    const offer = makeOffer(this.#turn, framework, role, agent, resources);
    const made = this.offers.get(framework.id) ?? [];
    made.push(offerToSend(this.#turn.state, offer, framework, agent));
    this.offers.set(framework.id, made);
  }

  #resources(agent: number, given: Given): Resources {
    return this.#turn.state.allocation.resourcesOf(this.#agent(agent), given);
  }

  #agent(slot: number): AgentRow {
    return this.#turn.state.allocation.agents.rowAt(slot);
  }

  #name(client: number): Client {
    return defined(this.#engine, "clients have numbers in an engine").tree.clientAt(client);
  }

  #client(client: number): { readonly framework: FrameworkRow; readonly role: string } {
    const { frameworkId, role } = this.#name(client);
    const framework = this.#turn.state.tables.framework.get(frameworkId);
    return { framework: defined(framework, `${frameworkId} wants offers`), role };
  }
}
