/**
 * What really happened, seen from outside: which runs the master made, what their containers did,
 * what their agents said and what their frameworks heard. Rules that hold at every moment are
 * checked here as things happen.
 */

import type { UpdateRow as AgentUpdateRow } from "../../agent/core/rows.ts";
import type { Outcome } from "../../worker/core/master.ts";
import type { AgentRow, FrameworkRow, OperationRow, TaskRow } from "../../worker/core/rows.ts";
import { isTerminal } from "../../worker/protocol/task-state.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { encodeBase64 } from "../../worker/protocol/wire/base64.ts";
import type { Change } from "../../worker/std/table.ts";
import { OWN_EXECUTOR } from "./operation-script.ts";

export type ContainerEnd =
  | { readonly type: "EXITED"; readonly code: number }
  | { readonly type: "KILLED" }
  | { readonly type: "LAUNCH_FAILED" };

/** One run of a task, by the number of the command that launched it. */
export interface Run {
  readonly run: number;
  readonly frameworkId: string;
  readonly taskId: string;
  readonly agentId: string;
  /** A task of a group may be killed because another one failed. */
  readonly isInGroup: boolean;
  /** Of a custom executor: its end may take the task along, or what it had to say of it. */
  readonly isEntrusted: boolean;
  launches: number;
  /** A container of it came to be. */
  started: boolean;
  end: ContainerEnd | undefined;
  /** What its agent made, in order. */
  readonly updates: { readonly uuid: string; readonly state: mesos.TaskState }[];
  /** How many of them its framework has seen. */
  seen: number;
  /** The terminal state that its framework was told. */
  told: mesos.TaskState | undefined;
  /** The master has let go of it. */
  completed: boolean;
}

export class Truth {
  /** By `runKey`: the tasks of a group have one number. */
  readonly runs = new Map<string, Run>();
  /** Operations whose framework has not heard of their end yet, by uuid. */
  readonly #unheard = new Map<string, OperationRow>();
  readonly removedFrameworks = new Set<string>();
  /** Tasks whose framework was told that their agent is unreachable, by task key. */
  readonly toldUnreachable = new Set<string>();
  /** KILL calls that were made, by task key. */
  readonly killsAsked = new Set<string>();
  /** How often an agent became unreachable. */
  unreachable = 0;
  /** Thrown as a Violation by whoever told us. */
  readonly problems: string[] = [];
  readonly #runOfUpdate = new Map<string, string>();
  readonly #intents = new Set<number>();
  readonly #alive = new Map<string, number>();

  /** A turn of the master is durable. */
  masterDid({ changes }: Outcome): void {
    for (const { table, before, after } of changes) {
      if (table === "task") this.#taskChanged(before as TaskRow, after as TaskRow);
      if (table === "operation" && before === undefined) {
        const row = after as OperationRow;
        if (row.operationId !== undefined) this.#unheard.set(row.uuid, row);
      }
      if (table === "agent") this.#agentChanged(before as AgentRow, after as AgentRow);
      if (table === "framework" && after === undefined) {
        this.removedFrameworks.add((before as FrameworkRow).id);
      }
    }
  }

  /** An agent has committed. */
  agentDid(changes: readonly Change[]): void {
    for (const { table, before, after } of changes) {
      if (table !== "update" || before !== undefined || after === undefined) continue;
      const row = after as AgentUpdateRow;
      const key = runKey(Number(row.runNumber), row.taskId);
      const run = this.runs.get(key);
      if (run === undefined) this.problems.push(`update of run ${row.runNumber}, which is unknown`);
      else if (run.updates.some((update) => isTerminal(update.state))) {
        this.problems.push(`${name(run)} gets ${row.state} after its terminal update`);
      } else run.updates.push({ uuid: row.uuid, state: row.state });
      this.#runOfUpdate.set(row.uuid, key);
    }
  }

  launched(key: string): void {
    const run = this.runs.get(key);
    if (run === undefined) this.problems.push(`run ${key} is launched and unknown`);
    else if (++run.launches > 1) this.problems.push(`${name(run)} is launched twice`);
    else if (run.completed && !this.removedFrameworks.has(run.frameworkId)) {
      this.problems.push(`${name(run)} is launched after it was completed`);
    }
  }

