/** What the agent tells the master when it registers, and what it does with the answer. */
import type { AgentId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { abandon } from "./commands.ts";
import { forgetExecutors, runningExecutors } from "./executors.ts";
import { totalResources } from "./operations.ts";
import type { RunRow } from "./rows.ts";
import { busyFrameworks, isAbandoned } from "./runs.ts";
import { type AgentState, newSeq, type StepContext } from "./state.ts";
import { decodeStored } from "./stored.ts";
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
    forgetExecutors(state);
    for (const framework of [...state.framework.values()]) state.framework.delete(framework.id);
    state.drain.delete("drain");
    state.agent.put({ ...row, id: agentId, lastCommand: "0" });
  }
  state.link = { state: "IDLE" };
  state.reportFailures = 0;
  resumeUpdates(state, context);
}

function taskOf(run: RunRow): mesos.Task {
  const info = decodeStored("mesos.v1.TaskInfo", run.info);
  const status =
    run.status === undefined ? undefined : decodeStored("mesos.v1.TaskStatus", run.status);
  const { name, task_id, agent_id, resources, labels, discovery, container, limits } = info;
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
  };
}

/** Without the members that are undefined: unset is absent. */
function defined<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
    // `fromEntries` forgets the keys; these are the members of T that are there.
  ) as { [K in keyof T]: Exclude<T[K], undefined> };
}
