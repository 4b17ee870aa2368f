/**
 * The clusters that the recordings show, made by the same calls: one agent, a framework "golden"
 * whose tasks sleep1 and exit3 have ended and whose task long runs; or two frameworks with a task
 * each.
 */
import type { Input } from "../../../worker/core/input.ts";
import type { Outcome } from "../../../worker/core/master.ts";
import { countTurn, createCounters } from "../../../worker/core/metrics/counters.ts";
import type { MasterSettings } from "../../../worker/core/settings.ts";
import { taskKey } from "../../../worker/core/tables.ts";
import type {
  AgentId,
  FrameworkId,
  RelayId,
  SessionId,
  StreamId,
} from "../../../worker/protocol/ids.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import type * as scheduler from "../../../worker/protocol/v1/scheduler.ts";
import { defined } from "../../../worker/std/assert.ts";
import { MasterHost } from "../../support/master-host.ts";

const SESSION = "session-1" as SessionId;
/** 2026-11-21 */
const START_MS = 1_795_225_962_793;

export class RecordedCluster {
  readonly host: MasterHost;
  readonly counters = createCounters();
  agentId = "" as AgentId;
  #relayId = "" as RelayId;
  #updates = 0;

  constructor(settings: Partial<MasterSettings> = {}) {
    this.host = new MasterHost({
      settings: {
        address: { hostname: "localhost", ip: "127.0.0.1", port: 15050 },
        offerTimeoutMs: undefined,
        build: {
          date: "2026-11-21",
          timeMs: 1_795_219_200_000,
          user: "lab",
          gitSha: "c1b42f79d",
        },
        ...settings,
      },
    });
    this.host.nowMs = START_MS;
    this.host.evict();
  }

  apply(input: Input): Outcome {
    const outcome = this.host.apply(input);
    const stamped = { turn: 0, nowMs: this.host.nowMs, seed: 0, principal: {}, input };
    countTurn(this.counters, this.host.state, stamped, outcome);
    return outcome;
  }

  registerAgent(facts: Partial<mesos.AgentInfo> = {}): Outcome {
    const outcome = this.apply({
      type: "AGENT_REGISTER",
      request: {
        protocol_version: 1,
        session_id: SESSION,
        agent_info: { ...AGENT, ...facts },
        ip: "127.0.0.1",
        version: "1.12.0",
        capabilities: CAPABILITIES.map((type) => ({ type })),
      },
    });
    for (const effect of outcome.effects) {
      if (effect.type !== "REPLY" || effect.reply.type !== "REGISTERED") continue;
      this.agentId = effect.reply.agentId;
      this.#relayId = effect.reply.relayId;
    }
    return outcome;
  }

