import type * as master from "../../protocol/v1/master.ts";
import type { MasterState } from "../state.ts";
import { getAgents } from "./get-agents.ts";
import { getExecutors } from "./get-executors.ts";
import { getFrameworks } from "./get-frameworks.ts";
import { getTasks } from "./get-tasks.ts";

/** Tasks, executors, frameworks and agents of one moment. */
export function getState(state: MasterState): master.Response {
  return {
    type: "GET_STATE",
    get_state: {
      get_tasks: getTasks(state).get_tasks,
      get_executors: getExecutors().get_executors,
      get_frameworks: getFrameworks(state).get_frameworks,
      get_agents: getAgents(state).get_agents,
    },
  };
}
