/**
 * A test bench for the agent's core: one agent, short words for what reaches it, and what it said.
 */

import type {
  ContainerId,
  ContainerTermination,
  RecoveredContainer,
} from "../../../agent/containerizer/containerizer.ts";
import { step } from "../../../agent/core/agent.ts";
import type { Effect } from "../../../agent/core/effect.ts";
import type { Input } from "../../../agent/core/input.ts";
import { defaultExecutorTimes } from "../../../agent/core/limits.ts";
import { registerRequest } from "../../../agent/core/registration.ts";
import type { RunRow, StoredRows } from "../../../agent/core/rows.ts";
import {
  type AgentFacts,
  type AgentState,
  newState,
  noRows,
  save,
} from "../../../agent/core/state.ts";
import type { AgentId } from "../../../worker/protocol/ids.ts";
import type * as link from "../../../worker/protocol/link/messages.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { assert, defined } from "../../../worker/std/assert.ts";

export const AGENT_ID = "c-S0" as AgentId;
/** Of every container. */
export const PID = 4711;

export const facts: AgentFacts = {
  agentInfo: { hostname: "a.example", port: 5051 },
  ip: "10.0.0.7",
  version: "1.12.0",
  capabilities: ["MULTI_ROLE"],
  sessionId: "s1",
  executorTimes: defaultExecutorTimes,
};

/** A framework with these capabilities. */
export function framework(
  id: string,
  ...capabilities: mesos.FrameworkInfoCapabilityType[]
): mesos.FrameworkInfo {
  return {
    id: { value: id },
    user: "nobody",
    name: id,
    capabilities: capabilities.map((type) => ({ type })),
  };
}

export function task(id: string, more: Partial<mesos.TaskInfo> = {}): mesos.TaskInfo {
  return {
    name: id,
    task_id: { value: id },
    agent_id: { value: AGENT_ID },
    command: { value: "true" },
    resources: [{ name: "mem", type: "SCALAR", scalar: { value: 64 } }],
    ...more,
  };
}

/** 10 MB of disk with this persistent volume, reserved for `r/s`. */
export function volume(id: string, megabytes = 10): mesos.Resource {
  return {
    name: "disk",
    type: "SCALAR",
    scalar: { value: megabytes },
    reservations: [{ type: "DYNAMIC", role: "r/s", principal: "p" }],
    disk: { persistence: { id }, volume: { mode: "RW", container_path: "data" } },
  };
}

/** A wall clock that somebody sets all the time, by an hour. */
export function setClock(nowMs: number, seed: number): number {
  return nowMs + ((seed % 3) - 1) * 3_600_000;
}

export const exited = (code: number): ContainerTermination => ({
  kind: "EXITED",
  code,
  waitStatus: code << 8,
});
export const signaled = (signal: string, waitStatus: number): ContainerTermination => ({
  kind: "SIGNALED",
  signal,
  waitStatus,
});

export class Bench {
  state: AgentState;
  nowMs = 1_000_000;
  effects: Effect[] = [];
  #turn = 0;

  /** A new agent, registered. `rows`: an agent that was there before, not yet recovered. */
  constructor(rows?: StoredRows) {
    this.state = newState(facts, rows ?? noRows);
    if (rows !== undefined) return;
    this.input({ type: "RECOVERED", containers: [] });
    this.register();
  }

