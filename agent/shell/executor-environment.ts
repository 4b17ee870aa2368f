/** What a custom executor finds in its environment beyond a task's (http-semantics 17.1). */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { formatDuration } from "../../worker/std/duration.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { Launch } from "../core/effect.ts";
import type { ExecutorTokens } from "./executor-tokens.ts";

export interface ExecutorApiPlace {
  /** Where executors reach the agent's API, like 127.0.0.1:5051: it is really listened at. */
  readonly endpoint: string;
  readonly tokens: ExecutorTokens;
}

/** Empty: it is no custom executor that is launched. The error is a sentence. */
export function executorEnvironment(
  { endpoint, tokens }: ExecutorApiPlace,
  { containerId, framework, task, custom }: Launch,
): Result<Readonly<Record<string, string>>, string> {
  if (custom === undefined) return ok({});
  if (hasOwnNetwork(task.container) && endpoint.startsWith("127.")) {
    const what = `the executor's container has a network of its own, from which the agent's API at`;
    const way = "start the agent with --listen and an address that it reaches, or use network HOST";
    return err(`${what} ${endpoint} cannot be reached; ${way}`);
  }
  const frameworkId = framework.id?.value ?? "";
  // Those of the task that stands for it are its own.
  const executorId = task.task_id.value;
  return ok({
    MESOS_AGENT_ENDPOINT: endpoint,
    MESOS_EXECUTOR_AUTHENTICATION_TOKEN: tokens.tokenOf({ frameworkId, executorId, containerId }),
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: formatDuration(custom.shutdownGraceMs),
    LIBPROCESS_PORT: "0",
    // Half of the time that it has to be back: an executor that waits that long is still in time.
    ...(framework.checkpoint === true && {
      MESOS_SUBSCRIPTION_BACKOFF_MAX: formatDuration(custom.reregistrationMs / 2),
    }),
  });
}

function hasOwnNetwork(container: mesos.ContainerInfo | undefined): boolean {
  if (container?.type !== "DOCKER") return false;
  return (container.docker?.network ?? "HOST") !== "HOST";
}
