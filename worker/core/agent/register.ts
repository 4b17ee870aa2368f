/**
 * An agent registers: for the first time, after its process restarted, or after it was unreachable.
 */

import { checkIdentifier } from "../../protocol/identifiers.ts";
import type { AgentId, SessionId } from "../../protocol/ids.ts";
import type * as link from "../../protocol/link/messages.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import { equals } from "../../resources/algebra.ts";
import { isDynamicallyReserved, isPersistentVolume } from "../../resources/conversion.ts";
import { describeResourceError, parseResources } from "../../resources/parse.ts";
import type { Resources } from "../../resources/resource.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { isAuthorized } from "../authorizer/authorizer.ts";
import type { CallError } from "../call-error.ts";
import { AGENT_INFO_LENGTH_MAX } from "../constants.ts";
import { rescindOffersOfAgent } from "../offer/offer.ts";
import { forgetRefusalsOf } from "../offer/refuse.ts";
import { operationsReturned } from "../operation/feedback.ts";
import { assignRelay, removeFromRelay } from "../relay/assign.ts";
import type { AgentRow } from "../rows.ts";
import { clusterId, countAbove, newSeq, takeNumber } from "../state.ts";
import { reply, type Turn } from "../turn.ts";
import { checkAdmission } from "./admission.ts";
import { pendingCommands } from "./commands.ts";
import { infoTexts } from "./info.ts";
import { leanAgentRow } from "./lean-row.ts";
import { newAgentNumber } from "./number.ts";
import { reconcileRuns } from "./reconcile-runs.ts";
import { outOfBounds } from "./registration-bounds.ts";
import { totalAtReturn } from "./total.ts";

export function registerAgent(turn: Turn, request: link.RegisterRequest): void {
  const checked = check(turn, request);
  if (!checked.ok) {
    reply(turn, { type: "REFUSED", error: checked.error });
    return;
  }
  countAbove(turn.state, "seq", Number(request.last_command ?? 0n));
  const agents = turn.state.tables.agent;
  const known = knownAgent(turn, request);
  const agent = agents.put(
    known === undefined
      ? newAgent(turn, request, checked.value.checkpointed ?? checked.value.configured)
      : returned(turn, known, request, totalAtReturn(known, checked.value.configured)),
  );
  if (known !== undefined) {
    const replaced = known.sessionId !== agent.sessionId || known.relayId !== agent.relayId;
    if (replaced) removeFromRelay(turn, known);
    if (agent.number !== known.number) rescindOffersOfAgent(turn, agent.id);
  }
  reply(turn, { type: "REGISTERED", agentId: agent.id, relayId: agent.relayId });
  const origin = known === undefined ? "STRANGER" : "KNOWN";
  const wasLost = known?.connection.state !== "CONNECTED";
  reconcileRuns(turn, agent, { request, origin, wasLost });
  if (known?.connection.state === "UNREACHABLE") operationsReturned(turn, agent);
  const { relayId, sessionId } = agent;
  const commands = pendingCommands(turn.state, agent.id);
  const entry = { agentId: agent.id, sessionId, commands };
  turn.effects.push({ type: "ADD_TO_RELAY", relayId, agent: entry });
}

/**
 * An agent that has no id yet may have got one: the answer to its first registration was lost, or
 * the registration came twice. A session is one life of one agent, so it tells.
 */
function knownAgent(
  turn: Turn,
  { agent_info, session_id }: link.RegisterRequest,
): AgentRow | undefined {
  if (agent_info.id !== undefined) return turn.state.tables.agent.get(agent_info.id.value);
  return turn.state.index.agentsOfSession(session_id)[0];
}

interface Checked {
  /** As the agent was started. */
  readonly configured: Resources;
  /** With what operations made of it, as far as the agent has that on disk; absent: nothing. */
  readonly checkpointed?: Resources;
}

