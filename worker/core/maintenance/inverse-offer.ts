/**
 * Inverse offers (http-semantics 13.2): frameworks that hold something of an agent whose machine is
 * to go are asked to give it back, and asked again when the filter of their answer ends. Nothing is
 * enforced: the operator sees the answers and decides.
 *
 * 1. At most one is outstanding per framework and agent, with a framework that is connected.
 * 2. They follow the Changes of a turn, as offers do: there is no tick.
 */
import type { OfferId } from "../../protocol/ids.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { refuseMs } from "../offer/filter.ts";
import { holdsResources } from "../operator/holdings.ts";
import type {
  AgentRow,
  FrameworkRow,
  InverseAnswerRow,
  InverseOfferRow,
  MachineRow,
} from "../rows.ts";
import { clusterId, newSeq, takeNumber } from "../state.ts";
import { inverseKey } from "../tables.ts";
import { sendEvent, type Turn } from "../turn.ts";
import { concernedBy } from "./concerned.ts";
import { machineOf, unavailabilityMessage } from "./unavailability.ts";

interface InverseAnswer {
  readonly status: InverseAnswerRow["status"];
  readonly ids: readonly mesos.OfferID[];
  readonly filters: mesos.Filters | undefined;
}

/** ACCEPT_INVERSE_OFFERS and DECLINE_INVERSE_OFFERS. Unknown and foreign ids are ignored. */
export function answerInverseOffers(
  turn: Turn,
  framework: FrameworkRow,
  { status, ids, filters }: InverseAnswer,
): void {
  const { inverseOffer, inverseAnswer } = turn.state.tables;
  for (const { value: id } of ids) {
    const offer = inverseOffer.get(id);
    if (offer === undefined || offer.frameworkId !== framework.id) continue;
    inverseOffer.delete(id);
    const { frameworkId, agentId } = offer;
    const known = inverseAnswer.get(inverseKey(frameworkId, agentId));
    inverseAnswer.put({
      seq: known?.seq ?? newSeq(turn.state),
      frameworkId,
      agentId,
      status,
      answeredMs: turn.nowMs,
      askAgainMs: turn.nowMs + refuseMs(filters),
    });
  }
}

/** The time of its filter is over: whether it is asked again is seen at the end of the turn. */
export function inverseFilterEnded(turn: Turn, answer: InverseAnswerRow): void {
  turn.state.tables.inverseAnswer.put({ ...answer, askAgainMs: undefined });
}

/** The agent's unavailability has changed: what was asked and answered is void. */
export function forgetInverseOffers(turn: Turn, agentId: string): void {
  rescindInverseOffers(turn, agentId);
  const { index, tables } = turn.state;
  for (const { frameworkId } of index.inverseAnswersOfAgent(agentId)) {
    tables.inverseAnswer.delete(inverseKey(frameworkId, agentId));
  }
}

/** At the end of a turn: withdraws what has lost its reason, and asks who has to be asked now. */
export function settleInverseOffers(turn: Turn): void {
  const { tables } = turn.state;
  const { machine, inverseOffer, inverseAnswer } = tables;
  if (machine.size + inverseOffer.size + inverseAnswer.size === 0) return;
  const { agentIds, removedFrameworks, newStreams } = concernedBy(turn.state);
  for (const id of removedFrameworks) forgetFramework(turn, id);
  for (const id of newStreams) withdrawInverseOffers(turn, id);
  const asked = new Map<string, mesos.InverseOffer[]>();
  for (const id of agentIds) {
    const agent = tables.agent.get(id);
    if (agent === undefined) forgetInverseOffers(turn, id);
    else if (agent.connection.state !== "CONNECTED") rescindInverseOffers(turn, id);
    else askHolders(turn, agent, asked);
  }
  for (const [id, inverse_offers] of asked) {
    const framework = tables.framework.get(id);
    if (framework === undefined) continue;
    sendEvent(turn, framework, { type: "INVERSE_OFFERS", inverse_offers: { inverse_offers } });
  }
}

function askHolders(turn: Turn, agent: AgentRow, asked: Map<string, mesos.InverseOffer[]>): void {
  const machine = machineOf(turn.state, agent);
  if (machine?.mode !== "DRAINING") {
    // An agent may come back with another name: then the schedule does not speak of it any more.
    rescindInverseOffers(turn, agent.id);
    return;
  }
  const { index, tables } = turn.state;
  const outstanding = index.inverseOffersOfAgent(agent.id);
  for (const frameworkId of holdersOf(turn, agent)) {
    const framework = tables.framework.get(frameworkId);
    if (framework?.connection.state !== "CONNECTED") continue;
    if (outstanding.some((offer) => offer.frameworkId === frameworkId)) continue;
    const answer = tables.inverseAnswer.get(inverseKey(frameworkId, agent.id));
    if (answer?.askAgainMs !== undefined) continue;
    const offers = asked.get(frameworkId) ?? [];
    offers.push(makeInverseOffer(turn, framework, agent, machine));
    asked.set(frameworkId, offers);
  }
}

/** Frameworks with tasks or executors on the agent, or offers of it. */
function holdersOf({ state }: Turn, { id }: AgentRow): ReadonlySet<FrameworkRow["id"]> {
  const holders = new Set<FrameworkRow["id"]>();
  for (const task of state.index.tasksOfAgent(id)) {
    if (holdsResources(task)) holders.add(task.frameworkId);
  }
  for (const { frameworkId } of state.index.executorsOfAgent(id)) holders.add(frameworkId);
  for (const { frameworkId } of state.index.offersOfAgent(id)) holders.add(frameworkId);
  return holders;
}

function makeInverseOffer(
  turn: Turn,
  framework: FrameworkRow,
  agent: AgentRow,
  machine: MachineRow,
): mesos.InverseOffer {
  const { state, nowMs } = turn;
  const row: InverseOfferRow = state.tables.inverseOffer.put({
    seq: newSeq(state),
    id: `${clusterId(state)}-O${takeNumber(state, "offer")}` as OfferId,
    frameworkId: framework.id,
    agentId: agent.id,
    createdMs: nowMs,
  });
  const { hostname, ip, port } = agent;
  return {
    id: { value: row.id },
    url: { scheme: "http", address: { hostname, ip, port }, path: "/slave(1)" },
    framework_id: { value: row.frameworkId },
    agent_id: { value: row.agentId },
    unavailability: unavailabilityMessage(machine),
  };
}

function rescindInverseOffers(turn: Turn, agentId: string): void {
  const { index, tables } = turn.state;
  for (const { id, frameworkId } of index.inverseOffersOfAgent(agentId)) {
    tables.inverseOffer.delete(id);
    const framework = tables.framework.get(frameworkId);
    if (framework === undefined) continue;
    const rescind_inverse_offer = { inverse_offer_id: { value: id } };
    sendEvent(turn, framework, { type: "RESCIND_INVERSE_OFFER", rescind_inverse_offer });
  }
}

/** Without a word: they ended with the stream they were sent on. */
function withdrawInverseOffers(turn: Turn, frameworkId: string): void {
  for (const { id } of turn.state.index.inverseOffersOfFramework(frameworkId)) {
    turn.state.tables.inverseOffer.delete(id);
  }
}

function forgetFramework(turn: Turn, frameworkId: string): void {
  withdrawInverseOffers(turn, frameworkId);
  for (const { agentId } of turn.state.index.inverseAnswersOfFramework(frameworkId)) {
    turn.state.tables.inverseAnswer.delete(inverseKey(frameworkId, agentId));
  }
}
