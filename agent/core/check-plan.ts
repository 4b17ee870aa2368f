/** The times of a check, with Mesos' defaults, and what counts as healthy (http-semantics 16). */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { unreachable } from "../../worker/std/assert.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { CheckResult } from "./check-result.ts";

const DELAY_S = 15;
const INTERVAL_S = 10;
const TIMEOUT_S = 20;
const GRACE_S = 10;
const FAILURES_TO_KILL = 3;

export interface Plan {
  /** From the task's start to the first one. */
  readonly delayMs: number;
  /** From the end of one to the next. */
  readonly intervalMs: number;
  /** Undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
  /** From the task's start: failures before the first success do not count. */
  readonly graceMs: number;
  /** In a row. */
  readonly failuresToKill: number;
}

export function checkPlan(check: mesos.CheckInfo): Plan {
  return { ...times(check), graceMs: 0, failuresToKill: Number.POSITIVE_INFINITY };
}

export function healthPlan(check: mesos.HealthCheck): Plan {
  return {
    ...times(check),
    graceMs: 1_000 * (check.grace_period_seconds ?? GRACE_S),
    failuresToKill: check.consecutive_failures ?? FAILURES_TO_KILL,
  };
}

function times(check: mesos.CheckInfo | mesos.HealthCheck) {
  const { delay_seconds, interval_seconds, timeout_seconds } = check;
  const timeout = timeout_seconds ?? TIMEOUT_S;
  return {
    delayMs: 1_000 * (delay_seconds ?? DELAY_S),
    intervalMs: 1_000 * (interval_seconds ?? INTERVAL_S),
    timeoutMs: timeout === 0 ? undefined : 1_000 * timeout,
  };
}

/** The error continues a sentence. */
export function isHealthy(
  result: CheckResult,
  check: mesos.HealthCheck | undefined,
): Result<void, string> {
  switch (result.kind) {
    case "EXIT_CODE":
      return result.code === 0 ? ok(undefined) : err(`the command exited with ${result.code}`);
    case "STATUS_CODE":
      return isGoodStatus(result.code, check?.http?.statuses)
        ? ok(undefined)
        : err(`the answer has the status ${result.code}`);
    case "CONNECTION":
      return result.succeeded ? ok(undefined) : err(result.why ?? "no connection");
    case "NONE":
      return err(result.why);
    default:
      return unreachable(result);
  }
}

/** `statuses` is what the framework calls good; it may leave that to us. */
function isGoodStatus(code: number, statuses: readonly number[] | undefined): boolean {
  if (statuses !== undefined && statuses.length > 0) return statuses.includes(code);
  return code >= 200 && code < 400;
}
