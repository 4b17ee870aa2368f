/** How long a task has between SIGTERM and SIGKILL. Source: http-semantics 17.2. */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { stopTimeoutMs } from "./docker-spec.ts";
import { KILL_GRACE_MS } from "./limits.ts";
import type { RunRow } from "./rows.ts";
import { decodeStored } from "./stored.ts";

/** Undefined: the policy says nothing. */
export function policyGraceMs(policy: mesos.KillPolicy | undefined): number | undefined {
  return milliseconds(policy?.grace_period);
}

/** As its framework asked for at the launch, or the default. */
export function taskGraceMs(run: RunRow): number {
  const { kill_policy, container } = decodeStored("mesos.v1.TaskInfo", run.info);
  return policyGraceMs(kill_policy) ?? stopTimeoutMs(container) ?? KILL_GRACE_MS;
}

export function milliseconds(duration: mesos.DurationInfo | undefined): number | undefined {
  return duration === undefined ? undefined : Number(duration.nanoseconds) / 1e6;
}
