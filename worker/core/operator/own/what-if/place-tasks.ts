/**
 * Launching what is wished for, the way a scheduler does: from the offers it gets, as many tasks as
 * each has room for, until all run or no offer has room any more.
 */
import type { FrameworkId, StreamId } from "../../../../protocol/ids.ts";
import type * as own from "../../../../protocol/own/operator.ts";
import { renderResources } from "../../../../resources/render.ts";
import type { Resources } from "../../../../resources/resource.ts";
import { hasCapability } from "../../../framework/info.ts";
import type { FrameworkRow, OfferRow } from "../../../rows.ts";
import type { MasterState } from "../../../state.ts";
import type { Play } from "../../../what-if.ts";
import { carve } from "./carve.ts";
import type { TasksWish } from "./question.ts";
import { trialStream } from "./trial-inputs.ts";

/** What became of a wish. */
export interface Placed {
  readonly wish: TasksWish;
  readonly frameworkId: FrameworkId;
  readonly count: number;
  readonly agents: readonly own.WhatIfPlace[];
}

/** Far beyond the moment that is tried: who has what it wants is not asked again. */
const REFUSE_SECONDS = 3_600;
/** Answers to offers in a row that bring nothing: then there is no room. */
const ROUNDS_MOST = 20;

/** `number`: of the wish among all of the trial. Undefined: its framework was refused. */
export function placeTasks(
  state: MasterState,
  play: Play,
  { wish, number }: { readonly wish: TasksWish; readonly number: number },
): Placed | undefined {
  const frameworkId = wish.framework?.id ?? newFramework(state, trialStream(number));
  if (frameworkId === undefined) return undefined;
  const places = new Map<string, { agent: own.AgentName; count: number }>();
  let left = wish.count;
  for (let round = 0; round < ROUNDS_MOST && left > 0; round++) {
    const before = left;
    for (const offer of state.index.offersOfFramework(frameworkId)) {
      if (offer.role !== wish.role || left === 0) continue;
      const framework = state.tables.framework.get(frameworkId);
      if (framework === undefined) return undefined;
      const { tasks } = carve(offer.resources, wish.shape, left);
      if (tasks.length > 0) {
        const count = state.tables.task.size;
        accept(play, framework, { offer, tasks, name: `what-if-${number}-${left}` });
        // What the master refuses for a reason of its own does not run.
        const launched = state.tables.task.size - count;
        note(state, places, offer, launched);
        left -= launched;
      } else if (wish.framework === undefined) decline(play, framework, offer);
    }
    // Offers that take more than a turn to make come with the next one.
    if (state.allocation.hasWork()) play({ type: "TIMER_DUE" });
    else if (before === left) break;
  }
  return { wish, frameworkId, count: wish.count - left, agents: [...places.values()] };
}

function newFramework({ tables }: MasterState, stream: StreamId): FrameworkId | undefined {
  return tables.stream.get(stream)?.frameworkId;
}

function accept(
  play: Play,
  framework: FrameworkRow,
  {
    offer,
    tasks,
    name,
  }: { readonly offer: OfferRow; readonly tasks: readonly Resources[]; readonly name: string },
): void {
  const refined = hasCapability(framework, "RESERVATION_REFINEMENT");
  const options = { allocationRole: offer.role, refinedReservations: refined };
  const task_infos = tasks.map((resources, nth) => ({
    name: "what-if",
    task_id: { value: `${name}-${nth}` },
    agent_id: { value: offer.agentId },
    resources: renderResources(resources, options),
    command: { value: "true" },
  }));
  call(play, framework, {
    type: "ACCEPT",
    accept: {
      offer_ids: [{ value: offer.id }],
      operations: [{ type: "LAUNCH", launch: { task_infos } }],
      filters: { refuse_seconds: REFUSE_SECONDS },
    },
  });
}

function decline(play: Play, framework: FrameworkRow, offer: OfferRow): void {
  const filters = { refuse_seconds: REFUSE_SECONDS };
  call(play, framework, {
    type: "DECLINE",
    decline: { offer_ids: [{ value: offer.id }], filters },
  });
}

type Call = Parameters<Play>[0] & { readonly type: "SCHEDULER_CALL" };

function call(
  play: Play,
  { id, connection }: FrameworkRow,
  what: Omit<Call["call"], "framework_id">,
): void {
  if (connection.state !== "CONNECTED") return;
  const { streamId } = connection;
  play({ type: "SCHEDULER_CALL", streamId, call: { ...what, framework_id: { value: id } } });
}

function note(
  { tables }: MasterState,
  places: Map<string, { agent: own.AgentName; count: number }>,
  { agentId }: OfferRow,
  count: number,
): void {
  if (count === 0) return;
  const hostname = tables.agent.get(agentId)?.hostname ?? "";
  const place = places.get(agentId) ?? { agent: { id: agentId, hostname }, count: 0 };
  place.count += count;
  places.set(agentId, place);
}
