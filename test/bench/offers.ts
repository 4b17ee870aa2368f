/**
 * One event with an offer of every agent, as after a REVIVE: from the master's rows to bytes. What
 * the allocator decides is measured apart from what the event costs.
 */

import type { Input } from "../../worker/core/input.ts";
import { step } from "../../worker/core/master.ts";
import { offerToSend } from "../../worker/core/offer/offer-message.ts";
import { createState, type MasterState } from "../../worker/core/state.ts";
import type { StreamId } from "../../worker/protocol/ids.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type * as scheduler from "../../worker/protocol/v1/scheduler.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { encodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import { defined } from "../../worker/std/assert.ts";
import type { Benchmark, Figure, Measured } from "./figure.ts";

const AGENTS = 1_000;

const json: Figure = {
  name: `OFFERS of ${AGENTS.toLocaleString("en")}: rows → bytes of JSON`,
  unit: "ms",
  budget: { atMost: 3 },
};
const protobuf: Figure = {
  name: `OFFERS of ${AGENTS.toLocaleString("en")}: rows → bytes of protobuf`,
  unit: "ms",
  budget: { atMost: 4 },
};
const decided: Figure = {
  name: `a turn that offers ${AGENTS.toLocaleString("en")} agents again`,
  unit: "ms",
  budget: undefined,
};

export const offers: Benchmark = {
  name: "offers",
  async measure(): Promise<readonly Measured[]> {
    const cluster = new Cluster();
    const text = new TextEncoder();
    const event = (): scheduler.Event => cluster.offersEvent();
    const asJson = (): unknown => text.encode(encodeJson("mesos.v1.scheduler.Event", event()));
    const asProtobuf = (): unknown => encodeProtobuf("mesos.v1.scheduler.Event", event());
    return [
      { figure: json, samples: durationsMs(asJson) },
      { figure: protobuf, samples: durationsMs(asProtobuf) },
      { figure: decided, samples: durationsMs(() => cluster.offerAgain()) },
    ];
  },
};

function durationsMs(work: () => unknown): readonly number[] {
  for (let n = 0; n < 30; n++) work();
  return Array.from({ length: 50 }, () => {
    const startMs = performance.now();
    work();
    return performance.now() - startMs;
  });
}

/** A master with one framework, which holds an offer of every agent. */
class Cluster {
  readonly #state: MasterState;
  #turn = 0;

  constructor() {
    this.#state = createState({ cold: { get: () => undefined, range: () => [] } });
    this.#apply({ type: "RESTARTED" });
    for (let n = 0; n < AGENTS; n++) this.#apply(registration(n));
    const framework_info: mesos.FrameworkInfo = {
      user: "root",
      name: "bench",
      failover_timeout: 60,
      roles: ["web"],
      capabilities: [{ type: "MULTI_ROLE" }, { type: "RESERVATION_REFINEMENT" }],
    };
    const streamId = "stream" as StreamId;
    const call = { type: "SUBSCRIBE", subscribe: { framework_info } } as const;
    this.#apply({ type: "SUBSCRIBE", streamId, call });
    while (this.#state.tables.offer.size < AGENTS) this.#apply({ type: "TIMER_DUE" });
  }

  /** The event again that tells of every offer there is. */
  offersEvent(): scheduler.Event {
    const { tables } = this.#state;
    const made: mesos.Offer[] = [];
    for (const offer of tables.offer.values()) {
      const framework = defined(tables.framework.get(offer.frameworkId), "its framework");
      const agent = defined(tables.agent.get(offer.agentId), "its agent");
      made.push(offerToSend(this.#state, offer, framework, agent));
    }
    return { type: "OFFERS", offers: { offers: made } };
  }

  /** Every offer ends and is made again: deciding and telling, without bytes. */
  offerAgain(): void {
    const { tables } = this.#state;
    for (const offer of [...tables.offer.values()]) tables.offer.delete(offer.id);
    while (this.#state.allocation.hasWork()) this.#apply({ type: "TIMER_DUE" });
  }

  #apply(input: Input): void {
    const turn = ++this.#turn;
    step(this.#state, { turn, nowMs: 1_000, seed: turn, principal: {}, input });
  }
}

function registration(n: number): Input {
  const scalar = (name: string, value: number): mesos.Resource => ({
    name,
    type: "SCALAR",
    scalar: { value },
  });
  return {
    type: "AGENT_REGISTER",
    request: {
      protocol_version: 1,
      session_id: `session-${n}`,
      agent_info: {
        hostname: `agent-${n}.example.org`,
        resources: [
          scalar("cpus", 4 + (n % 60) / 10),
          scalar("mem", 4_096 + n),
          scalar("disk", 100_000),
          {
            name: "ports",
            type: "RANGES",
            ranges: { range: [{ begin: 31_000n, end: 32_000n }] },
          },
        ],
        attributes: [
          { name: "rack", type: "TEXT", text: { value: `r${n % 40}` } },
          { name: "zone", type: "TEXT", text: { value: "z1" } },
        ],
      },
      ip: "10.0.0.1",
      version: "1.12.0",
      capabilities: [{ type: "MULTI_ROLE" }],
    },
  };
}
