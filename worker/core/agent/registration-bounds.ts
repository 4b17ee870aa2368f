/**
 * What an agent names when it registers becomes rows, and a row is bounded. All of it came from a
 * master once, which had checked it; so whoever brings more is no agent of ours.
 */
import { checkIdentifier } from "../../protocol/identifiers.ts";
import { EXECUTOR_INFO_LENGTH, FRAMEWORK_INFO_LENGTH } from "../../protocol/limits.ts";
import type * as link from "../../protocol/link/messages.ts";
import { encodeJson } from "../../protocol/wire/json.ts";

/** Numbers above leave too little room for a cluster's life: no master of ours has given them. */
export const COMMAND_NUMBER_MAX = 2n ** 50n;

/** Characters of an address or a version. */
const FACT_LENGTH_MAX = 255;

/** Characters of a task's name. */
const NAME_LENGTH_MAX = 100_000;

export interface OutOfBounds {
  readonly field: string;
  /** The rest of a sentence that begins with the field. */
  readonly message: string;
}

export function outOfBounds(request: link.RegisterRequest): OutOfBounds | undefined {
  if ((request.last_command ?? 0n) > COMMAND_NUMBER_MAX) {
    return { field: "last_command", message: `must be at most ${COMMAND_NUMBER_MAX}` };
  }
  const long = (["ip", "version"] as const).find((name) => request[name].length > FACT_LENGTH_MAX);
  if (long !== undefined) return tooLong(long, FACT_LENGTH_MAX);
  for (const named of request.tasks ?? []) {
    const wrong = wrongTask(named);
    if (wrong !== undefined) return wrong;
  }
  for (const { framework_id, executor } of request.executors ?? []) {
    const wrong =
      wrongId("executors.framework_id", framework_id.value) ??
      wrongId("executors.executor.executor_id", executor.executor_id.value);
    if (wrong !== undefined) return wrong;
    const { length } = encodeJson("mesos.v1.ExecutorInfo", executor);
    if (length > EXECUTOR_INFO_LENGTH) return tooLong("executors.executor", EXECUTOR_INFO_LENGTH);
  }
  for (const info of request.frameworks ?? []) {
    const { length } = encodeJson("mesos.v1.FrameworkInfo", info);
    if (length > FRAMEWORK_INFO_LENGTH) return tooLong("frameworks", FRAMEWORK_INFO_LENGTH);
  }
  return undefined;
}

function wrongTask({ task, run_number }: link.AgentTask): OutOfBounds | undefined {
  if (run_number > COMMAND_NUMBER_MAX) {
    return { field: "tasks.run_number", message: `must be at most ${COMMAND_NUMBER_MAX}` };
  }
  if (task.name.length > NAME_LENGTH_MAX) return tooLong("tasks.task.name", NAME_LENGTH_MAX);
  const executorId = task.executor_id?.value;
  return (
    wrongId("tasks.task.task_id", task.task_id.value) ??
    wrongId("tasks.task.framework_id", task.framework_id.value) ??
    (executorId === undefined ? undefined : wrongId("tasks.task.executor_id", executorId))
  );
}

function wrongId(field: string, id: string): OutOfBounds | undefined {
  const message = checkIdentifier(id);
  return message === undefined ? undefined : { field, message };
}

function tooLong(field: string, most: number): OutOfBounds {
  return { field, message: `must have at most ${most} characters` };
}
