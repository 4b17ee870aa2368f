/**
 * What a big cluster takes of the 128 MB that a Durable Object has: tables, look-ups and the
 * allocator, after a collection, array buffers included. In Node, whose pointers are twice as long
 * as those of workerd.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Input } from "../../worker/core/input.ts";
import { type Outcome, step } from "../../worker/core/master.ts";
import { addFilters } from "../../worker/core/offer/filter.ts";
import { wholeText } from "../../worker/core/operator/documents/long-text.ts";
import { slavesDocument } from "../../worker/core/operator/documents/slaves.ts";
import type { AgentRow } from "../../worker/core/rows.ts";
import { defaultSettings } from "../../worker/core/settings.ts";
import { createState, type MasterState } from "../../worker/core/state.ts";
import type { Turn } from "../../worker/core/turn.ts";
import type { FrameworkId, OfferId, StreamId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { decodeJson, encodeJson } from "../../worker/protocol/wire/json.ts";
import { prng } from "../../worker/std/prng.ts";
import type { Benchmark, Figure, Measured } from "./figure.ts";

const AGENTS = 50_000;
const FRAMEWORKS = 200;
/** Agents that one DECLINE names: those of one OFFERS event, in no order. */
const AGENTS_PER_CALL = 200;
/** A framework's calls follow one another after so long. */
const CALL_EVERY_MS = 20;
const REFUSED_MS = 365 * 86_400_000;

export const memory: Benchmark = {
  name: "memory",
  async measure(): Promise<readonly Measured[]> {
    const gc = collector();
    const before = megabytes(gc);
    const cluster = new Cluster();
    const measured: Measured[] = [];
    const note = (name: string, budget?: number): void => {
      const figure: Figure = {
        name: `${name}, ${AGENTS} agents`,
        unit: "MB",
        budget: budget === undefined ? undefined : { atMost: budget },
      };
      const heapMb = megabytes(gc) - before;
      console.error(`${figure.name}: ${heapMb.toFixed(1)} MB`);
      measured.push({ figure, samples: [heapMb] });
    };
    cluster.registerAll();
    note("idle", 35);
    cluster.readAll();
    note("after everybody's agents were read once", 40);
    cluster.subscribeAll();
    cluster.offerAll();
    note(`all offered to ${FRAMEWORKS} frameworks, their events written`, 64);
    cluster.refuseAll();
    note(`all refused by ${FRAMEWORKS} frameworks, in calls of ${AGENTS_PER_CALL}`, 64);
    return measured;
  },
};

class Cluster {
  readonly #state: MasterState;
  #turn = 0;
  #nowMs = 1_795_000_000_000;

  constructor() {
    const settings = { ...defaultSettings, maxOffersPerFramework: AGENTS };
    this.#state = createState({ cold: { get: () => undefined, range: () => [] }, settings });
    this.#apply({ type: "RESTARTED" });
  }

  registerAll(): void {
    for (let n = 0; n < AGENTS; n++) this.#apply(registration(n));
  }

