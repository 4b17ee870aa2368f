/**
 * `/state-summary`: agents and frameworks with how many tasks they have in each state, and nothing
 * long.
 */

import type * as mesos from "../../../protocol/v1/mesos.ts";
import {
  integer,
  type JsonText,
  type Members,
  object,
  string,
  strings,
} from "../../../protocol/wire/json-document.ts";
import type { MasterState } from "../../state.ts";
import { stateToldTo } from "../../task/status.ts";
import { isRegistered } from "../get-agents.ts";
import { groupsOf, NO_HOLDINGS, type Snapshot } from "../snapshot.ts";
import { completedTasksOf } from "../task-lists.ts";
import { agentMembers } from "./agents.ts";
import { frameworkSummary } from "./frameworks.ts";
import { type LongText, listPieces, longDocument } from "./long-text.ts";

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

interface Tallies {
  readonly ofAgent: ReadonlyMap<string, Tally>;
  readonly ofFramework: ReadonlyMap<string, Tally>;
}

export function stateSummaryDocument(state: MasterState): LongText {
  const { hostname } = state.settings.address;
  return longDocument(state, (snapshot) => {
    const tallies = once(snapshot);
    return {
      hostname: string(hostname),
      slaves: () => listPieces(agentTexts(snapshot, tallies)),
      frameworks: () => listPieces(frameworkTexts(snapshot, tallies)),
    };
  });
}

type Counting = () => Generator<undefined, Tallies>;

function* agentTexts(snapshot: Snapshot, counting: Counting): Generator<JsonText | undefined> {
  const { ofAgent } = yield* groupsOf(snapshot);
  const tallies = yield* counting();
  for (const agent of snapshot.agents) {
    if (!isRegistered(agent)) {
      yield undefined;
      continue;
    }
    const tally = tallies.ofAgent.get(agent.id);
    const ids = { framework_ids: strings(tally?.others ?? []) };
    const holdings = ofAgent.get(agent.id) ?? NO_HOLDINGS;
    yield object({ ...agentMembers(agent, holdings), ...stateMembers(tally), ...ids });
  }
}

function* frameworkTexts(snapshot: Snapshot, counting: Counting): Generator<JsonText | undefined> {
  const { ofFramework } = yield* groupsOf(snapshot);
  const tallies = yield* counting();
  for (const row of snapshot.frameworks) {
    const tally = tallies.ofFramework.get(row.id);
    const ids = { slave_ids: strings(tally?.others ?? []) };
    const holdings = ofFramework.get(row.id) ?? NO_HOLDINGS;
    yield object({ ...frameworkSummary(row, holdings), ...stateMembers(tally), ...ids });
  }
}

/** Counts at the first call. */
function once(snapshot: Snapshot): Counting {
  let known: Tallies | undefined;
  return function* () {
    known ??= yield* talliesOf(snapshot);
    return known;
  };
}

/** Tasks of completed frameworks do not count. */
function* talliesOf(snapshot: Snapshot): Generator<undefined, Tallies> {
  const { ofFramework: groups } = yield* groupsOf(snapshot);
  const [ofAgent, ofFramework] = [new Map<string, Tally>(), new Map<string, Tally>()];
  const note = (frameworkId: string, agentId: string, state: mesos.TaskState): void => {
    count(ofAgent, agentId, { state, other: frameworkId });
    count(ofFramework, frameworkId, { state, other: agentId });
  };
  for (const framework of snapshot.frameworks) {
    for (const task of groups.get(framework.id)?.tasks ?? []) {
      note(framework.id, task.agentId, stateToldTo(framework, task.state));
      yield;
    }
    for (const task of completedTasksOf(snapshot, framework)) {
      note(framework.id, task.agent_id.value, task.state);
      yield;
    }
  }
  return { ofAgent, ofFramework };
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
