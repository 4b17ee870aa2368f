/** What the engine asks of whoever knows the rows, and what it tells him. */
import type { QuotaStage } from "../quota.ts";

/** What of an agent a client is offered. One object for all: read it before the next decision. */
export interface Given {
  /** By kind. */
  readonly thousandths: Float64Array;
  /** Ranges and sets are in it, all that are free. */
  hasRest: boolean;
  /** It is all that is free. */
  isWhole: boolean;
}

/** What the engine cannot know. Clients and agents by number. */
export interface Gate {
  /** Whether a client that is screened may have something of the agent at all. */
  admits(client: number, agent: number): boolean;
  /** Whether it is enough for a client that is screened. */
  isEnough(client: number, agent: number, given: Given): boolean;
  /** Whether a refusal keeps it from the client. */
  refuses(client: number, agent: number, given: Given): boolean;
  /** Whether the client has as many offers as it may have; notes that the agent waits for it. */
  isAtCap(client: number, agent: number): boolean;
  /** The client is offered it: when this returns, it is held. */
  offer(client: number, agent: number, given: Given): void;
  /** Looks at an agent that is not PLAIN. */
  lookAtRows(agent: number, stage: QuotaStage): void;
  /** Some of the agent was withheld because of a quota. */
  passedOver(agent: number): void;
}

/** What a turn may still do. */
export interface Budget {
  offers: number;
  /** Steps of about 0.1 µs. */
  work: number;
}

export const NO_END: Budget = { offers: Number.POSITIVE_INFINITY, work: Number.POSITIVE_INFINITY };
