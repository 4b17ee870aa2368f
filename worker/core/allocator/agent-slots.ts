/**
 * Keeps the engine's columns of agents in step with their rows and with what is held of them. An
 * agent is only marked when something changes, and brought up to date when it is asked for: a task
 * that is launched on an offer changes its agent twice.
 */
import type { AgentId } from "../../protocol/ids.ts";
import { isIndivisible } from "../../resources/compare.ts";
import type { Resources } from "../../resources/resource.ts";
import { covers, leftOf } from "../../resources/shared.ts";
import { defined } from "../../std/assert.ts";
import { isMetered } from "../role/consumption.ts";
import type { AgentRow } from "../rows.ts";
import { hasGpus, isRemote, type Region } from "./eligible.ts";
import { AgentColumns, Look, NO_REST, Trait } from "./engine/agent-columns.ts";
import { COLUMNS_MAX } from "./engine/amounts.ts";
import { RestNumbers } from "./engine/rest-numbers.ts";

/** What is known of an agent's total, as long as its row is the same. */
interface Slot {
  readonly row: AgentRow;
  readonly isPlain: boolean;
  readonly rest: number;
}

export class AgentSlots {
  readonly columns = new AgentColumns();
  readonly #region: Region;
  readonly #heldOf: (id: AgentId) => Resources;
  readonly #slots = new Map<AgentId, number>();
  readonly #facts: (Slot | undefined)[] = [];
  readonly #stale = new Set<number>();
  /** The highest of all agents that ever came. */
  #lastSeq = -1;
  #isInOrder = true;
  readonly #restNumbers = new RestNumbers();

  constructor(region: Region, heldOf: (id: AgentId) => Resources) {
    this.#region = region;
    this.#heldOf = heldOf;
  }

  /** Slot of the agent; undefined: it is not there. */
  of(id: AgentId): number | undefined {
    return this.#slots.get(id);
  }

  rowAt(slot: number): AgentRow {
    return defined(this.#facts[slot], `an agent is in slot ${slot}`).row;
  }

  /** Of all agents, in the order in which they came, also when one was taken out and put back. */
  slots(): Iterable<number> {
    if (!this.#isInOrder) {
      const ordered = [...this.#slots].sort((a, b) => this.rowAt(a[1]).seq - this.rowAt(b[1]).seq);
      this.#slots.clear();
      for (const [id, slot] of ordered) this.#slots.set(id, slot);
      this.#isInOrder = true;
    }
    return this.#slots.values();
  }

  /** Lists them in this order, which has all of them: an undo puts back agents as the last ones. */
  order(ids: Iterable<AgentId>): void {
    const slots = new Map(this.#slots);
    this.#slots.clear();
    for (const id of ids) this.#slots.set(id, defined(slots.get(id), `${id} has a slot`));
  }

  /** The agent is as the row says from now on. Returns its slot. */
  put(row: AgentRow): number {
    const slot = this.#slots.get(row.id) ?? this.#take(row);
    const before = this.#facts[slot];
    const isSame = before?.row.total === row.total;
    this.#facts[slot] = {
      row,
      isPlain: isSame ? before.isPlain : isPlain(row.total),
      rest: isSame ? before.rest : this.#restNumbers.numberOf(row.total),
    };
    if (!isSame) this.columns.clearFree(slot);
    this.columns.traits[slot] = traitsOf(this.#region, row);
    this.#stale.add(slot);
    return slot;
  }

  #take(row: AgentRow): number {
    const slot = this.columns.take();
    this.#slots.set(row.id, slot);
    if (row.seq < this.#lastSeq) this.#isInOrder = false;
    this.#lastSeq = Math.max(this.#lastSeq, row.seq);
    return slot;
  }

  /** The agent is gone, and its slot may soon be another's. */
  remove(id: AgentId): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#slots.delete(id);
    this.#facts[slot] = undefined;
    this.#stale.delete(slot);
    this.columns.giveBack(slot);
  }

  /** Somebody got something of it, or gave it back. */
  noteHolds(id: AgentId): void {
    const slot = this.#slots.get(id);
    if (slot !== undefined) this.#stale.add(slot);
  }

  /** Brings all agents up to date. */
  settle(): void {
    if (this.#stale.size === 0) return;
    for (const slot of this.#stale) this.#refresh(slot);
    this.#stale.clear();
  }

  #refresh(slot: number): void {
    const { columns } = this;
    const { row, isPlain: isPlainTotal, rest } = defined(this.#facts[slot], "a stale slot is used");
    const held = this.#heldOf(row.id);
    this.#setFree(slot, row.total, held);
    const isOffered = row.connection.state === "CONNECTED" && row.service.state === "ACTIVE";
    columns.setInService(slot, isOffered);
    columns.rest[slot] = NO_REST;
    if (!isOffered || !covers(row.total, held)) {
      columns.look[slot] = Look.NONE;
      return;
    }
    columns.look[slot] = isPlainTotal && this.#haveColumns(row.total) ? Look.PLAIN : Look.EXACT;
    const isRestHeld = held.some(({ kind }) => kind !== "SCALAR");
    columns.rest[slot] = isRestHeld ? this.#restNumbers.numberOf(leftOf(row.total, held)) : rest;
  }

  #setFree(slot: number, total: Resources, held: Resources): void {
    const { kinds } = this.columns;
    const sums = new Map<number, number>();
    for (const resource of total) {
      if (!isMetered(resource) || resource.kind !== "SCALAR") continue;
      const kind = kinds.numberOf(resource.name);
      sums.set(kind, (sums.get(kind) ?? 0) + resource.thousandths);
    }
    for (const resource of held) {
      if (!isMetered(resource) || resource.kind !== "SCALAR") continue;
      const kind = kinds.numberOf(resource.name);
      const left = sums.get(kind);
      if (left !== undefined) sums.set(kind, left - resource.thousandths);
    }
    for (const [kind, left] of sums) this.columns.setFree(slot, kind, Math.max(0, left));
  }

  #haveColumns(total: Resources): boolean {
    const { kinds } = this.columns;
    return total.every(({ kind, name }) => kind !== "SCALAR" || kinds.numberOf(name) < COLUMNS_MAX);
  }
}

/** See `Look.PLAIN`. */
function isPlain(total: Resources): boolean {
  const scalars = new Set<string>();
  return total.every((resource) => {
    if (resource.reservations.length > 0 || resource.revocable || resource.shared) return false;
    if (resource.kind !== "SCALAR") return true;
    const isSecond = scalars.has(resource.name);
    scalars.add(resource.name);
    return !isSecond && !isIndivisible(resource);
  });
}

function traitsOf(region: Region, row: AgentRow): number {
  return (
    (row.capabilities.includes("MULTI_ROLE") ? 0 : Trait.NOT_MULTI_ROLE) |
    (row.capabilities.includes("HIERARCHICAL_ROLE") ? 0 : Trait.NOT_HIERARCHICAL) |
    (hasGpus(row.total) ? Trait.HAS_GPUS : 0) |
    (isRemote(region, row) ? Trait.IS_REMOTE : 0)
  );
}
