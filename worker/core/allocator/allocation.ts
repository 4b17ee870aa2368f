/**
 * What the allocator needs to know at a glance, derived from the tables by their Changes: what
 * every agent has left, who stands where in the policy's order, and which agents are worth looking
 * at.
 *
 * Nothing here is truth: `new Allocation` over the same tables, told of every row, is the same
 * again.
 */

import type { AgentId, FrameworkId } from "../../protocol/ids.ts";
import { add, isEmpty, subtract } from "../../resources/algebra.ts";
import { addQuantities, quantitiesOf, subtractQuantities } from "../../resources/quantities.ts";
import type { Quantities, Resources } from "../../resources/resource.ts";
import { covers, leftOf } from "../../resources/shared.ts";
import { assert } from "../../std/assert.ts";
import type { Prng } from "../../std/prng.ts";
import type { Change } from "../../std/table.ts";
import type { Refusals } from "../offer/refusals.ts";
import type {
  AgentRow,
  ExecutorRow,
  FilterRow,
  FrameworkRow,
  OfferRow,
  RoleRow,
  TaskRow,
} from "../rows.ts";
import type { MasterSettings } from "../settings.ts";
import type { Tables } from "../tables.ts";
import { AgentSlots } from "./agent-slots.ts";
import { factsOf } from "./client-facts.ts";
import { Dirt } from "./dirt.ts";
import { Engine } from "./engine/engine.ts";
import type { Given } from "./engine/gate.ts";
import { restoreTurns, type TurnMarks, turnMarks } from "./engine/turn-marks.ts";
import { executorHold, type Hold, holdsIn, offerHold, taskHold } from "./holds.ts";
import { type OfferCapMarks, OfferCaps } from "./offer-caps.ts";
import { isPolicyName } from "./policies/index.ts";
import {
  type Client,
  DEFAULT_ROLE_SETTINGS,
  type OrderRequest,
  type RoleSettings,
} from "./policy.ts";
import { QuotaLedger, type QuotaMarks } from "./quota.ts";
import { Standing } from "./standing.ts";

export interface AllocationMarks {
  readonly dirty: readonly AgentId[];
  readonly caps: OfferCapMarks;
  readonly quota: QuotaMarks | undefined;
  /** Clients that are about to be forgotten. */
  readonly idle: readonly Client[];
  /** Undefined: nobody had been ordered yet, or the policy has no tree. */
  readonly turns: TurnMarks | undefined;
}

export class Allocation {
  readonly #tables: Tables;
  readonly #refusals: Refusals;
  readonly #held = new Map<AgentId, Resources>();
  readonly #agents: AgentSlots;
  readonly #dirt = new Dirt();
  /** Every agent is worth looking at; a thousand that say so in one turn cost one pass. */
  #isAllDirty = false;
  #total: Quantities = {};
  #standing: Standing | undefined;
  /** Beside the standing, if its policy has a tree. */
  #engine: Engine | undefined;
  #quota: QuotaLedger | undefined;
  #rolesWithQuota = 0;
  readonly #offerCaps: OfferCaps;

  constructor(
    tables: Tables,
    refusals: Refusals,
    settings: Pick<MasterSettings, "maxOffersPerFramework" | "domain">,
  ) {
    this.#tables = tables;
    this.#agents = new AgentSlots(settings, (id) => this.held(id));
    this.#refusals = refusals;
    this.#offerCaps = new OfferCaps(settings.maxOffersPerFramework);
  }

