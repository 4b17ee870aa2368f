/**
 * Status updates on their way to the master: made, reported, repeated, acknowledged; and the exits
 * of executors, which a report carries along.
 *
 * 1. Updates of one run are reported in the order they were made. 2. One report is in flight at a
 * time; everything that comes meanwhile goes into the next one. 3. An update is repeated (10 s,
 * doubling, at most 10 min) until its uuid is acknowledged, and at once after a registration or
 * RESUME_UPDATES; an exit is in every report until one is answered.
 */
import type { ExecutorId, FrameworkId, TaskId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { encodeBase64 } from "../../worker/protocol/wire/base64.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { exitedExecutors, exitOf } from "./executors.ts";
import {
  REPORT_LENGTH,
  REPORT_RETRY_MAX_MS,
  REPORT_RETRY_MIN_MS,
  RUNS_PER_REPORT,
  UPDATE_RETRY_MAX_MS,
  UPDATE_RETRY_MIN_MS,
} from "./limits.ts";
import type { RunKey, UpdateRow } from "./rows.ts";
import { type AgentState, newSeq, newUuid, type StepContext } from "./state.ts";
import type { StatusFacts } from "./status.ts";
import { decodeStored } from "./stored.ts";

/** Which task and run an update is about; the run need not be here. */
export interface UpdateSubject {
  readonly frameworkId: FrameworkId;
  readonly taskId: TaskId;
  readonly runNumber: string;
  /** Of a run that is here. */
  readonly executorId?: ExecutorId;
}

/** Makes an update, to be reported with the next report. Returns the status as JSON. */
export function addUpdate(
  state: AgentState,
  context: StepContext,
  subject: UpdateSubject,
  facts: StatusFacts,
): string {
  return putUpdate(state, context, subject, {
    ...facts,
    task_id: { value: subject.taskId },
    timestamp: context.wallMs / 1000,
  });
}

/** The same of a status that somebody else made; it gets a uuid if it has none. */
export function putUpdate(
  state: AgentState,
  context: StepContext,
  subject: UpdateSubject,
  facts: mesos.TaskStatus,
): string {
  const seq = newSeq(state);
  const uuid = facts.uuid ?? newUuid(context, seq);
  const agentId = state.agent.get("agent")?.id;
  const status: mesos.TaskStatus = {
    ...facts,
    ...(agentId === undefined ? {} : { agent_id: { value: agentId } }),
    ...(subject.executorId === undefined ? {} : { executor_id: { value: subject.executorId } }),
    uuid,
  };
  const text = encodeJson("mesos.v1.TaskStatus", status);
  const key = encodeBase64(uuid);
  const { frameworkId, taskId, runNumber } = subject;
  state.update.put({
    seq,
    frameworkId,
    taskId,
    runNumber,
    uuid: key,
    state: facts.state,
    status: text,
  });
  state.updateTimers.set(key, context.nowMs);
  return text;
}

/** Forgets the update with this uuid; returns it, or undefined when there is none. */
export function takeUpdate(state: AgentState, uuid: string): UpdateRow | undefined {
  const row = state.update.get(uuid);
  state.update.delete(uuid);
  state.updateTimers.delete(uuid);
  state.updateIntervals.delete(uuid);
  return row;
}

/** Forgets all updates that `matches` chooses. */
export function dropUpdates(state: AgentState, matches: (row: UpdateRow) => boolean): void {
  for (const row of [...state.update.values()]) if (matches(row)) takeUpdate(state, row.uuid);
}

/** Has every unacknowledged update (of one framework, or of all) sent again at once. */
export function resumeUpdates(
  state: AgentState,
  context: StepContext,
  frameworkId?: FrameworkId,
): void {
  for (const row of state.update.values()) {
    if (frameworkId !== undefined && row.frameworkId !== frameworkId) continue;
    state.updateTimers.set(row.uuid, context.nowMs);
    state.updateIntervals.delete(row.uuid);
  }
}

/** Reports what is due, if the link is free. */
export function sendDueUpdates(state: AgentState, context: StepContext): void {
  if (state.link.state === "HOLDING" && state.link.untilMs <= context.nowMs) {
    state.link = { state: "IDLE" };
  }
  if (state.link.state !== "IDLE") return;
  const due = takeDue(state, context.nowMs);
  const exited = exitedExecutors(state);
  const executorMessages = state.executorMessages;
  if (due.length + exited.length + executorMessages.length === 0) return;
  state.executorMessages = [];
  const latest = latestStates(state);
  const updates = due.map(
    (row): link.StatusUpdate => ({
      framework_id: { value: row.frameworkId },
      status: decodeStored("mesos.v1.TaskStatus", row.status),
      latest_state: latest.get(runName(row)) ?? row.state,
      run_number: BigInt(row.runNumber),
    }),
  );
  for (const row of due) scheduleRepeat(state, context, row.uuid);
  const reportNumber = ++state.lastReportNumber;
  state.link = {
    state: "REPORTING",
    reportNumber,
    uuids: due.map((row) => row.uuid),
    exits: exited.map((row) => row.containerId),
  };
  const executorExits = exited.map(exitOf);
  context.effects.push({ type: "REPORT", reportNumber, updates, executorExits, executorMessages });
}

export function reportDone(state: AgentState, reportNumber: number): void {
  if (state.link.state !== "REPORTING" || state.link.reportNumber !== reportNumber) return;
  for (const containerId of state.link.exits) state.executor.delete(containerId);
  state.link = { state: "IDLE" };
  state.reportFailures = 0;
}

/** The report may or may not have arrived: its updates are due again, after a pause. */
export function reportFailed(state: AgentState, context: StepContext, reportNumber: number): void {
  if (state.link.state !== "REPORTING" || state.link.reportNumber !== reportNumber) return;
  for (const uuid of state.link.uuids) {
    if (!state.update.has(uuid)) continue;
    state.updateTimers.set(uuid, context.nowMs);
    state.updateIntervals.delete(uuid);
  }
  const pause = Math.min(REPORT_RETRY_MIN_MS * 2 ** state.reportFailures++, REPORT_RETRY_MAX_MS);
  const untilMs = context.nowMs + Math.ceil(pause * (0.5 + context.random.next() / 2));
  state.link = { state: "HOLDING", untilMs };
}

/** When `sendDueUpdates` will have something to do; undefined = not before another input. */
export function nextUpdateMs(state: AgentState): number | undefined {
  // What is due and is not an update was reported at the end of this step, if the link was free.
  const waiting = exitedExecutors(state).length + state.executorMessages.length;
  const dueMs = waiting > 0 ? 0 : state.updateTimers.nextDueMs();
  if (dueMs === undefined) return undefined;
  if (state.link.state === "IDLE") return dueMs;
  return state.link.state === "HOLDING" ? Math.max(dueMs, state.link.untilMs) : undefined;
}

/**
 * Due updates in the order they were made. An update takes the older ones of its run along: a
 * master that was restarted has forgotten them, and would tell the framework the end before the
 * beginning. A report that would become too long leaves out whole runs, whose updates stay due: cut
 * anywhere else, the next report could be the same again. Where one run alone is too long, its
 * later updates wait until there is time to repeat the earlier ones.
 */
function takeDue(state: AgentState, nowMs: number): UpdateRow[] {
  const newest = new Map<string, number>();
  for (;;) {
    const uuid = state.updateTimers.takeDue(nowMs);
    if (uuid === undefined) break;
    const row = state.update.get(uuid);
    if (row === undefined) continue;
    const run = runName(row);
    newest.set(run, Math.max(row.seq, newest.get(run) ?? 0));
  }
  if (newest.size === 0) return [];
  const chosen = new Set<string>();
  const due: UpdateRow[] = [];
  let length = 0;
  for (const row of state.update.values()) {
    const run = runName(row);
    if (row.seq > (newest.get(run) ?? -1)) continue;
    const fits = due.length === 0 || length + row.status.length <= REPORT_LENGTH;
    if (chosen.size < RUNS_PER_REPORT && fits) chosen.add(run);
    if (!chosen.has(run)) {
      state.updateTimers.set(row.uuid, nowMs);
    } else if (fits) {
      length += row.status.length;
      due.push(row);
    } else {
      state.updateTimers.set(row.uuid, nowMs + UPDATE_RETRY_MIN_MS);
    }
  }
  return due;
}

function scheduleRepeat(state: AgentState, context: StepContext, uuid: string): void {
  const last = state.updateIntervals.get(uuid);
  const interval =
    last === undefined ? UPDATE_RETRY_MIN_MS : Math.min(last * 2, UPDATE_RETRY_MAX_MS);
  state.updateIntervals.set(uuid, interval);
  state.updateTimers.set(uuid, context.nowMs + interval);
}

/** A number has no '/': the two together are unique. */
function runName({ runNumber, taskId }: RunKey): string {
  return `${runNumber}/${taskId}`;
}

/** Newest state per run. */
function latestStates(state: AgentState): Map<string, mesos.TaskState> {
  const latest = new Map<string, mesos.TaskState>();
  for (const row of state.update.values()) latest.set(runName(row), row.state);
  return latest;
}
