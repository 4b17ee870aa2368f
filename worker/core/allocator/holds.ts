/** Who holds what of an agent: tasks that may be running, executors, and outstanding offers. */
import type { AgentId } from "../../protocol/ids.ts";
import { isTerminal } from "../../protocol/task-state.ts";
import type { Resources } from "../../resources/resource.ts";
import type { ExecutorRow, OfferRow, TaskRow } from "../rows.ts";
import type { Tables } from "../tables.ts";
import type { Client } from "./policy.ts";

/** Somebody's hold on an agent's resources: a task that may be running, or an outstanding offer. */
export interface Hold {
  readonly agentId: AgentId;
  readonly client: Client;
  readonly resources: Resources;
}

export function holdsIn(tables: Tables): readonly Hold[] {
  const tasks = [...tables.task.values()].map(taskHold);
  const offers = [...tables.offer.values()].map(offerHold);
  const executors = [...tables.executor.values()].map(executorHold);
  return [...tasks, ...offers, ...executors].filter((hold) => hold !== undefined);
}

/** Tasks of an unreachable agent hold nothing: the agent is not there to be offered. */
export function taskHold(task: TaskRow | undefined): Hold | undefined {
  if (task === undefined || isTerminal(task.state) || task.state === "TASK_UNREACHABLE") {
    return undefined;
  }
  const { agentId, role, frameworkId, resources } = task;
  return { agentId, client: { role, frameworkId }, resources };
}

export function executorHold(executor: ExecutorRow | undefined): Hold | undefined {
  if (executor === undefined) return undefined;
  const { agentId, role, frameworkId, resources } = executor;
  return { agentId, client: { role, frameworkId }, resources };
}

export function offerHold(offer: OfferRow | undefined): Hold | undefined {
  if (offer === undefined) return undefined;
  const { agentId, role, frameworkId, resources } = offer;
  return { agentId, client: { role, frameworkId }, resources };
}
