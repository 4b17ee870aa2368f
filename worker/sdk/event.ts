/**
 * What a scheduler hears, one shape per type.
 *
 * The wire's event is a bag of optional sub-messages; here every type has exactly its own fields,
 * with the wire's names, and a repeated field is always there. Two more come from the SDK itself:
 * DISCONNECTED, and `resumed` on SUBSCRIBED.
 */
import type * as mesos from "../protocol/v1/mesos.ts";
import type * as wire from "../protocol/v1/scheduler.ts";
import { err, ok, type Result } from "../std/result.ts";
import type { SchedulerError } from "./error.ts";

interface EventFields {
  /** The stream is up. `resumed`: not the first time; offers of before are void. */
  SUBSCRIBED: {
    readonly framework_id: mesos.FrameworkID;
    readonly heartbeat_interval_seconds: number;
    readonly master_info?: mesos.MasterInfo;
    readonly resumed: boolean;
  };
  OFFERS: { readonly offers: readonly mesos.Offer[] };
  RESCIND: { readonly offer_id: mesos.OfferID };
  UPDATE: { readonly status: mesos.TaskStatus };
  MESSAGE: {
    readonly agent_id: mesos.AgentID;
    readonly executor_id: mesos.ExecutorID;
    readonly data: Uint8Array;
  };
  /**
   * Without `executor_id` the agent is gone; with it, that executor ended with `status` (wait(2)).
   */
  FAILURE: {
    readonly agent_id?: mesos.AgentID;
    readonly executor_id?: mesos.ExecutorID;
    readonly status?: number;
  };
  INVERSE_OFFERS: { readonly inverse_offers: readonly mesos.InverseOffer[] };
  RESCIND_INVERSE_OFFER: { readonly inverse_offer_id: mesos.OfferID };
  UPDATE_OPERATION_STATUS: { readonly status: mesos.OperationStatus };
  HEARTBEAT: Readonly<Record<never, never>>;
  /** The stream is lost and will be opened again after `retry_in_ms`; tasks go on meanwhile. */
  DISCONNECTED: { readonly error: SchedulerError; readonly retry_in_ms: number };
}

export type SchedulerEventType = keyof EventFields;

/** Distributes over T: `SchedulerEvent` is the union, `SchedulerEvent<"OFFERS">` one member. */
export type SchedulerEvent<T extends SchedulerEventType = SchedulerEventType> = {
  [K in T]: { readonly type: K } & EventFields[K];
}[T];

/** What one record of the stream says. ERROR is no event: it ends the stream. */
export type Decoded =
  | { readonly kind: "EVENT"; readonly event: SchedulerEvent }
  | { readonly kind: "ERROR"; readonly message: string }
  /** A type of a newer master. */
  | { readonly kind: "UNKNOWN" };

const DEFAULT_HEARTBEAT_SECONDS = 15;

/** The error is the name of the sub-message that is missing. */
export function fromWire(event: wire.Event, resumed: boolean): Result<Decoded, string> {
  switch (event.type) {
    case "SUBSCRIBED":
      return made(event.subscribed, "subscribed", (it) => ({
        type: "SUBSCRIBED",
        framework_id: it.framework_id,
        heartbeat_interval_seconds: it.heartbeat_interval_seconds || DEFAULT_HEARTBEAT_SECONDS,
        ...(it.master_info && { master_info: it.master_info }),
        resumed,
      }));
    case "OFFERS":
      return made(event.offers, "offers", (it) => ({ type: "OFFERS", offers: it.offers ?? [] }));
    case "RESCIND":
      return made(event.rescind, "rescind", (it) => ({ type: "RESCIND", ...it }));
    case "UPDATE":
      return made(event.update, "update", (it) => ({ type: "UPDATE", ...it }));
    case "MESSAGE":
      return made(event.message, "message", (it) => ({ type: "MESSAGE", ...it }));
    case "FAILURE":
      return made(event.failure, "failure", (it) => ({ type: "FAILURE", ...it }));
    case "INVERSE_OFFERS":
      return made(event.inverse_offers, "inverse_offers", (it) => ({
        type: "INVERSE_OFFERS",
        inverse_offers: it.inverse_offers ?? [],
      }));
    case "RESCIND_INVERSE_OFFER":
      return made(event.rescind_inverse_offer, "rescind_inverse_offer", (it) => ({
        type: "RESCIND_INVERSE_OFFER",
        ...it,
      }));
    case "UPDATE_OPERATION_STATUS":
      return made(event.update_operation_status, "update_operation_status", (it) => ({
        type: "UPDATE_OPERATION_STATUS",
        ...it,
      }));
    case "HEARTBEAT":
      return ok({ kind: "EVENT", event: { type: "HEARTBEAT" } });
    case "ERROR":
      return ok({ kind: "ERROR", message: event.error?.message ?? "no reason was given" });
    case "UNKNOWN":
    case undefined:
      return ok({ kind: "UNKNOWN" });
  }
}

function made<M>(
  part: M | undefined,
  name: string,
  make: (part: M) => SchedulerEvent,
): Result<Decoded, string> {
  return part === undefined ? err(name) : ok({ kind: "EVENT", event: make(part) });
}
