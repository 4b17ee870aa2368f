/** What keeps the rest of the tasks from running, as things stand in the trial. */
import { add } from "../../../../resources/algebra.ts";
import { notShared } from "../../../../resources/shared.ts";
import { defined } from "../../../../std/assert.ts";
import type { AgentRow } from "../../../rows.ts";
import type { MasterState } from "../../../state.ts";
import { agentScene, explain, type Scene } from "../why/explain.ts";
import type { Explained, Finding } from "../why/finding.ts";
import { Groups } from "../why/groups.ts";
import { namer } from "../why/namer.ts";
import { problemOf } from "../why/question.ts";
import { Standings } from "../why/standings.ts";
import { carve } from "./carve.ts";
import type { Placed } from "./place-tasks.ts";

/** Agents looked at for all wishes together: a trial is made in one turn. */
const AGENTS_MOST = 500;

export interface Unplaced {
  readonly groups: readonly Explained[];
  /** How many more would run if what others have been offered came back. */
  readonly ifDeclined: number;
}

/** Of each of them, in their order. */
export function unplaced(
  state: MasterState,
  nowMs: number,
  all: readonly Placed[],
): readonly Unplaced[] {
  const lacking = all.filter(({ wish, count }) => count < wish.count);
  const none = { groups: [], ifDeclined: 0 };
  if (lacking.length === 0) return all.map(() => none);
  const standings = atOnce(Standings.read(state));
  const scene: Scene = { state, nowMs, standings, nameOf: namer(state) };
  const agents = state.tables.agent.rows().slice(0, Math.ceil(AGENTS_MOST / lacking.length));
  return all.map((placed) => (lacking.includes(placed) ? lack(scene, placed, agents) : none));
}

function lack(
  scene: Scene,
  { frameworkId, wish, count }: Placed,
  agents: readonly AgentRow[],
): Unplaced {
  const { state, nowMs, nameOf } = scene;
  const { role, shape } = wish;
  const framework = defined(state.tables.framework.get(frameworkId), "who wants tasks is there");
  const wishing = { ...framework, offerMinimums: [{ role, anyOf: [shape] }] };
  const problem = problemOf(framework, role, nowMs);
  const asker = { framework: wishing, role, problem };
  const missing = wish.count - count;
  const groups = new Groups(nameOf);
  const client = { frameworkId, role };
  if (problem !== undefined) {
    groups.add(problem, undefined, client);
    return { groups: groups.list(), ifDeclined: 0 };
  }
  let ifDeclined = 0;
  for (const agent of agents) {
    const finding = explain(scene, asker, agentScene(scene, agent));
    const { id, hostname } = agent;
    groups.add(finding, { id, hostname }, client);
    if (!isOffered(finding)) continue;
    const room = withOffers(state, agent);
    ifDeclined += carve(room, shape, missing - ifDeclined).tasks.length;
  }
  return { groups: groups.list(), ifDeclined };
}

function isOffered({ reason }: Finding): boolean {
  switch (reason) {
    case "LOWER_SHARE":
    case "EQUAL_SHARE":
    case "HIGHER_PRIORITY":
    case "CAME_LATER":
    case "DRAWN":
    case "OFFERED_TO_OTHER":
      return true;
    default:
      return false;
  }
}

/** What is free of the agent, and what is in offers. */
function withOffers({ allocation, index }: MasterState, agent: AgentRow) {
  const offers = index.offersOfAgent(agent.id);
  const free = allocation.free(agent) ?? [];
  return offers.reduce((sum, { resources }) => add(sum, notShared(resources)), free);
}

function atOnce<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}
