/** A trial as the inputs that would bring it about: it goes the way of the real thing. */
import type { StreamId } from "../../../../protocol/ids.ts";
import type * as mesos from "../../../../protocol/v1/mesos.ts";
import { agentInfo } from "../../../agent/info.ts";
import type { Input } from "../../../input.ts";
import type { AgentRow } from "../../../rows.ts";
import type { TasksWish, Trial } from "./question.ts";

/**
 * Frameworks first, so that they are there when something is to be had; quotas last, because what
 * is guaranteed may be the new agents' to give.
 */
export function* trialInputs(trial: Trial): Generator<Input> {
  for (const [nth, wish] of trial.tasks.entries()) {
    if (wish.framework === undefined) yield frameworkInput(wish, nth);
  }
  let number = 0;
  for (const { like, count } of trial.agents) {
    for (let nth = 0; nth < count; nth++) yield agentInput(like, ++number);
  }
  for (const { id } of trial.gone) {
    const agent_id = { value: id };
    const call = { type: "MARK_AGENT_GONE", mark_agent_gone: { agent_id } } as const;
    yield { type: "OPERATOR_CALL", call };
  }
  for (const { id } of trial.drained) {
    const agent_id = { value: id };
    const call = { type: "DRAIN_AGENT", drain_agent: { agent_id } } as const;
    yield { type: "OPERATOR_CALL", call };
  }
  if (trial.weights.length > 0) {
    const update_weights = { weight_infos: trial.weights };
    yield { type: "OPERATOR_CALL", call: { type: "UPDATE_WEIGHTS", update_weights } };
  }
  if (trial.priorities.length > 0) {
    const set_priorities = { priorities: trial.priorities };
    yield { type: "OWN_CALL", call: { type: "SET_PRIORITIES", set_priorities } };
  }
  if (trial.quotas.length === 0) return;
  const quota_configs = trial.quotas.map(({ role, guarantees, limits }) => ({
    role,
    guarantees: scalars(guarantees),
    limits: scalars(limits),
  }));
  // Also what the cluster cannot keep to now: that is one of the things to find out.
  const update_quota = { force: true, quota_configs };
  yield { type: "OPERATOR_CALL", call: { type: "UPDATE_QUOTA", update_quota } };
}

/** One more of the same sort, on a machine of its own. */
function agentInput(like: AgentRow, number: number): Input {
  const { id: _id, ...info } = agentInfo(like);
  const name = `what-if-${number}`;
  return {
    type: "AGENT_REGISTER",
    request: {
      protocol_version: 1,
      session_id: name,
      agent_info: { ...info, hostname: name },
      ip: like.ip,
      version: like.version,
      capabilities: like.capabilities.map((type) => ({ type })),
    },
  };
}

/** The stream of a framework that is only tried. */
export function trialStream(number: number): StreamId {
  return `what-if-${number}` as StreamId;
}

/** A framework that understands everything and has nothing yet. */
function frameworkInput({ role }: TasksWish, number: number): Input {
  const capabilities: mesos.FrameworkInfoCapabilityType[] = [
    "GPU_RESOURCES",
    "MULTI_ROLE",
    "PARTITION_AWARE",
    "REGION_AWARE",
    "RESERVATION_REFINEMENT",
    "SHARED_RESOURCES",
  ];
  const framework_info = {
    user: "what-if",
    name: `what-if-${number + 1}`,
    roles: [role],
    capabilities: capabilities.map((type) => ({ type })),
  };
  const call = { type: "SUBSCRIBE", subscribe: { framework_info } } as const;
  return { type: "SUBSCRIBE", streamId: trialStream(number), call };
}

function scalars(amounts: Readonly<Record<string, number>> = {}) {
  return Object.fromEntries(Object.entries(amounts).map(([kind, value]) => [kind, { value }]));
}
