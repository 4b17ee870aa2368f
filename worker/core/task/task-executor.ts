/** The executor that tasks are launched in: one that runs on the agent already, or a new one. */
import type { ExecutorId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { equals } from "../../resources/algebra.ts";
import type { Resources } from "../../resources/resource.ts";
import { err, ok, type Result } from "../../std/result.ts";
import type { Pool } from "../offer/pool.ts";
import type { ExecutorRow, FrameworkRow } from "../rows.ts";
import { type MasterState, newSeq } from "../state.ts";
import { decodeStored } from "../stored.ts";
import { executorKey } from "../tables.ts";
import type { Turn } from "../turn.ts";

export interface TaskExecutor {
  readonly info: mesos.ExecutorInfo;
  /** It does not run yet: its own resources are taken too. */
  readonly isNew: boolean;
  readonly resources: Resources;
}

/** The error is a sentence. `info`: with its framework's id and its resources' role. */
export function taskExecutor(
  state: MasterState,
  framework: FrameworkRow,
  { info, resources }: Omit<TaskExecutor, "isNew">,
  pool: Pool,
): Result<TaskExecutor, string> {
  const id = info.executor_id.value;
  const running = state.tables.executor.get(executorKey(pool.agent.id, framework.id, id));
  if (running === undefined) return ok({ info, resources, isNew: true });
  if (sameExecutor(running, info, resources)) return ok({ info, resources, isNew: false });
  return err(`Executor '${id}' runs on the agent already, and is not described in the same way`);
}

/** What launching in it takes besides the tasks' own. */
export function takenBy({ isNew, resources }: TaskExecutor): Resources {
  return isNew ? resources : [];
}

/** It holds its resources from now on. */
export function addExecutor(
  turn: Turn,
  framework: FrameworkRow,
  { info, isNew, resources }: TaskExecutor,
  pool: Pool,
): void {
  if (!isNew) return;
  turn.state.tables.executor.put({
    seq: newSeq(turn.state),
    frameworkId: framework.id,
    id: info.executor_id.value as ExecutorId,
    agentId: pool.agent.id,
    info: encodeJson("mesos.v1.ExecutorInfo", info),
    role: pool.role,
    resources,
  });
}

function sameExecutor(
  running: ExecutorRow,
  executor: mesos.ExecutorInfo,
  resources: Resources,
): boolean {
  const facts = (info: mesos.ExecutorInfo): string =>
    encodeJson("mesos.v1.ExecutorInfo", { ...info, resources: undefined });
  const known = decodeStored("mesos.v1.ExecutorInfo", running.info);
  return equals(running.resources, resources) && facts(known) === facts(executor);
}
