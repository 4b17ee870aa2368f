/** Runs as the API's tasks. */
import { healthCheckWithoutSecrets } from "../../worker/protocol/secrets.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { decodeBase64 } from "../../worker/protocol/wire/base64.ts";
import { assert } from "../../worker/std/assert.ts";
import type { PendingUpdate, RunRow } from "./rows.ts";
import { decodeStored } from "./stored.ts";

/** As the master learns of it: with its newest status. */
export function taskOf(run: RunRow): mesos.Task {
  const info = decodeStored("mesos.v1.TaskInfo", run.info);
  const status =
    run.status === undefined ? undefined : decodeStored("mesos.v1.TaskStatus", run.status);
  const { name, task_id, agent_id, resources, labels, discovery, container, limits } = info;
  const { health_check } = info;
  return {
    name,
    task_id,
    framework_id: { value: run.frameworkId },
    agent_id,
    state: status?.state ?? "TASK_STAGING",
    ...(status === undefined
      ? {}
      : {
          statuses: [status],
          status_update_state: status.state,
          ...(status.uuid === undefined ? {} : { status_update_uuid: status.uuid }),
        }),
    // A command task's executor is nobody's but the agent's.
    ...(run.parentId === undefined ? {} : { executor_id: { value: run.executorId } }),
    ...defined({ resources, labels, discovery, container, limits }),
    ...defined({ user: info.command?.user, kill_policy: info.kill_policy }),
    ...(health_check !== undefined && { health_check: healthCheckWithoutSecrets(health_check) }),
  };
}

/**
 * With every status it had, oldest first: as the agent's own API shows it. `pending`: where its
 * updates stand; absent: all are acknowledged.
 */
export function taskWithHistory(run: RunRow, pending?: PendingUpdate): mesos.Task {
  const task = taskOf(run);
  const earlier = (run.earlierStatuses ?? []).map((status) =>
    decodeStored("mesos.v1.TaskStatus", status),
  );
  const statuses = [...earlier, ...(task.statuses ?? [])];
  return {
    ...task,
    ...(statuses.length > 0 && { statuses }),
    ...(pending !== undefined && {
      status_update_state: pending.state,
      status_update_uuid: uuidOf(pending),
    }),
  };
}

function uuidOf({ uuid }: PendingUpdate): Uint8Array {
  const bytes = decodeBase64(uuid);
  assert(bytes.ok, "a stored uuid is base64");
  return bytes.value;
}

/** Without the members that are undefined: unset is absent. */
function defined<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
    // `fromEntries` forgets the keys; these are the members of T that are there.
  ) as { [K in keyof T]: Exclude<T[K], undefined> };
}
