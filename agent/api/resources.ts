/** What this agent has, and how much of it is taken. */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { add } from "../../worker/resources/algebra.ts";
import { parseResources } from "../../worker/resources/parse.ts";
import type { Resources } from "../../worker/resources/resource.ts";
import { assert } from "../../worker/std/assert.ts";
import { totalResources } from "../core/operations.ts";
import { isLive } from "../core/runs.ts";
import type { AgentState } from "../core/state.ts";
import { decodeStored } from "../core/stored.ts";

export function total(state: AgentState): Resources {
  return parsed(totalResources(state) ?? state.facts.agentInfo.resources);
}

/** Of tasks that have not ended, and of the executors of task groups. */
export function allocated(state: AgentState): Resources {
  let sum: Resources = [];
  for (const run of state.run.values()) {
    if (!isLive(run)) continue;
    sum = add(sum, parsed(decodeStored("mesos.v1.TaskInfo", run.info).resources));
  }
  for (const { info, stage } of state.executor.values()) {
    if (stage !== "RUNNING") continue;
    sum = add(sum, parsed(decodeStored("mesos.v1.ExecutorInfo", info).resources));
  }
  return sum;
}

function parsed(resources: readonly mesos.Resource[] | undefined): Resources {
  const result = parseResources(resources ?? []);
  assert(result.ok, "the agent's own resources are well formed");
  return result.value;
}