function check(turn: Turn, request: link.RegisterRequest): Result<Checked, CallError> {
  if (!isAuthorized(turn.principal, { type: "REGISTER_AGENT" })) {
    return err({ code: "NOT_AUTHORIZED", action: "REGISTER_AGENT" });
  }
  const invalid = (field: string, message: string): Result<never, CallError> =>
    err({ code: "AGENT_INVALID", field, message });
  if (request.protocol_version !== 1) {
    return invalid("protocol_version", "only 1 is spoken here; update the agent or the master");
  }
  const { agent_info: info } = request;
  const idProblem = info.id === undefined ? undefined : checkIdentifier(info.id.value);
  if (idProblem !== undefined) return invalid("agent_info.id", idProblem);
  const sessionProblem = checkIdentifier(request.session_id);
  if (sessionProblem !== undefined) return invalid("session_id", sessionProblem);
  const beyond = outOfBounds(request);
  if (beyond !== undefined) return invalid(beyond.field, beyond.message);
  if (info.hostname === "") return invalid("agent_info.hostname", "must not be empty");
  const length = encodeJson("mesos.v1.AgentInfo", info).length;
  if (length > AGENT_INFO_LENGTH_MAX) {
    const most = `at most ${AGENT_INFO_LENGTH_MAX} are kept; use fewer attributes or ranges`;
    return invalid("agent_info", `has ${length} characters, ${most}`);
  }
  const set = (info.attributes ?? []).find(({ type }) => type === "SET");
  if (set !== undefined) {
    return invalid("agent_info.attributes", `'${set.name}' is a SET; use SCALAR, RANGES or TEXT`);
  }
  const infinite = (info.attributes ?? []).find(
    ({ scalar }) => scalar !== undefined && !Number.isFinite(scalar.value),
  );
  if (infinite !== undefined) {
    return invalid("agent_info.attributes", `'${infinite.name}' is infinite; use a number`);
  }
  const refusal = checkAdmission(turn, request);
  if (refusal !== undefined) return err(refusal);
  const total = parseResources(info.resources);
  if (!total.ok) return invalid("agent_info.resources", describeResourceError(total.error));
  const converted = total.value.find(
    (resource) => isDynamicallyReserved(resource) || isPersistentVolume(resource),
  );
  if (converted !== undefined) {
    const what = `has ${converted.name} that operations made; these belong into 'resources'`;
    return invalid("agent_info.resources", what);
  }
  if (request.resources === undefined) return ok({ configured: total.value });
  const checkpointed = parseResources(request.resources);
  if (!checkpointed.ok) return invalid("resources", describeResourceError(checkpointed.error));
  return ok({ configured: total.value, checkpointed: checkpointed.value });
}

function newAgent(turn: Turn, request: link.RegisterRequest, total: Resources): AgentRow {
  const { state, nowMs } = turn;
  const id = (request.agent_info.id?.value ?? newAgentId(turn)) as AgentId;
  const row: AgentRow = {
    seq: newSeq(state),
    id,
    number: newAgentNumber(turn),
    ...agentFacts(request, total),
    relayId: assignRelay(turn),
    registeredMs: nowMs,
    connection: { state: "CONNECTED" },
    service: { state: "ACTIVE" },
  };
  return leanAgentRow(row, state.shared);
}

function newAgentId(turn: Turn): string {
  const prefix = clusterId(turn.state);
  for (;;) {
    // Joined it is one string; put together it would be kept with its two halves beside it.
    const id = [prefix, "-S", takeNumber(turn.state, "agent")].join("");
    // An agent may have come with such an id after the master had lost its disk.
    if (!turn.state.tables.agent.has(id)) return id;
  }
}

function returned(
  turn: Turn,
  known: AgentRow,
  request: link.RegisterRequest,
  total: Resources,
): AgentRow {
  const facts = agentFacts(request, total);
  const isSame = sameOffer(known, facts);
  if (!isSame) forgetRefusalsOf(turn.state, known);
  const row: AgentRow = {
    ...known,
    ...facts,
    // What was refused of the agent as it was, was refused under its old number.
    number: isSame ? known.number : newAgentNumber(turn),
    reregisteredMs: turn.nowMs,
    connection: { state: "CONNECTED" },
  };
  return leanAgentRow(row, turn.state.shared);
}

type AgentFacts = Omit<
  AgentRow,
  "seq" | "id" | "number" | "relayId" | "registeredMs" | "reregisteredMs" | "connection" | "service"
>;

function agentFacts(request: link.RegisterRequest, total: Resources): AgentFacts {
  const { agent_info: info } = request;
  return {
    attributes: undefined,
    ...infoTexts(info),
    hostname: info.hostname,
    ip: request.ip,
    port: info.port ?? 5051,
    version: request.version,
    capabilities: [...new Set((request.capabilities ?? []).flatMap(({ type }) => type ?? []))],
    total,
    sessionId: request.session_id as SessionId,
  };
}

/** Whether offers of the agent as it was are still true of the agent as it is. */
function sameOffer(before: AgentRow, after: AgentFacts): boolean {
  const facts = ["info", "attributes", "hostname", "ip"] as const;
  return facts.every((fact) => before[fact] === after[fact]) && equals(before.total, after.total);
}
