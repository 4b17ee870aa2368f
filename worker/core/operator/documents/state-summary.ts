/**
 * `/state-summary`: agents and frameworks with how many tasks they have in each state, and nothing
 * long.
 */

import type * as mesos from "../../../protocol/v1/mesos.ts";
import type { MasterState } from "../../state.ts";
import { registeredAgents } from "../get-agents.ts";
import { allTasks } from "../task-lists.ts";
import { agentMembers, type Members } from "./agents.ts";
import { frameworkSummary } from "./frameworks.ts";
import { integer, list, object, string, strings } from "./json-text.ts";

/** Those that Mesos shows, in its order. */
const STATES_SHOWN: readonly mesos.TaskState[] = [
  "TASK_STAGING",
  "TASK_STARTING",
  "TASK_RUNNING",
  "TASK_KILLING",
  "TASK_FINISHED",
  "TASK_KILLED",
  "TASK_FAILED",
  "TASK_LOST",
  "TASK_ERROR",
  "TASK_UNREACHABLE",
];

/** The tasks of one agent or framework. */
interface Tally {
  readonly states: Map<mesos.TaskState, number>;
  /** The frameworks that an agent has tasks of, or the agents that a framework has tasks on. */
  readonly others: Set<string>;
}

export function stateSummaryDocument(state: MasterState): string {
  const { agents, frameworks } = tallies(state);
  const slaves = registeredAgents(state).map((agent) => {
    const tally = agents.get(agent.id);
    const ids = { framework_ids: strings(tally?.others ?? []) };
    return object({ ...agentMembers(state, agent), ...stateMembers(tally), ...ids });
  });
  const rows = [...state.tables.framework.values()].map((row) => {
    const tally = frameworks.get(row.id);
    const ids = { slave_ids: strings(tally?.others ?? []) };
    return object({ ...frameworkSummary(state, row), ...stateMembers(tally), ...ids });
  });
  const { hostname } = state.settings.address;
  return object({ hostname: string(hostname), slaves: list(slaves), frameworks: list(rows) });
}

/** Tasks of completed frameworks do not count. */
function tallies(state: MasterState): {
  readonly agents: ReadonlyMap<string, Tally>;
  readonly frameworks: ReadonlyMap<string, Tally>;
} {
  const agents = new Map<string, Tally>();
  const frameworks = new Map<string, Tally>();
  const { tasks, unreachable, completed } = allTasks(state);
  for (const task of [...tasks, ...unreachable, ...completed]) {
    const frameworkId = task.framework_id.value;
    const agentId = task.agent_id.value;
    if (!state.tables.framework.has(frameworkId)) continue;
    count(agents, agentId, { state: task.state, other: frameworkId });
    count(frameworks, frameworkId, { state: task.state, other: agentId });
  }
  return { agents, frameworks };
}

function count(
  tallies: Map<string, Tally>,
  id: string,
  { state, other }: { readonly state: mesos.TaskState; readonly other: string },
): void {
  const tally = tallies.get(id) ?? { states: new Map(), others: new Set() };
  tallies.set(id, tally);
  tally.states.set(state, (tally.states.get(state) ?? 0) + 1);
  tally.others.add(other);
}

function stateMembers(tally: Tally | undefined): Members {
  const entries = STATES_SHOWN.map((state) => [state, integer(tally?.states.get(state) ?? 0)]);
  return Object.fromEntries(entries);
}
