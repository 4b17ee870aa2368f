/**
 * What goes between the master's object and a relay's object. Two channels, each in order but not
 * with each other: the relay's batches with their answers, and what the master sends on its own.
 *
 * `life` is a random name of one life of the master object's memory. When a relay sees a new one,
 * effects of the old one may be lost, so it asks for its roster again. `turn` is the turn that made
 * a message; with it the relay can tell whether a roster in an answer is older or newer than
 * something that it heard on the other channel.
 */
import type { RelayId } from "../../protocol/ids.ts";
import type { Effect, RelayReply } from "../effect.ts";
import type { RelayMessage } from "../input.ts";

/** The effects that a relay carries out. */
export type RelayEffect = Extract<
  Effect,
  { readonly type: "SEND_COMMANDS" | "ADD_TO_RELAY" | "REMOVE_FROM_RELAY" | "WAKE_RELAY" }
>;

/** Master to relay; without messages it only tells the relay of the master's new life. */
export interface MasterCall {
  readonly relayId: RelayId;
  readonly life: string;
  readonly messages: readonly TurnMessage[];
}
export interface TurnMessage {
  readonly turn: number;
  readonly message: RelayEffect;
}

/**
 * Relay to master: everything it gathered since its last batch. The same batch may arrive twice.
 */
export interface RelayBatch {
  readonly relayId: RelayId;
  readonly messages: readonly RelayMessage[];
}
export interface RelayBatchAnswer {
  readonly life: string;
  readonly turn: number;
  readonly replies: readonly RelayReply[];
}
