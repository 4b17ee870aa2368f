/**
 * What is known of every node of the order's tree, in arrays by the node's slot. A slot that was
 * given back is as empty as one that was never used.
 */
import { DEFAULT_ROLE_SETTINGS, type RoleSettings } from "../policy.ts";
import { Amounts } from "./amounts.ts";
import { grown, grownLength, Slots } from "./slots.ts";

export const NONE = -1;

export class TreeColumns {
  readonly #slots = new Slots();
  /** Slot of the parent; of the root NONE. */
  parent = new Int32Array(16);
  /** Number of the client that the node is; of an inner node NONE. */
  client = new Int32Array(16);
  /** Of wanting leaves at or below the node. */
  wanting = new Int32Array(16);
  /** Place among all siblings by name. */
  rank = new Int32Array(16);
  /** Dominant share as it was when the node was put in order last. */
  share = new Float64Array(16);
  /** Of all clients below; see `PolicyState.tookTurn`. */
  turns = new Float64Array(16);
  weight = new Float64Array(16);
  priority = new Float64Array(16);
  /** 1: something has changed that may change its place among its siblings. */
  isChanged = new Uint8Array(16);
  /** Thousandths that the clients below have. */
  readonly allocated = new Amounts();

  take(facts: { readonly parent: number; readonly client: number }): number {
    const slot = this.#slots.take();
    if (slot >= this.parent.length) this.#grow(slot + 1);
    this.allocated.reserve(slot);
    this.parent[slot] = facts.parent;
    this.client[slot] = facts.client;
    this.setSettings(slot, DEFAULT_ROLE_SETTINGS);
    return slot;
  }

  giveBack(slot: number): void {
    this.wanting[slot] = 0;
    this.share[slot] = 0;
    this.turns[slot] = 0;
    this.isChanged[slot] = 0;
    this.allocated.clear(slot);
    this.#slots.giveBack(slot);
  }

  setSettings(slot: number, { weight, priority }: RoleSettings): void {
    this.weight[slot] = weight;
    this.priority[slot] = priority;
  }

  #grow(wanted: number): void {
    const length = grownLength(this.parent.length, wanted);
    this.parent = grown(this.parent, length);
    this.client = grown(this.client, length);
    this.wanting = grown(this.wanting, length);
    this.rank = grown(this.rank, length);
    this.share = grown(this.share, length);
    this.turns = grown(this.turns, length);
    this.weight = grown(this.weight, length);
    this.priority = grown(this.priority, length);
    this.isChanged = grown(this.isChanged, length);
  }
}