  /** Whether an agent waits to be looked at. */
  hasWork(): boolean {
    if (this.#dirt.size > 0 || this.#offerCaps.isDue()) return true;
    return this.#isAllDirty && this.#tables.agent.size > 0;
  }

  /** Begins an allocation: takes out up to `count` agents worth looking at, in random order. */
  takeDirty(count: number, random: Prng): readonly AgentId[] {
    this.#standing?.forgetIdle();
    this.#spreadDirt();
    this.#addDirt(this.#offerCaps.takeDue());
    return this.#dirt.take(count, random).map((slot) => this.#agents.rowAt(slot).id);
  }

  /** What is left of an agent that was looked at may be for somebody who passed it by before. */
  lookAgain(agentId: AgentId): void {
    this.#addDirt([agentId]);
  }

  /** Agents that were taken, and that the allocation did not come to: it goes on with them. */
  putBackDirty(agents: readonly AgentId[]): void {
    this.#dirt.putBack(this.#slotsOf(agents));
  }

  /** A framework wants offers it did not want before: every agent may have something for it. */
  wants(_frameworkId: FrameworkId): void {
    this.#isAllDirty = true;
  }

  #spreadDirt(): void {
    if (!this.#isAllDirty) return;
    this.#dirt.addAll(this.#agents.slots());
    this.#isAllDirty = false;
  }

  #addDirt(agents: readonly AgentId[]): void {
    for (const slot of this.#slotsOf(agents)) this.#dirt.add(slot);
  }

  #slotsOf(agents: readonly AgentId[]): readonly number[] {
    return agents.map((id) => this.#agents.of(id)).filter((slot) => slot !== undefined);
  }

  /** Marks for what-if: the agents that wait, to be put back after an undo. */
  dirtyAgents(): readonly AgentId[] {
    this.#spreadDirt();
    return this.#dirt.slots().map((slot) => this.#agents.rowAt(slot).id);
  }

  restoreDirty(agents: readonly AgentId[]): void {
    this.#isAllDirty = false;
    this.#dirt.clear();
    this.#addDirt(agents);
  }

  /** For what-if: all that does not follow from rows, to be put back after an undo. */
  marks(): AllocationMarks {
    const tree = this.#standing?.tree;
    return {
      dirty: this.dirtyAgents(),
      caps: this.capMarks(),
      quota: this.#quota?.marks(),
      idle: this.#standing?.idleClients() ?? [],
      turns: tree && turnMarks(tree),
    };
  }

  restore({ dirty, caps, quota, idle, turns }: AllocationMarks): void {
    this.#agents.order(this.#tables.agent.rows().map(({ id }) => id));
    this.restoreDirty(dirty);
    this.restoreCapMarks(caps);
    // A ledger that a change of quota did away with is made again for what it had to remember.
    if (quota !== undefined) this.quota()?.restore(quota);
    else this.#quota?.restore({ passedOver: [], isFreed: false, wokenMs: 0 });
    const standing = turns && this.#standings();
    standing?.restoreIdle(idle);
    if (turns === undefined || standing?.tree === undefined) this.forgetTurns();
    else restoreTurns(standing.tree, turns);
  }

  /** More marks for what-if: the agents that wait because of caps on offers. */
  capMarks(): OfferCapMarks {
    return this.#offerCaps.marks();
  }

  restoreCapMarks(marks: OfferCapMarks): void {
    this.#offerCaps.restore(marks);
  }

  /** Whether the framework has as many offers in hand as it may have at once. */
  isAtOfferCap(frameworkId: FrameworkId): boolean {
    return this.#offerCaps.isAtCap(frameworkId);
  }

  /** The agent is looked at again when the framework has fewer offers. */
  passedOverAtCap(frameworkId: FrameworkId, agentId: AgentId): void {
    this.#offerCaps.passedOver(frameworkId, agentId);
  }

  /** What tasks, executors and offers hold of the agent; of a shared volume each its own copy. */
  held(agentId: AgentId): Resources {
    return this.#held.get(agentId) ?? [];
  }

  /**
   * What nobody holds of the agent. Undefined: more is held than the agent has (it came back
   * smaller, or with tasks thought lost); nothing more is offered of it until that is over.
   */
  free(agent: AgentRow): Resources | undefined {
    const held = this.held(agent.id);
    return covers(agent.total, held) ? leftOf(agent.total, held) : undefined;
  }

  /** Undefined while no role has a quota: then it costs nothing. Made when first needed. */
  quota(): QuotaLedger | undefined {
    if (this.#rolesWithQuota === 0) return undefined;
    if (this.#quota !== undefined) return this.#quota;
    const quota = new QuotaLedger(this.#tables.role.values(), this.#agents);
    for (const agent of this.#tables.agent.values()) quota.agentIs(agent.id, agent);
    for (const { client, resources } of holdsIn(this.#tables))
      quota.held(client.role, resources, 1);
    this.#quota = quota;
    this.#engine?.setBooks(quota.books);
    return quota;
  }

  /** Agents may by now have something for whom a quota withheld it from. */
  wakePassedOver(nowMs: number): void {
    this.#addDirt(this.#quota?.takePassedOver(nowMs) ?? []);
  }

  /** When `wakePassedOver` has to be called, ms; undefined: not at all. */
  wakeAtMs(): number | undefined {
    return this.#quota?.wakeAtMs();
  }

  /** Frameworks and roles that want offers, the most deserving first. */
  order(request: OrderRequest): Iterable<Client> {
    return this.#standings().order(request);
  }

  /** The client was made an offer. */
  tookTurn(client: Client): void {
    this.#standings().tookTurn(client);
  }

  /**
   * What decides by numbers, up to date with the rows; undefined: the policy is one without a tree,
   * and everything is decided on rows.
   */
  engine(): Engine | undefined {
    this.#standings();
    this.#agents.settle();
    const books = this.quota()?.books;
    this.#engine?.setBooks(books);
    return this.#engine;
  }

  /** What the engine gives of the agent, as resources. */
  resourcesOf(agent: AgentRow, given: Given): Resources {
    const free = this.free(agent) ?? [];
    if (given.isWhole) return free;
    const { kinds } = this.#agents.columns;
    return free.flatMap((resource): Resources => {
      if (resource.kind !== "SCALAR") return given.hasRest ? [resource] : [];
      const thousandths = given.thousandths[kinds.numberOf(resource.name)] ?? 0;
      if (thousandths === resource.thousandths) return [resource];
      return thousandths === 0 ? [] : [{ ...resource, thousandths }];
    });
  }

  /** Agents by the engine's numbers. */
  get agents(): AgentSlots {
    return this.#agents;
  }

  /** Forgets the policy's own memory (whose turn it was), as a restart does. */
  forgetTurns(): void {
    this.#standing = undefined;
    this.#engine = undefined;
  }

  follow(change: Change): void {
    switch (change.table) {
      case "agent":
        this.#followAgent(change.before as AgentRow, change.after as AgentRow);
        return;
      case "task":
        this.#followHold(taskHold(change.before as TaskRow), taskHold(change.after as TaskRow));
        return;
      case "offer":
        this.#followHold(offerHold(change.before as OfferRow), offerHold(change.after as OfferRow));
        if (change.before !== undefined) {
          this.#offerCaps.ended((change.before as OfferRow).frameworkId);
        }
        if (change.after !== undefined)
          this.#offerCaps.began((change.after as OfferRow).frameworkId);
        return;
      case "executor":
        this.#followHold(
          executorHold(change.before as ExecutorRow),
          executorHold(change.after as ExecutorRow),
        );
        return;
      case "filter":
        this.#followRefusal(change.before as FilterRow, change.after as FilterRow);
        return;
      case "framework":
        this.#followFramework(change.before as FrameworkRow, change.after as FrameworkRow);
        return;
      case "role":
        this.#followRole(change.before as RoleRow | undefined, change.after as RoleRow | undefined);
        return;
      case "cluster":
        this.forgetTurns();
        return;
      default:
        return;
    }
  }

  #followAgent(before: AgentRow | undefined, after: AgentRow | undefined): void {
    const isIn = (row: AgentRow | undefined): row is AgentRow =>
      row?.connection.state === "CONNECTED";
    if (isIn(before)) this.#total = subtractQuantities(this.#total, quantitiesOf(before.total));
    if (isIn(after)) this.#total = addQuantities(this.#total, quantitiesOf(after.total));
    this.#standing?.setTotal(this.#total);
    if (after === undefined) this.#removeAgent((before as AgentRow).id);
    else this.#putAgent(after, before);
    this.#quota?.agentIs((after ?? (before as AgentRow)).id, after);
    this.#quota?.noteFreed();
  }

  #putAgent(row: AgentRow, before: AgentRow | undefined): void {
    const slot = this.#agents.put(row);
    this.#dirt.add(slot);
    if (before?.number !== row.number) {
      // Under another number other refusals name it, mostly none.
      this.#engine?.refusals.forgetAgent(slot);
      for (const refusal of this.#refusals.rowsNaming(row.id)) this.#noteRefusal(refusal, slot);
    } else if (before.total !== row.total) this.#engine?.refusals.uncoverAgent(slot);
  }

  #removeAgent(id: AgentId): void {
    const slot = this.#agents.of(id);
    if (slot !== undefined) {
      this.#dirt.remove(slot);
      this.#engine?.refusals.forgetAgent(slot);
    }
    this.#agents.remove(id);
    this.#offerCaps.forgetAgent(id);
  }

  #followRefusal(before: FilterRow | undefined, after: FilterRow | undefined): void {
    const { frameworkId, role } = after ?? (before as FilterRow);
    const client = this.#standing?.numberOf({ frameworkId, role });
    for (const agentId of before === undefined ? [] : this.#refusals.agentsOf(before, after)) {
      const slot = this.#agents.of(agentId);
      if (slot === undefined) continue;
      if (after === undefined) this.#dirt.add(slot);
      if (client === undefined) continue;
      const hasOthers = this.#refusals.has({ frameworkId, role, agentId });
      this.#engine?.refusals.remove(slot, client, hasOthers);
    }
    for (const agentId of after === undefined ? [] : this.#refusals.agentsOf(after, before)) {
      const slot = this.#agents.of(agentId);
      if (slot !== undefined && client !== undefined) this.#engine?.refusals.add(slot, client);
    }
  }

  #noteRefusal({ frameworkId, role }: FilterRow, slot: number): void {
    const client = this.#standing?.numberOf({ frameworkId, role });
    if (client !== undefined) this.#engine?.refusals.add(slot, client);
  }

  #followHold(before: Hold | undefined, after: Hold | undefined): void {
    if (before !== undefined && after !== undefined && before.resources === after.resources) return;
    if (before !== undefined) {
      const { agentId, client, resources } = before;
      this.#setHeld(agentId, subtract(this.held(agentId), resources));
      this.#standing?.release({ client, agentId, resources });
      this.#quota?.held(client.role, resources, -1);
      this.#quota?.noteFreed();
      const slot = this.#agents.of(agentId);
      if (slot !== undefined) this.#dirt.add(slot);
    }
    if (after !== undefined) {
      const { agentId, client, resources } = after;
      this.#setHeld(agentId, add(this.held(agentId), resources));
      this.#standing?.hold({ client, agentId, resources });
      this.#quota?.held(client.role, resources, 1);
    }
  }

  #setHeld(agentId: AgentId, resources: Resources): void {
    if (isEmpty(resources)) this.#held.delete(agentId);
    else this.#held.set(agentId, resources);
    this.#agents.noteHolds(agentId);
  }

