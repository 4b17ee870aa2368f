/**
 * A master in memory with as many agents and frameworks as a figure wants, on which whole cycles of
 * its allocator can be run.
 */
import type { Input } from "../../worker/core/input.ts";
import { step } from "../../worker/core/master.ts";
import { writeRefused } from "../../worker/core/offer/refused.ts";
import type { FilterRow, FrameworkRow, TaskRow } from "../../worker/core/rows.ts";
import { defaultSettings } from "../../worker/core/settings.ts";
import { createState, type MasterState, newSeq } from "../../worker/core/state.ts";
import type { StreamId, TaskId } from "../../worker/protocol/ids.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type { Resources } from "../../worker/resources/resource.ts";

export interface Shape {
  readonly agents: number;
  readonly frameworks: number;
  /** Every framework is in a role of its own instead of all in one. */
  readonly roleEach?: true;
  /** A task has half of every agent, and its ports are in 16 pieces. */
  readonly halfUsed?: true;
}

/** What it took until no agent waited any more, ms. */
export interface Cycle {
  readonly totalMs: number;
  readonly turnsMs: readonly number[];
}

const CPUS = 24;
const MEM = 4_096;
const DISK = 4_096;

export class BenchCluster {
  readonly state: MasterState;
  #turn = 0;

  constructor({ agents, frameworks, roleEach, halfUsed }: Shape) {
    const settings = { ...defaultSettings, maxOffersPerFramework: undefined };
    this.state = createState({ cold: { get: () => undefined, range: () => [] }, settings });
    this.apply({ type: "RESTARTED" });
    for (let n = 0; n < frameworks; n++)
      this.apply(subscription(n, roleEach ? `role-${n}` : "web"));
    for (let n = 0; n < agents; n++) this.apply(registration(n, halfUsed ? 16 : 1));
    if (halfUsed) this.#useHalf();
  }

  apply(input: Input): void {
    const turn = ++this.#turn;
    step(this.state, { turn, nowMs: 1_000, seed: turn, principal: {}, input });
  }

  frameworks(): readonly FrameworkRow[] {
    return this.state.tables.framework.rows();
  }

  /** From now on frameworks want offers; until then they were suppressed. */
  wantOffers(): void {
    const { framework } = this.state.tables;
    for (const row of this.frameworks()) framework.put({ ...row, suppressedRoles: [] });
  }

  /** All offers end at once, so that all agents have to be looked at. */
  endOffers(): void {
    const { offer } = this.state.tables;
    for (const { id } of offer.rows()) offer.delete(id);
  }

  /** Turns of the master until nothing waits: deciding, offer rows, Changes and messages. */
  cycle(): Cycle {
    const turnsMs: number[] = [];
    while (this.state.allocation.hasWork()) {
      const startMs = performance.now();
      this.apply({ type: "TIMER_DUE" });
      turnsMs.push(performance.now() - startMs);
    }
    return { totalMs: turnsMs.reduce((sum, tookMs) => sum + tookMs, 0), turnsMs };
  }

  /** Every framework has refused all of every agent, for long. */
  filterEverything(): void {
    const { state } = this;
    const all = state.tables.agent.rows().map(({ number, total }) => [number, total] as const);
    const refused = writeRefused(all.toSorted(([a], [b]) => a - b));
    for (const { id: frameworkId, roles } of this.frameworks()) {
      const filter: FilterRow = {
        seq: newSeq(state),
        frameworkId,
        role: roles[0] ?? "",
        ...refused,
        cause: "DECLINED",
        createdMs: 1_000,
        expiresAtMs: 1_000_000_000,
        blocksAll: false,
      };
      state.tables.filter.put(filter);
    }
  }

  #useHalf(): void {
    const { state } = this;
    const [first] = this.frameworks();
    const resources: Resources = [
      { name: "cpus", reservations: [], kind: "SCALAR", thousandths: CPUS * 500 },
      { name: "mem", reservations: [], kind: "SCALAR", thousandths: MEM * 500 },
    ];
    for (const { id: agentId } of state.tables.agent.rows()) {
      if (first === undefined) return;
      const seq = newSeq(state);
      const task: TaskRow = {
        seq,
        frameworkId: first.id,
        id: `task-${seq}` as TaskId,
        agentId,
        run: seq,
        name: "",
        role: first.roles[0] ?? "",
        resources,
        state: "TASK_RUNNING",
        statusState: "TASK_RUNNING",
        statuses: [],
      };
      state.tables.task.put(task);
    }
  }
}

function subscription(n: number, role: string): Input {
  const framework_info: mesos.FrameworkInfo = {
    user: "root",
    name: `framework-${n}`,
    failover_timeout: 60,
    roles: [role],
    capabilities: [{ type: "MULTI_ROLE" }, { type: "RESERVATION_REFINEMENT" }],
  };
  const subscribe = { framework_info, suppressed_roles: [role] };
  const streamId = `stream-${n}` as StreamId;
  return { type: "SUBSCRIBE", streamId, call: { type: "SUBSCRIBE", subscribe } };
}

function registration(n: number, pieces: number): Input {
  const scalar = (name: string, value: number): mesos.Resource => ({
    name,
    type: "SCALAR",
    scalar: { value },
  });
  const range = Array.from({ length: pieces }, (_, piece) => {
    const begin = 31_000n + BigInt(piece * 60);
    return { begin, end: begin + (pieces === 1 ? 1_000n : 40n) };
  });
  return {
    type: "AGENT_REGISTER",
    request: {
      protocol_version: 1,
      session_id: `session-${n}`,
      agent_info: {
        hostname: `agent-${n}.example.org`,
        resources: [
          scalar("cpus", CPUS),
          scalar("mem", MEM),
          scalar("disk", DISK),
          { name: "ports", type: "RANGES", ranges: { range } },
        ],
      },
      ip: "10.0.0.1",
      version: "1.12.0",
      capabilities: [{ type: "MULTI_ROLE" }, { type: "HIERARCHICAL_ROLE" }],
    },
  };
}
