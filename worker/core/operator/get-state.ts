import { type LongMessage, longMessage } from "../../protocol/wire/long-message.ts";
import { getAgents } from "./get-agents.ts";
import { getExecutors } from "./get-executors.ts";
import { getFrameworks } from "./get-frameworks.ts";
import { getTasks } from "./get-tasks.ts";
import type { Snapshot } from "./snapshot.ts";

/** Tasks, executors, frameworks and agents of one moment. */
export function getState(snapshot: Snapshot): LongMessage<"mesos.v1.master.Response.GetState"> {
  return longMessage("mesos.v1.master.Response.GetState", (of) => [
    of.message("get_tasks", getTasks(snapshot)),
    of.message("get_executors", getExecutors(snapshot)),
    of.message("get_frameworks", getFrameworks(snapshot)),
    of.message("get_agents", getAgents(snapshot)),
  ]);
}