  /**
   * `intent`: number of the task in the ACCEPT that the framework made, however often that arrived.
   */
  containerStarted(startedKey: string, intent: number): void {
    const run = this.runs.get(startedKey);
    if (run === undefined) return;
    if (this.#intents.has(intent))
      this.problems.push(`${name(run)} was asked for once, and runs again`);
    this.#intents.add(intent);
    run.started = true;
    const key = `${run.frameworkId}/${run.taskId}`;
    const other = this.#alive.get(key);
    if (other !== undefined) {
      this.problems.push(`${name(run)} starts while run ${other} of the same task is alive`);
    }
    this.#alive.set(key, run.run);
  }

  containerEnded(key: string, end: ContainerEnd): void {
    const run = this.runs.get(key);
    if (run === undefined) return;
    run.end ??= end;
    this.#alive.delete(`${run.frameworkId}/${run.taskId}`);
  }

  /** A framework received an UPDATE. */
  frameworkSaw(frameworkId: string, status: mesos.TaskStatus): void {
    if (status.reason === "REASON_AGENT_REMOVED") {
      this.toldUnreachable.add(`${frameworkId}/${status.task_id.value}`);
    }
    // The master's own words want no acknowledgement, and are no step of a run.
    if (status.uuid === undefined) return;
    const uuid = encodeBase64(status.uuid);
    const run = this.runs.get(this.#runOfUpdate.get(uuid) ?? "");
    if (run === undefined) {
      this.problems.push(`update ${status.state} of ${status.task_id.value} was made by nobody`);
      return;
    }
    const at = run.updates.findIndex((update) => update.uuid === uuid);
    if (at < run.seen) return;
    if (at > run.seen) this.problems.push(`${name(run)}: ${status.state} overtook another update`);
    run.seen = at + 1;
    if (run.told !== undefined) {
      this.problems.push(`${name(run)}: told ${status.state} after the terminal ${run.told}`);
    }
    if (isTerminal(status.state)) run.told = status.state;
  }

  /** A framework received an UPDATE_OPERATION_STATUS. */
  operationHeard(frameworkId: string, { operation_id, state }: mesos.OperationStatus): void {
    if (state !== "OPERATION_FINISHED") return;
    for (const [uuid, row] of this.#unheard) {
      const isIt = row.frameworkId === frameworkId && row.operationId === operation_id?.value;
      if (isIt) this.#unheard.delete(uuid);
    }
  }

  /**
   * Every run whose framework is still there has ended as its container did, and its framework
   * knows. `isGhost`: whether an agent never learned of its own id (it crashed right after its
   * first registration), so that nobody can tell.
   */
  finalProblems(isGhost: (agentId: string) => boolean): string[] {
    const problems: string[] = [];
    for (const { operationId, frameworkId, agentId } of this.#unheard.values()) {
      if (this.removedFrameworks.has(frameworkId ?? "") || isGhost(agentId)) continue;
      problems.push(`operation ${operationId} was made, and its framework never heard of its end`);
    }
    for (const run of this.runs.values()) {
      if (this.removedFrameworks.has(run.frameworkId)) continue;
      if (isGhost(run.agentId) && run.launches === 0) {
        if (this.toldUnreachable.has(`${run.frameworkId}/${run.taskId}`)) continue;
        problems.push(`${name(run)} is on an agent that is lost, and its framework was not told`);
        continue;
      }
      const allowed = allowedEnds(run, this.killsAsked.has(`${run.frameworkId}/${run.taskId}`));
      if (run.told === undefined) problems.push(`${name(run)} never got a terminal state`);
      else if (!allowed.includes(run.told)) {
        const end = run.end === undefined ? "nothing" : JSON.stringify(run.end);
        problems.push(
          `${name(run)} was told ${run.told}; launched ${run.launches}, ended with ${end}`,
        );
      }
    }
    return problems;
  }

  #agentChanged(before: AgentRow | undefined, after: AgentRow | undefined): void {
    const wasConnected = before?.connection.state === "CONNECTED";
    if (wasConnected && after?.connection.state === "UNREACHABLE") this.unreachable++;
  }

  #taskChanged(before: TaskRow | undefined, after: TaskRow | undefined): void {
    if (before === undefined && after !== undefined) this.#taskMade(after);
    if (before !== undefined && after === undefined) {
      const run = this.runs.get(runKey(before.run, before.id));
      if (run !== undefined) run.completed = true;
    }
    if (before !== undefined && after !== undefined && isTerminal(before.state)) {
      if (before.state === after.state) return;
      this.problems.push(`${before.id} went from ${before.state} to ${after.state}`);
    }
  }

  #taskMade({ run, frameworkId, id, agentId, group, executorId }: TaskRow): void {
    const key = runKey(run, id);
    const known = this.runs.get(key);
    if (known !== undefined) {
      this.problems.push(`${name(known)} came back after it was completed`);
      return;
    }
    this.runs.set(key, {
      run,
      frameworkId,
      taskId: id,
      agentId,
      isInGroup: group !== undefined,
      isEntrusted: executorId?.startsWith(OWN_EXECUTOR) === true,
      launches: 0,
      started: false,
      end: undefined,
      updates: [],
      seen: 0,
      told: undefined,
      completed: false,
    });
  }
}

export function runKey(runNumber: number, taskId: string): string {
  return `${runNumber}/${taskId}`;
}

function name({ taskId, run }: Run): string {
  return `task ${taskId} (run ${run})`;
}

function allowedEnds(run: Run, killAsked: boolean): readonly mesos.TaskState[] {
  const mayBeKilled = killAsked || run.isInGroup;
  const lost: readonly mesos.TaskState[] = ["TASK_FAILED", "TASK_GONE", "TASK_LOST"];
  const killed: readonly mesos.TaskState[] = [
    ...(mayBeKilled ? (["TASK_KILLED"] as const) : []),
    ...(run.isEntrusted ? lost : []),
  ];
  // Only a launch that never happened may be lost.
  if (run.end === undefined) {
    if (run.started) return [];
    return [...killed, "TASK_LOST", "TASK_DROPPED", "TASK_GONE"];
  }
  switch (run.end.type) {
    case "EXITED":
      return [run.end.code === 0 ? "TASK_FINISHED" : "TASK_FAILED", ...killed];
    case "KILLED":
      return killed;
    case "LAUNCH_FAILED":
      // The agent may have ended before it learned of that.
      return ["TASK_FAILED", "TASK_LOST", "TASK_DROPPED", ...killed];
  }
}
