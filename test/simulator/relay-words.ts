/**
 * The master's own words to its relays: one call in flight for each relay, a call that fails is
 * made again. It does what `worker/durable/relay-calls.ts` does, on virtual time.
 */
import type { MasterCall, RelayEffect, TurnMessage } from "../../worker/core/relay/exchange.ts";
import type { RelayId } from "../../worker/protocol/ids.ts";
import { type Answering, rpc } from "./network.ts";
import type { World } from "./world.ts";

const RETRY_FIRST_MS = 100;
const RETRY_LAST_MS = 5_000;

interface Link {
  waiting: TurnMessage[];
  busy: boolean;
  failures: number;
}

export class RelayWords {
  readonly #world: World;
  readonly #life: string;
  readonly call: (call: MasterCall, answering: Answering<undefined>) => void;
  readonly #links = new Map<RelayId, Link>();
  #closed = false;

  constructor(
    world: World,
    { life, call }: { readonly life: string; readonly call: RelayWords["call"] },
  ) {
    this.#world = world;
    this.#life = life;
    this.call = call;
  }

  push(relayId: RelayId, turn: number, message: RelayEffect): void {
    const link = this.#link(relayId);
    link.waiting.push({ turn, message });
    this.#send(relayId, link);
  }

  announce(relayId: RelayId): void {
    this.#send(relayId, this.#link(relayId));
  }

  close(): void {
    this.#closed = true;
  }

  #link(relayId: RelayId): Link {
    const link = this.#links.get(relayId) ?? { waiting: [], busy: false, failures: 0 };
    this.#links.set(relayId, link);
    return link;
  }

  #send(relayId: RelayId, link: Link): void {
    if (link.busy || this.#closed) return;
    link.busy = true;
    const messages = [...link.waiting];
    rpc<undefined>(this.#world, {
      serve: (answering) => this.call({ relayId, life: this.#life, messages }, answering),
      done: () => {
        link.busy = false;
        link.failures = 0;
        link.waiting.splice(0, messages.length);
        if (link.waiting.length > 0) this.#send(relayId, link);
      },
      failed: () => {
        const delayMs = Math.min(RETRY_FIRST_MS * 2 ** link.failures++, RETRY_LAST_MS);
        this.#world.clock.after(delayMs, () => {
          link.busy = false;
          this.#send(relayId, link);
        });
      },
    });
  }
}