  input(input: Input): Effect[] {
    const times = { nowMs: this.nowMs, wallMs: this.nowMs };
    const outcome = step(this.state, { ...times, seed: ++this.#turn, input });
    this.effects = [...outcome.effects];
    return this.effects;
  }

  register(agentId: AgentId = AGENT_ID): Effect[] {
    return this.input({ type: "REGISTERED", agentId });
  }

  commands(...commands: link.Command[]): Effect[] {
    return this.input({ type: "COMMANDS", commands });
  }

  /** RUN_TASK number `number`. */
  run(
    number: number,
    taskInfo: mesos.TaskInfo = task("t1"),
    info: mesos.FrameworkInfo = framework("f1"),
  ): Effect[] {
    return this.commands({
      type: "RUN_TASK",
      number: BigInt(number),
      run_task: { framework: info, task: taskInfo },
    });
  }

  /** KILL_TASK of run `run`. */
  kill(number: number, run: number, graceMs?: number): Effect[] {
    return this.commands({
      type: "KILL_TASK",
      number: BigInt(number),
      kill_task: {
        framework_id: { value: "f1" },
        task_id: { value: "t1" },
        run_number: BigInt(run),
        ...(graceMs === undefined
          ? {}
          : { kill_policy: { grace_period: { nanoseconds: BigInt(graceMs) * 1_000_000n } } }),
      },
    });
  }

  started(run: number): Effect[] {
    return this.input({
      type: "CONTAINER_STARTED",
      containerId: this.containerOf(run),
      pid: PID,
    });
  }

  ended(run: number, termination: ContainerTermination): Effect[] {
    return this.input({ type: "CONTAINER_ENDED", containerId: this.containerOf(run), termination });
  }

  acknowledge(status: mesos.TaskStatus, frameworkId = "f1"): Effect[] {
    return this.commands({
      type: "ACKNOWLEDGE",
      acknowledge: {
        framework_id: { value: frameworkId },
        task_id: status.task_id,
        uuid: defined(status.uuid, "the status has a uuid"),
      },
    });
  }

  /** The report in flight is answered; what follows from that is in the result. */
  reportDone(): Effect[] {
    return this.input({ type: "REPORT_DONE", reportNumber: this.state.lastReportNumber });
  }

  /** Reports are answered until none is in flight; what follows from that is in the result. */
  reportsDone(): Effect[] {
    const all: Effect[] = [];
    for (let round = 0; this.state.link.state === "REPORTING"; round++) {
      assert(round < 10, "reports come to an end");
      all.push(...this.reportDone());
    }
    this.effects = all;
    return all;
  }

  /**
   * Lets time pass until `ms` later, waking the agent whenever it asked for it. A report in flight
   * stays unanswered, and nothing is repeated meanwhile.
   */
  pass(ms: number): Effect[] {
    const endMs = this.nowMs + ms;
    const all: Effect[] = [];
    while (this.state.timerMs !== undefined && this.state.timerMs <= endMs) {
      this.nowMs = Math.max(this.nowMs, this.state.timerMs);
      all.push(...this.input({ type: "TIMER_DUE" }));
      const { timerMs } = this.state;
      assert(timerMs === undefined || timerMs > this.nowMs, "a timer is never set to the past");
    }
    this.nowMs = endMs;
    this.effects = all;
    return all;
  }

  /**
   * The process dies, a new one starts on the same disk and finds `containers`; it is not
   * registered.
   */
  crash(containers: readonly RecoveredContainer[]): Effect[] {
    // Through JSON, as the disk would give it back.
    const rows: StoredRows = JSON.parse(JSON.stringify(save(this.state)));
    this.state = newState({ ...facts, sessionId: "s2" }, rows);
    return this.input({ type: "RECOVERED", containers });
  }

  runRow(run: number): RunRow | undefined {
    return [...this.state.run.values()].find((row) => row.runNumber === String(run));
  }

  containerOf(run: number): ContainerId {
    return defined(this.runRow(run), `run ${run} is there`).containerId;
  }

  tasks(): readonly link.AgentTask[] {
    return registerRequest(this.state).tasks ?? [];
  }
}

/** What was reported, in order. */
export function reported(effects: readonly Effect[]): link.StatusUpdate[] {
  return effects.flatMap((effect) => (effect.type === "REPORT" ? effect.updates : []));
}

export function statuses(effects: readonly Effect[]): mesos.TaskStatus[] {
  return reported(effects).map(({ status }) => status);
}

export function states(effects: readonly Effect[]): mesos.TaskState[] {
  return statuses(effects).map(({ state }) => state);
}

export function types(effects: readonly Effect[]): Effect["type"][] {
  return effects.map(({ type }) => type);
}

/** A run of `t1` that is RUNNING and whose updates are all acknowledged. Its number is 1. */
export function running(
  more: { task?: mesos.TaskInfo; framework?: mesos.FrameworkInfo } = {},
): Bench {
  const bench = new Bench();
  bench.run(1, more.task, more.framework);
  const made = statuses(bench.started(1));
  bench.reportDone();
  for (const status of made) bench.acknowledge(status);
  return bench;
}
