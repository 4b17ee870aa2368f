/**
 * WHY: which agents could serve whom, which not, and the reason of each.
 *
 * Asked of the state as it is while the answer is made: a large one takes a few turns of others.
 * Looks at no more than `PAIRS_MAX` pairs of client and agent; who is not looked at is counted.
 */
import type * as own from "../../../../protocol/own/operator.ts";
import { formatResources } from "../../../../resources/text.ts";
import { ok } from "../../../../std/result.ts";
import type { Client } from "../../../allocator/policy.ts";
import { unavailabilityOf } from "../../../maintenance/unavailability.ts";
import type { AgentRow } from "../../../rows.ts";
import type { MasterState } from "../../../state.ts";
import type { OwnReading } from "../index.ts";
import {
  type AgentScene,
  ANYBODY,
  type Asker,
  agentScene,
  explain,
  type Scene,
} from "./explain.ts";
import type { Explained, Problem } from "./finding.ts";
import { Groups } from "./groups.ts";
import { namer } from "./namer.ts";
import { questionOf } from "./question.ts";
import { Standings } from "./standings.ts";

const PAIRS_MAX = 100_000;
const STANDINGS_MAX = 50;

export interface WhyFacts extends own.WhyAnswer {
  readonly standings: readonly StandingFacts[];
  readonly groups: readonly Explained[];
}

interface StandingFacts extends own.WhyStanding {
  readonly problem?: Problem & Pick<Explained, "agent_count" | "client_count">;
}

export function* why(state: MasterState, nowMs: number, call: own.Call): OwnReading {
  const question = yield* questionOf(state, nowMs, call.why ?? {});
  if (!question.ok) return question;
  const { askers, agent, isOfOne } = question.value;
  const standings = yield* Standings.read(state);
  const scene: Scene = { state, nowMs, standings, nameOf: namer(state) };
  const agents = agent === undefined ? state.tables.agent.rows() : [agent];
  const examined = askers.slice(0, Math.max(1, Math.floor(PAIRS_MAX / Math.max(1, agents.length))));
  const groups = yield* grouped(scene, examined, { agents, isOfOne });
  const answer: WhyFacts = {
    policy: state.tables.cluster.get("cluster")?.policy ?? "",
    agents: agents.length,
    clients: askers.length,
    clients_examined: examined.length,
    standings: askers
      .filter(({ framework }) => framework.id !== ANYBODY)
      .slice(0, STANDINGS_MAX)
      .map((asker) => standingOf(scene, asker)),
    groups: groups.list(),
    groups_left_out: groups.leftOut === 0 ? undefined : groups.leftOut,
    agent: agent && agentFacts(scene, agentScene(scene, agent)),
    master_up_seconds: Math.max(0, nowMs - state.startedMs) / 1_000,
  };
  return ok({ why: answer });
}

/** Every client on every agent; who wants nothing at all is looked at only when asked about. */
function* grouped(
  scene: Scene,
  askers: readonly Asker[],
  { agents, isOfOne }: { readonly agents: readonly AgentRow[]; readonly isOfOne: boolean },
): Generator<undefined, Groups> {
  const groups = new Groups(scene.nameOf);
  const wanting = askers.filter(({ problem }) => isOfOne || problem === undefined);
  for (const asker of askers) {
    if (asker.problem !== undefined && !isOfOne) groups.add(asker.problem, undefined, idOf(asker));
  }
  if (wanting.length === 0) return groups;
  for (const { id } of agents) {
    // As it is by now: others have had their turns since the list was taken.
    const agent = scene.state.tables.agent.get(id);
    if (agent === undefined) continue;
    const place = agentScene(scene, agent);
    for (const asker of wanting) {
      groups.add(explain(scene, asker, place), { id, hostname: agent.hostname }, idOf(asker));
      yield;
    }
  }
  return groups;
}

function standingOf(scene: Scene, asker: Asker): StandingFacts {
  const { state, nowMs, standings } = scene;
  const { framework, role, problem } = asker;
  const client = idOf(asker);
  const { share, roleShare } = standings.sharesOf(client);
  const { weight, priority } = standings.settingsOf(role);
  const lastMs = state.lastOffers.lastMs(framework.id, role);
  return {
    client: scene.nameOf(client),
    share,
    role_share: roleShare,
    role_weight: weight,
    role_priority: priority,
    outstanding_offers: standings.outstandingOffers(client),
    last_offer_seconds: lastMs === undefined ? undefined : Math.max(0, nowMs - lastMs) / 1_000,
    problem: problem && { ...problem, agent_count: 0, client_count: 1 },
  };
}

function agentFacts({ state, nowMs }: Scene, { agent, free }: AgentScene): own.WhyAgent {
  const start = unavailabilityOf(state, agent)?.start;
  const startMs = start === undefined ? undefined : Number(start.nanoseconds / 1_000_000n);
  return {
    name: { id: agent.id, hostname: agent.hostname },
    total: formatResources(agent.total),
    free: formatResources(free ?? []),
    unavailable_in_seconds: startMs === undefined ? undefined : (startMs - nowMs) / 1_000,
  };
}

function idOf({ framework, role }: Asker): Client {
  return { frameworkId: framework.id, role };
}