  #followFramework(before: FrameworkRow | undefined, after: FrameworkRow | undefined): void {
    const old = clientsOf(before);
    const now = clientsOf(after);
    const has = (clients: readonly Client[], role: string): boolean =>
      clients.some((client) => client.role === role);
    for (const client of old) {
      if (!has(now, client.role)) this.#standing?.setWants(client, false);
    }
    if (before !== undefined && now.length === 0) this.#offerCaps.forgetFramework(before.id);
    const added = now.filter((client) => !has(old, client.role));
    for (const client of added) this.#standing?.setWants(client, true);
    if (before !== undefined) this.#refreshFacts(before.id, after);
    // A new subscription may come with capabilities that let it have what it could not have before.
    const isNew =
      after?.connection.state === "CONNECTED" && before?.connection !== after.connection;
    if (after !== undefined && (added.length > 0 || isNew)) this.wants(after.id);
  }

  /** Its capabilities, minimums or constraints may be others. */
  #refreshFacts(id: FrameworkId, framework: FrameworkRow | undefined): void {
    for (const [role, client] of this.#standing?.numbersOf(id) ?? []) {
      this.#engine?.setFacts(client, factsOf(framework, role));
    }
  }

  #followRole(before: RoleRow | undefined, after: RoleRow | undefined): void {
    this.#standing?.setRole((after ?? (before as RoleRow)).name, settingsOf(after));
    this.#rolesWithQuota += Number(after?.quota !== undefined);
    this.#rolesWithQuota -= Number(before?.quota !== undefined);
    this.#quota = undefined;
    this.#isAllDirty = true;
  }

  /**
   * Made when first needed (the cluster's row says by which policy), and told everything that is
   * so.
   */
  #standings(): Standing {
    if (this.#standing !== undefined) return this.#standing;
    const name = this.#tables.cluster.get("cluster")?.policy ?? "";
    assert(isPolicyName(name), `the cluster's policy '${name}' is in the table`);
    const standing = new Standing(name, this.#agents.columns.kinds);
    this.#engine = this.#engineOf(standing);
    standing.setTotal(this.#total);
    for (const role of this.#tables.role.values()) standing.setRole(role.name, settingsOf(role));
    for (const framework of this.#tables.framework.values()) {
      for (const client of clientsOf(framework)) standing.setWants(client, true);
    }
    for (const { agentId, client, resources } of holdsIn(this.#tables)) {
      standing.hold({ client, agentId, resources });
    }
    this.#standing = standing;
    return standing;
  }

  #engineOf(standing: Standing): Engine | undefined {
    if (standing.tree === undefined) return undefined;
    const engine = new Engine(standing.tree, this.#agents.columns);
    standing.listener = {
      added: (number, client) => {
        const framework = this.#tables.framework.get(client.frameworkId);
        engine.addClient(number, factsOf(framework, client.role));
        for (const row of this.#refusals.rowsOf(client.frameworkId, client.role)) {
          for (const slot of this.#slotsOf([...this.#refusals.agentsOf(row)])) {
            engine.refusals.add(slot, number);
          }
        }
      },
      wants: (number, wants) => engine.clients.setWanting(number, wants),
      removed: (number) => engine.removeClient(number),
    };
    return engine;
  }
}

function settingsOf(role: RoleRow | undefined): RoleSettings {
  const { weight, priority } = DEFAULT_ROLE_SETTINGS;
  return { weight: role?.weight ?? weight, priority: role?.priority ?? priority };
}

/** The (framework, role) pairs that want offers. */
function clientsOf(framework: FrameworkRow | undefined): readonly Client[] {
  if (framework?.connection.state !== "CONNECTED") return [];
  const { id: frameworkId, roles, suppressedRoles } = framework;
  return roles
    .filter((role) => !suppressedRoles.includes(role))
    .map((role) => ({ role, frameworkId }));
}