  /** The agent gives no sign of life any more. */
  loseAgent(): void {
    const { agentId } = this;
    const silent = { type: "SILENT", agentId, sessionId: SESSION } as const;
    this.apply({ type: "RELAY_BATCH", relayId: this.#relayId, messages: [silent] });
  }

  subscribe(name: string, facts: Partial<mesos.FrameworkInfo> = {}): FrameworkId {
    const before = new Set([...this.host.state.tables.framework.values()].map(({ id }) => id));
    this.host.nowMs += 1_000;
    const streamId = `stream-${name}` as StreamId;
    const info = { ...FRAMEWORK, name, ...facts };
    this.apply({
      type: "SUBSCRIBE",
      streamId,
      call: { type: "SUBSCRIBE", subscribe: { framework_info: info } },
    });
    const made = [...this.host.state.tables.framework.values()].find(({ id }) => !before.has(id));
    return made?.id ?? (info.id?.value as FrameworkId);
  }

  call(frameworkId: FrameworkId, call: scheduler.Call): Outcome {
    const framework = defined(this.host.state.tables.framework.get(frameworkId), "it subscribed");
    const { connection } = framework;
    const streamId = connection.state === "CONNECTED" ? connection.streamId : undefined;
    const full = { ...call, framework_id: { value: frameworkId } };
    return this.apply({ type: "SCHEDULER_CALL", streamId, call: full });
  }

  /**
   * Takes what it is offered for one task of 0.1 cpus and 32 MB; the rest stays away for a year.
   */
  launch(frameworkId: FrameworkId, id: string, facts: Partial<mesos.TaskInfo> = {}): void {
    this.host.nowMs += 1_000;
    this.call(frameworkId, { type: "REVIVE" });
    const offers = this.host.state.index.offersOfFramework(frameworkId);
    const task: mesos.TaskInfo = {
      name: id,
      task_id: { value: id },
      agent_id: { value: this.agentId },
      resources: [scalar("cpus", 0.1), scalar("mem", 32)],
      command: { value: "sleep 1000" },
      ...facts,
    };
    this.call(frameworkId, {
      type: "ACCEPT",
      accept: {
        offer_ids: offers.map((offer) => ({ value: offer.id })),
        operations: [{ type: "LAUNCH", launch: { task_infos: [task] } }],
        filters: { refuse_seconds: 31_536_000 },
      },
    });
  }

  /** The agent reports a state and the framework acknowledges it. */
  update(frameworkId: FrameworkId, id: string, state: mesos.TaskState, message?: string): void {
    const row = this.host.state.tables.task.get(taskKey(frameworkId, id));
    const run = defined(row, `${id} was launched`).run;
    const uuid = new Uint8Array(16).fill(++this.#updates);
    this.host.nowMs += 100;
    const status: mesos.TaskStatus = {
      task_id: { value: id },
      state,
      message,
      source: "SOURCE_EXECUTOR",
      agent_id: { value: this.agentId },
      executor_id: { value: id },
      timestamp: (this.host.nowMs + 0.5) / 1_000,
      uuid,
      container_status: {
        container_id: { value: "3d84de20-eccf-42ee-95e7-ca6d58461f55" },
        network_infos: [{ ip_addresses: [{ protocol: "IPv4", ip_address: "127.0.0.1" }] }],
        executor_pid: 7548,
      },
    };
    const report = {
      agent_id: { value: this.agentId },
      session_id: SESSION,
      report_number: this.#updates,
      updates: [
        {
          framework_id: { value: frameworkId },
          status,
          latest_state: state,
          run_number: BigInt(run),
        },
      ],
    };
    const messages = [{ type: "REPORT", report } as const];
    this.apply({ type: "RELAY_BATCH", relayId: this.#relayId, messages });
    const acknowledge = { agent_id: { value: this.agentId }, task_id: { value: id }, uuid };
    this.call(frameworkId, { type: "ACKNOWLEDGE", acknowledge });
  }

  run(frameworkId: FrameworkId, id: string, facts: Partial<mesos.TaskInfo> = {}): void {
    this.launch(frameworkId, id, facts);
    this.update(frameworkId, id, "TASK_STARTING");
    this.update(frameworkId, id, "TASK_RUNNING");
  }
}

export interface ClusterOfOne {
  readonly cluster: RecordedCluster;
  readonly frameworkId: FrameworkId;
}

/** Like `running`, but long was never launched. */
export function endedCluster(): ClusterOfOne {
  const cluster = new RecordedCluster();
  cluster.registerAgent();
  const frameworkId = cluster.subscribe("golden");
  cluster.run(frameworkId, "sleep1");
  cluster.update(frameworkId, "sleep1", "TASK_FINISHED", "Command exited with status 0");
  cluster.run(frameworkId, "exit3");
  cluster.update(frameworkId, "exit3", "TASK_FAILED", "Command exited with status 3");
  return { cluster, frameworkId };
}

/** The recordings called `running`. */
export function runningCluster(): ClusterOfOne {
  const { cluster, frameworkId } = endedCluster();
  cluster.run(frameworkId, "long", {
    labels: { labels: [{ key: "k", value: "v" }] },
    discovery: { visibility: "CLUSTER", name: "svc" },
    kill_policy: { grace_period: { nanoseconds: 2_000_000_000n } },
  });
  return { cluster, frameworkId };
}

/** The recordings called `offered`. */
export function offeredCluster(): ClusterOfOne {
  const cluster = new RecordedCluster();
  cluster.registerAgent();
  return { cluster, frameworkId: cluster.subscribe("golden") };
}

/** The recordings called `unreachable`: of two frameworks with a task each one knows partitions. */
export function unreachableCluster(): RecordedCluster {
  const cluster = new RecordedCluster();
  cluster.registerAgent();
  const plain = cluster.subscribe("golden");
  cluster.run(plain, "plain");
  const capabilities = [{ type: "MULTI_ROLE" }, { type: "PARTITION_AWARE" }] as const;
  const aware = cluster.subscribe("golden-pa", { capabilities });
  cluster.run(aware, "pa");
  cluster.loseAgent();
  return cluster;
}

export function scalar(name: string, value: number): mesos.Resource {
  return { name, type: "SCALAR", scalar: { value }, allocation_info: { role: "golden" } };
}

const FRAMEWORK: mesos.FrameworkInfo = {
  user: "root",
  name: "golden",
  failover_timeout: 3_600,
  checkpoint: true,
  roles: ["golden"],
  capabilities: [{ type: "MULTI_ROLE" }],
};

const AGENT: mesos.AgentInfo = {
  hostname: "localhost",
  port: 15_051,
  resources: [
    { name: "cpus", type: "SCALAR", scalar: { value: 4 } },
    { name: "mem", type: "SCALAR", scalar: { value: 4_096 } },
    { name: "disk", type: "SCALAR", scalar: { value: 10_000 } },
    { name: "ports", type: "RANGES", ranges: { range: [{ begin: 31_000n, end: 32_000n }] } },
  ],
  attributes: [
    { name: "rack", type: "TEXT", text: { value: "r1" } },
    { name: "zone", type: "TEXT", text: { value: "z1" } },
  ],
};

const CAPABILITIES: readonly mesos.AgentInfoCapabilityType[] = [
  "MULTI_ROLE",
  "HIERARCHICAL_ROLE",
  "RESERVATION_REFINEMENT",
  "RESOURCE_PROVIDER",
  "RESIZE_VOLUME",
  "AGENT_OPERATION_FEEDBACK",
  "AGENT_DRAINING",
  "TASK_RESOURCE_LIMITS",
];
