/** What a custom executor finds in its environment beyond a task's (http-semantics 17.1). */
import { formatDuration } from "../../worker/std/duration.ts";
import type { Launch } from "../core/effect.ts";
import type { ExecutorTokens } from "./executor-tokens.ts";

export interface ExecutorApiPlace {
  /** Where executors reach the agent's API, like 127.0.0.1:5051: it is really listened at. */
  readonly endpoint: string;
  readonly tokens: ExecutorTokens;
}

/** Undefined: it is no custom executor that is launched. */
export function executorEnvironment(
  { endpoint, tokens }: ExecutorApiPlace,
  { containerId, framework, task, custom }: Launch,
): Readonly<Record<string, string>> | undefined {
  if (custom === undefined) return undefined;
  const frameworkId = framework.id?.value ?? "";
  // Those of the task that stands for it are its own.
  const executorId = task.task_id.value;
  return {
    MESOS_AGENT_ENDPOINT: endpoint,
    MESOS_EXECUTOR_AUTHENTICATION_TOKEN: tokens.tokenOf({ frameworkId, executorId, containerId }),
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: formatDuration(custom.shutdownGraceMs),
    LIBPROCESS_PORT: "0",
    // Half of the time that it has to be back: an executor that waits that long is still in time.
    ...(framework.checkpoint === true && {
      MESOS_SUBSCRIPTION_BACKOFF_MAX: formatDuration(custom.reregistrationMs / 2),
    }),
  };
}
