/** Whom the cluster does not take, or not take back (http-semantics 10.1). */
import type * as link from "../../protocol/link/messages.ts";
import type { CallError } from "../call-error.ts";
import { machineOf } from "../maintenance/unavailability.ts";
import type { Turn } from "../turn.ts";

/** Undefined: the agent may register, as far as operators are concerned. */
export function checkAdmission(
  { state }: Turn,
  { agent_info: { id, hostname }, ip }: link.RegisterRequest,
): CallError | undefined {
  const agentId = id?.value ?? "";
  if (state.tables.goneAgent.has(agentId)) return { code: "AGENT_GONE", agentId };
  const machine = machineOf(state, { hostname, ip });
  if (machine?.mode === "DOWN") return { code: "AGENT_MACHINE_DOWN", hostname, ip };
  const known = state.tables.agent.get(agentId);
  if (known === undefined || (known.hostname === hostname && known.ip === ip)) return undefined;
  const message =
    `is that of an agent on ${known.hostname} (${known.ip}), but this one is on ${hostname} ` +
    `(${ip}); an agent that moved starts anew, with an empty work directory`;
  return { code: "AGENT_INVALID", field: "agent_info.id", message };
}