  /** As a client of /slaves does. */
  readAll(): void {
    wholeText(slavesDocument(this.#state, {}));
  }

  /** They do not want anything yet. */
  subscribeAll(): void {
    for (let n = 0; n < FRAMEWORKS; n++) this.#apply(subscription(n));
  }

  /** All want offers at once; what they are sent is written as it is for a stream, and let go. */
  offerAll(): void {
    const { allocation, tables } = this.#state;
    for (const row of tables.framework.rows())
      tables.framework.put({ ...row, suppressedRoles: [] });
    while (allocation.hasWork()) {
      for (const effect of this.#apply({ type: "TIMER_DUE" }).effects) {
        if (effect.type !== "SEND_EVENT") continue;
        encodeJson("mesos.v1.scheduler.Event", effect.event);
      }
    }
  }

  /** As they do who are offered some agents after the others, and decline them for long. */
  refuseAll(): void {
    const { tables } = this.#state;
    const agents = tables.agent.rows();
    for (const { id, roles, seq } of tables.framework.rows()) {
      for (const { id: offerId } of this.#state.index.offersOfFramework(id)) {
        tables.offer.delete(offerId);
      }
      const shuffled = prng(seq).shuffle([...agents]);
      for (let at = 0; at < shuffled.length; at += AGENTS_PER_CALL) {
        this.#refuse(id, roles[0] ?? "", shuffled.slice(at, at + AGENTS_PER_CALL));
      }
    }
    while (this.#state.allocation.hasWork()) this.#apply({ type: "TIMER_DUE" });
    if (tables.offer.size > 0) throw new Error("what is refused is not offered");
  }

  /** What a DECLINE does once its offers are gone: ten million of them are not made here. */
  #refuse(frameworkId: FrameworkId, role: string, agents: readonly AgentRow[]): void {
    const offers = agents.map(({ id: agentId, total: refused }) => {
      const id = "" as OfferId;
      const facts = { frameworkId, role, agentId, resources: refused, createdMs: this.#nowMs };
      return { offer: { seq: 0, id, ...facts }, refused };
    });
    const state = this.#state;
    const turn: Turn = { state, nowMs: this.#nowMs, random: prng(0), principal: {}, effects: [] };
    addFilters(turn, frameworkId, offers, { cause: "DECLINED", durationMs: REFUSED_MS });
    this.#state.changes = [];
    this.#nowMs += CALL_EVERY_MS;
  }

  #apply(input: Input): Outcome {
    const turn = ++this.#turn;
    return step(this.#state, { turn, nowMs: this.#nowMs, seed: turn, principal: {}, input });
  }
}

function subscription(n: number): Input {
  const framework_info: mesos.FrameworkInfo = {
    user: "root",
    name: `framework-${n}`,
    failover_timeout: 60,
    roles: ["web"],
    capabilities: [{ type: "MULTI_ROLE" }, { type: "RESERVATION_REFINEMENT" }],
  };
  const subscribe = { framework_info, suppressed_roles: ["web"] };
  const streamId = `stream-${n}` as StreamId;
  return { type: "SUBSCRIBE", streamId, call: { type: "SUBSCRIBE", subscribe } };
}

/** Decoded from a text of its own, as on the wire: strings that are put together are longer. */
function registration(n: number): Input {
  const text = encodeJson("rimrock.link.RegisterRequest", registerRequest(n));
  const decoded = decodeJson("rimrock.link.RegisterRequest", text);
  if (!decoded.ok) throw new Error(text);
  return { type: "AGENT_REGISTER", request: decoded.value };
}

/** Machines of four kinds in 40 racks. */
function registerRequest(n: number): link.RegisterRequest {
  const scalar = (name: string, value: number): mesos.Resource => ({
    name,
    type: "SCALAR",
    scalar: { value },
  });
  const attribute = (name: string, value: string): mesos.Attribute => ({
    name,
    type: "TEXT",
    text: { value },
  });
  const size = 1 + (n % 4);
  const hostname = `node-${n}.rack-${n % 40}.example.org`;
  const uuid = `0d9b5c1e-7f2a-4c58-9b1e-${String(n).padStart(12, "0")}`;
  return {
    protocol_version: 1,
    session_id: uuid,
    agent_info: {
      hostname,
      port: 5051,
      resources: [
        scalar("cpus", 8 * size),
        scalar("mem", 32_768 * size),
        scalar("disk", 500_000),
        { name: "ports", type: "RANGES", ranges: { range: [{ begin: 31_000n, end: 32_000n }] } },
      ],
      attributes: [attribute("rack", `rack-${n % 40}`), attribute("os", "debian-13")],
      domain: { fault_domain: { region: { name: "eu" }, zone: { name: `eu-${n % 3}` } } },
    },
    ip: `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`,
    version: "1.12.0",
    capabilities: [
      { type: "MULTI_ROLE" },
      { type: "HIERARCHICAL_ROLE" },
      { type: "RESERVATION_REFINEMENT" },
    ],
  };
}

function megabytes(gc: () => void): number {
  gc();
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}

function collector(): () => void {
  setFlagsFromString("--expose-gc");
  // The function appears in contexts that are made after the flag was set.
  return runInNewContext("gc") as () => void;
}
