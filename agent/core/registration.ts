/** What the agent tells the master when it registers, and what it does with the answer. */
import type { AgentId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import { abandon } from "./commands.ts";
import { forgetExecutors, runningExecutors } from "./executors.ts";
import { totalResources } from "./operations.ts";
import { busyFrameworks, isAbandoned } from "./runs.ts";
import { type AgentState, newSeq, type StepContext } from "./state.ts";
import { decodeStored } from "./stored.ts";
import { taskOf } from "./task.ts";
import { dropUpdates, resumeUpdates } from "./updates.ts";

/** Version of the link's messages that this agent speaks. */
export const LINK_PROTOCOL_VERSION = 1;

/** As things stand now: made afresh for each attempt. */
export function registerRequest(state: AgentState): link.RegisterRequest {
  const { facts } = state;
  const agentId = state.agent.get("agent")?.id;
  const runs = [...state.run.values()].filter((run) => !isAbandoned(run));
  const executors = runningExecutors(state);
  const busy = busyFrameworks(state);
  const resources = totalResources(state);
  const frameworks = [...state.framework.values()].filter((framework) => busy.has(framework.id));
  return {
    protocol_version: LINK_PROTOCOL_VERSION,
    session_id: facts.sessionId,
    last_command: BigInt(state.agent.get("agent")?.lastCommand ?? "0"),
    agent_info:
      agentId === undefined ? facts.agentInfo : { ...facts.agentInfo, id: { value: agentId } },
    ip: facts.ip,
    version: facts.version,
    ...(resources === undefined ? {} : { resources }),
    executors,
    capabilities: facts.capabilities.map((type) => ({ type })),
    tasks: runs.map((run) => ({ task: taskOf(run), run_number: BigInt(run.runNumber) })),
    frameworks: frameworks.map(({ info }) => decodeStored("mesos.v1.FrameworkInfo", info)),
  };
}

export function registered(state: AgentState, context: StepContext, agentId: AgentId): void {
  const row = state.agent.get("agent");
  if (row === undefined) {
    state.agent.put({ seq: newSeq(state), id: agentId, lastCommand: "0" });
  } else if (row.id !== agentId) {
    // Another cluster, or one that has forgotten everything: nobody there knows these runs or
    // numbers.
    abandon(state, context, () => true);
    dropUpdates(state, () => true);
    forgetExecutors(state, context);
    for (const framework of [...state.framework.values()]) state.framework.delete(framework.id);
    state.drain.delete("drain");
    state.agent.put({ ...row, id: agentId, lastCommand: "0" });
  }
  state.link = { state: "IDLE" };
  state.reportFailures = 0;
  resumeUpdates(state, context);
}
