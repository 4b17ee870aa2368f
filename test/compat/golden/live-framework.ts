/**
 * A framework as it goes in the live cluster: which offers it holds, which updates came. Does what
 * the recorder did without recording it: it acknowledges updates and gives back offers.
 */
import { type AnswerReader, splitRecords } from "./answer.ts";

/** The parts of an event that the replay looks at. */
export interface LiveEvent {
  readonly type: string;
  readonly subscribed?: { readonly framework_id?: { readonly value: string } };
  readonly offers?: { readonly offers: readonly LiveOffer[] };
  readonly inverse_offers?: { readonly inverse_offers: readonly LiveOffer[] };
  readonly rescind?: { readonly offer_id: { readonly value: string } };
  readonly update?: { readonly status: LiveStatus };
  readonly update_operation_status?: { readonly status: LiveOperationStatus };
}

export interface LiveOffer {
  readonly id: { readonly value: string };
  readonly agent_id?: { readonly value: string };
  readonly resources?: readonly {
    readonly name: string;
    readonly scalar?: { readonly value: number };
    readonly allocation_info?: { readonly role: string };
    readonly reservations?: readonly unknown[];
    readonly role?: string;
    readonly disk?: { readonly persistence?: unknown };
  }[];
}

export interface LiveStatus {
  readonly task_id: { readonly value: string };
  readonly state: string;
  readonly reason?: string;
  readonly uuid?: string;
  readonly agent_id?: { readonly value: string };
}

export interface LiveOperationStatus {
  readonly operation_id?: { readonly value: string };
  readonly state: string;
  readonly uuid?: { readonly value: string };
}

/** Events in order; JSON only. The last one may be cut. */
export function liveEvents(answer: AnswerReader): readonly LiveEvent[] {
  return splitRecords(answer.body()).flatMap((record) => {
    try {
      return [JSON.parse(record.toString("utf8")) as LiveEvent];
    } catch {
      return [];
    }
  });
}

export interface Acknowledgement {
  readonly taskId: string;
  readonly state: string;
  readonly agentId: string;
  readonly uuid: string;
}

export class LiveFramework {
  readonly id: string;
  streamId: string;
  readonly offers = new Map<string, LiveOffer>();
  readonly inverseOffers: LiveOffer[] = [];
  readonly updates: LiveStatus[] = [];
  readonly operationStatuses: LiveOperationStatus[] = [];

  constructor(id: string, streamId: string) {
    this.id = id;
    this.streamId = streamId;
  }

  take(event: LiveEvent): void {
    for (const offer of event.offers?.offers ?? []) this.offers.set(offer.id.value, offer);
    for (const offer of event.inverse_offers?.inverse_offers ?? []) this.inverseOffers.push(offer);
    if (event.rescind) this.offers.delete(event.rescind.offer_id.value);
    if (event.update) this.updates.push(event.update.status);
    if (event.update_operation_status) {
      this.operationStatuses.push(event.update_operation_status.status);
    }
  }

  /** An outstanding offer that has at least what the recorded one had. */
  offerLike(recorded: LiveOffer | undefined, likeness: Likeness): LiveOffer | undefined {
    const offers = [...this.offers.values()];
    return offers.find((offer) => recorded === undefined || covers(offer, recorded, likeness));
  }
}

/** `AMOUNTS`: whatever of it is reserved or a volume. */
export type Likeness = "RESERVATIONS" | "AMOUNTS";

function covers(offer: LiveOffer, wanted: LiveOffer, likeness: Likeness): boolean {
  const has = quantities(offer, likeness);
  return [...quantities(wanted, likeness)].every(
    ([kind, value]) => (has.get(kind) ?? 0) >= value - 1e-9,
  );
}

/** Scalars by kind; what is reserved, and volumes, are kinds of their own. */
function quantities(offer: LiveOffer, likeness: Likeness): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { name, scalar, reservations, role, disk } of offer.resources ?? []) {
    const isReserved = (reservations?.length ?? 0) > 0 || (role !== undefined && role !== "*");
    const state = `${isReserved ? " reserved" : ""}${disk?.persistence ? " volume" : ""}`;
    const kind = likeness === "AMOUNTS" ? name : `${name}${state}`;
    sums.set(kind, (sums.get(kind) ?? 0) + (scalar?.value ?? 1));
  }
  return sums;
}
