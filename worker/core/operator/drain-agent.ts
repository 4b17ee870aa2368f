import type * as master from "../../protocol/v1/master.ts";
import type * as protobuf from "../../protocol/v1/protobuf.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { drainAgent } from "../agent/drain.ts";
import type { CallError } from "../call-error.ts";
import { machineOf } from "../maintenance/unavailability.ts";
import type { AgentRow, DrainConfig } from "../rows.ts";
import type { Turn } from "../turn.ts";
import { authorized, carryOut } from "./carry-out.ts";
import { namedAgent } from "./named-agent.ts";

interface Drain {
  readonly agent: AgentRow;
  readonly config: DrainConfig;
}

/** Draining an agent and maintenance of its machine exclude each other. */
export function drainAgentCall(turn: Turn, { drain_agent: call }: master.Call): void {
  const checked = check(turn, call ?? { agent_id: { value: "" } });
  carryOut(turn, checked, ({ agent, config }) => drainAgent(turn, agent, config));
}

function check(turn: Turn, call: master.CallDrainAgent): Result<Drain, CallError> {
  const agentId = call.agent_id.value;
  const maxGracePeriodNs = nanoseconds(call.max_grace_period);
  if (maxGracePeriodNs !== undefined && maxGracePeriodNs < 0n) {
    return err({ code: "GRACE_PERIOD_NEGATIVE", agentId });
  }
  const agent = namedAgent(turn, agentId);
  if (!agent.ok) return agent;
  if (machineOf(turn.state, agent.value) !== undefined) {
    return err({ code: "AGENT_IN_MAINTENANCE", agentId });
  }
  if (!agent.value.capabilities.includes("AGENT_DRAINING")) {
    return err({ code: "AGENT_CANNOT_DRAIN", agentId });
  }
  const config = {
    maxGracePeriodNs: maxGracePeriodNs?.toString(),
    markGone: call.mark_gone === true,
  };
  const allowed = authorized(turn, { type: "DRAIN_AGENT" }, agent.value);
  return allowed.ok ? ok({ agent: allowed.value, config }) : allowed;
}

function nanoseconds(duration: protobuf.Duration | undefined): bigint | undefined {
  if (duration === undefined) return undefined;
  return (duration.seconds ?? 0n) * 1_000_000_000n + BigInt(duration.nanos ?? 0);
}
