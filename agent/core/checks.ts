/**
 * Checks and health checks of the tasks that the agent runs itself (http-semantics 16): when each
 * is made, what is told of its outcome, and when a task is killed for it. The shell makes them.
 *
 * Nothing of it is on disk but what the task's framework was told last: after a restart of the
 * agent the failures are counted anew, and the checks begin again.
 */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import type { ContainerId } from "../containerizer/containerizer.ts";
import { checkPlan, healthPlan, isHealthy, type Plan } from "./check-plan.ts";
import type { CheckKind, CheckResult } from "./check-result.ts";
import { checkStatusInfo } from "./check-status.ts";
import { taskGraceMs } from "./grace.ts";
import { CHECK_PAUSE_MIN_MS } from "./limits.ts";
import type { RunRow } from "./rows.ts";
import { killRun, launchOf, toldAgain } from "./runs.ts";
import type { AgentState, StepContext } from "./state.ts";
import { aliveStatus, type StatusFacts } from "./status.ts";
import { decodeStored } from "./stored.ts";
import { addUpdate } from "./updates.ts";

const kinds: readonly CheckKind[] = ["CHECK", "HEALTH"];

/** How one health check stands. */
export interface HealthState {
  readonly failures: number;
  /** Whether it has ever succeeded, as far as this life of the agent knows. */
  readonly hasSucceeded: boolean;
}

/** Of a run that is RUNNING, and not only since this step if the agent was restarted. */
export function startChecks(state: AgentState, context: StepContext, run: RunRow): void {
  if (run.stage.state !== "RUNNING" || run.entrustedBy !== undefined) return;
  const task = decodeStored("mesos.v1.TaskInfo", run.info);
  for (const kind of kinds) {
    const plan = planOf(task, kind);
    if (plan === undefined) continue;
    const firstMs = run.stage.startedMs + plan.delayMs;
    // After a restart those of all tasks are overdue; made at one moment they would be a storm.
    const isOverdue = firstMs < context.nowMs;
    const dueMs = isOverdue ? context.nowMs + context.random.next() * plan.intervalMs : firstMs;
    state.checkTimers.set(timerKey(run.containerId, kind), Math.ceil(dueMs));
  }
}

/** The run is being killed, or has ended: what is under way is of no interest any more. */
export function stopChecks(
  state: AgentState,
  context: StepContext,
  containerId: ContainerId,
): void {
  for (const kind of kinds) {
    const key = timerKey(containerId, kind);
    state.checkTimers.delete(key);
    if (!state.checksUnderWay.delete(key)) continue;
    context.effects.push({ type: "CANCEL_CHECK", containerId, kind });
  }
  state.health.delete(containerId);
}

export function makeDueChecks(state: AgentState, context: StepContext): void {
  for (;;) {
    const key = state.checkTimers.takeDue(context.nowMs);
    if (key === undefined) return;
    const { containerId, kind } = keyParts(key);
    const run = state.run.get(containerId);
    if (run?.stage.state !== "RUNNING") continue;
    state.checksUnderWay.add(key);
    const { pid } = run;
    const launch = launchOf(state, run);
    context.effects.push({ type: "CHECK", kind, ...launch, ...(pid !== undefined && { pid }) });
  }
}

export function checkDone(
  state: AgentState,
  context: StepContext,
  done: {
    readonly containerId: ContainerId;
    readonly kind: CheckKind;
    readonly result: CheckResult;
  },
): void {
  const { containerId, kind, result } = done;
  const key = timerKey(containerId, kind);
  const run = state.run.get(containerId);
  const plan = run && planOf(decodeStored("mesos.v1.TaskInfo", run.info), kind);
  if (!state.checksUnderWay.delete(key) || plan === undefined) return;
  if (run?.stage.state !== "RUNNING") return;
  const pauseMs = Math.max(plan.intervalMs, CHECK_PAUSE_MIN_MS);
  state.checkTimers.set(key, context.nowMs + pauseMs);
  if (kind === "CHECK") checked(state, context, run, result);
  else healthChecked(state, context, run, { plan, result });
}

/** Told when it differs from what was told last. */
function checked(state: AgentState, context: StepContext, run: RunRow, result: CheckResult): void {
  const { check } = decodeStored("mesos.v1.TaskInfo", run.info);
  const status = checkStatusInfo(check?.type, result);
  const text = encodeJson("mesos.v1.CheckStatusInfo", status);
  if (text === run.checkStatus) return;
  const next = { ...run, checkStatus: text };
  tellRunning(state, context, next, { reason: "REASON_TASK_CHECK_STATUS_UPDATED" });
}

function healthChecked(
  state: AgentState,
  context: StepContext,
  run: RunRow,
  { plan, result }: { readonly plan: Plan; readonly result: CheckResult },
): void {
  const { stage, containerId } = run;
  const before = state.health.get(containerId) ?? {
    failures: 0,
    hasSucceeded: run.healthy === true,
  };
  const { health_check: check } = decodeStored("mesos.v1.TaskInfo", run.info);
  const health = isHealthy(result, check);
  const reason = "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED";
  if (health.ok) {
    state.health.set(containerId, { failures: 0, hasSucceeded: true });
    if (run.healthy === true) return;
    tellRunning(state, context, { ...run, healthy: true }, { reason });
    return;
  }
  const sinceMs = stage.state === "RUNNING" ? context.nowMs - stage.startedMs : 0;
  if (!before.hasSucceeded && sinceMs <= plan.graceMs) return;
  const failures = before.failures + 1;
  state.health.set(containerId, { failures, hasSucceeded: before.hasSucceeded });
  const message = `Health check failed (${failures} in a row): ${health.error}`;
  const told = tellRunning(state, context, { ...run, healthy: false }, { reason, message });
  if (failures < plan.failuresToKill) return;
  killRun(state, context, told, {
    cause: "UNHEALTHY",
    graceMs: undefined,
    defaultGraceMs: taskGraceMs(run),
  });
}

function tellRunning(
  state: AgentState,
  context: StepContext,
  run: RunRow,
  facts: Pick<StatusFacts, "reason" | "message">,
): RunRow {
  const status = { ...aliveStatus(state, run, "TASK_RUNNING"), ...facts };
  return state.run.put(toldAgain(run, addUpdate(state, context, run, status)));
}

function planOf({ check, health_check }: mesos.TaskInfo, kind: CheckKind): Plan | undefined {
  if (kind === "CHECK") return check && checkPlan(check);
  return health_check && healthPlan(health_check);
}

function timerKey(containerId: ContainerId, kind: CheckKind): string {
  return `${kind} ${containerId}`;
}

/** The inverse of `timerKey`. */
function keyParts(key: string): { readonly containerId: ContainerId; readonly kind: CheckKind } {
  const [kind = "", containerId = ""] = key.split(" ");
  return { kind: kind as CheckKind, containerId: containerId as ContainerId };
}
