/**
 * The master's own words to its relays: for each relay one call in flight, and everything that
 * arrives meanwhile in the next.
 *
 * 1. A relay hears the messages of one life in order, and all of them: a call that fails is made
 * again. 2. When too much waits for a relay that does not answer, it is dropped and the relay gets
 * to know a new life, so that it asks for everything afresh.
 */
import type { MasterCall, RelayEffect, TurnMessage } from "../core/relay/exchange.ts";
import type { RelayId } from "../protocol/ids.ts";

const RETRY_FIRST_MS = 100;
const RETRY_LAST_MS = 5_000;
const WAITING_MESSAGES = 10_000;
const MESSAGES_PER_CALL = 1_000;

interface Link {
  waiting: TurnMessage[];
  busy: boolean;
  failures: number;
  /** How often messages were dropped in this life. */
  epoch: number;
}

export class RelayCalls {
  readonly #call: (call: MasterCall) => Promise<void>;
  readonly #life: string;
  readonly #links = new Map<RelayId, Link>();
  #closed = false;

  constructor(options: {
    readonly life: string;
    readonly call: (call: MasterCall) => Promise<void>;
  }) {
    this.#life = options.life;
    this.#call = options.call;
  }

  /** The name of the master's life as this relay is to know it. */
  lifeFor(relayId: RelayId): string {
    return `${this.#life}.${this.#links.get(relayId)?.epoch ?? 0}`;
  }

  push(relayId: RelayId, turn: number, message: RelayEffect): void {
    const link = this.#link(relayId);
    if (link.waiting.length >= WAITING_MESSAGES) {
      link.waiting = [];
      link.epoch++;
    }
    link.waiting.push({ turn, message });
    this.#send(relayId, link);
  }

  /**
   * Tells a relay that there is a new life, so that it asks for what the old one may not have said.
   */
  announce(relayId: RelayId): void {
    this.#send(relayId, this.#link(relayId));
  }

  /** The life is over: nothing more is said in its name. */
  close(): void {
    this.#closed = true;
  }

  #link(relayId: RelayId): Link {
    const link = this.#links.get(relayId) ?? { waiting: [], busy: false, failures: 0, epoch: 0 };
    this.#links.set(relayId, link);
    return link;
  }

  #send(relayId: RelayId, link: Link): void {
    if (link.busy || this.#closed) return;
    link.busy = true;
    const messages = link.waiting.slice(0, MESSAGES_PER_CALL);
    const { epoch } = link;
    this.#call({ relayId, life: this.lifeFor(relayId), messages }).then(
      () => {
        link.busy = false;
        link.failures = 0;
        if (link.epoch === epoch) link.waiting.splice(0, messages.length);
        if (link.waiting.length > 0) this.#send(relayId, link);
      },
      () => {
        // The relay may have heard it or not; hearing it twice does no harm.
        const delayMs = Math.min(RETRY_FIRST_MS * 2 ** link.failures++, RETRY_LAST_MS);
        setTimeout(() => {
          link.busy = false;
          this.#send(relayId, link);
        }, delayMs);
      },
    );
  }
}
