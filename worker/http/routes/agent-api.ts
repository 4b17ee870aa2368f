/**
 * `POST /agent/<agent_id>/api/v1`: an agent's own operator API, reached through its relay, because
 * nobody can dial an agent. The answer is the agent's, streamed as it comes; so is the body of
 * ATTACH_CONTAINER_INPUT, a stream of records that the agent takes apart.
 */
import type { RelayedCall } from "../../ports.ts";
import type { AgentId } from "../../protocol/ids.ts";
import { contentType } from "../../protocol/negotiation.ts";
import type * as agent from "../../protocol/v1/agent.ts";
import { readMessage } from "../body.ts";
import type { EdgeContext } from "../context.ts";
import {
  agentCallFailed,
  agentNotFound,
  badBody,
  badNegotiation,
  callNotServed,
  invalidAgentCall,
  methodNotAllowed,
} from "../respond.ts";
import { linkTypes } from "../served-types.ts";

/** The calls that agents answer over the link, and the sub-message each needs. */
const linked: { readonly [T in agent.CallType]?: keyof agent.Call } = {
  GET_AGENT: "type",
  GET_CONTAINERS: "type",
  GET_EXECUTORS: "type",
  GET_FLAGS: "type",
  GET_FRAMEWORKS: "type",
  GET_HEALTH: "type",
  GET_LOGGING_LEVEL: "type",
  GET_METRICS: "get_metrics",
  GET_OPERATIONS: "type",
  GET_RESOURCE_PROVIDERS: "type",
  GET_STATE: "type",
  GET_TASKS: "type",
  GET_VERSION: "type",
  ATTACH_CONTAINER_INPUT: "type",
  ATTACH_CONTAINER_OUTPUT: "attach_container_output",
  KILL_CONTAINER: "kill_container",
  KILL_NESTED_CONTAINER: "kill_nested_container",
  LAUNCH_CONTAINER: "launch_container",
  LAUNCH_NESTED_CONTAINER: "launch_nested_container",
  LAUNCH_NESTED_CONTAINER_SESSION: "launch_nested_container_session",
  PRUNE_IMAGES: "type",
  REMOVE_CONTAINER: "remove_container",
  REMOVE_NESTED_CONTAINER: "remove_nested_container",
  WAIT_CONTAINER: "wait_container",
  WAIT_NESTED_CONTAINER: "wait_nested_container",
  LIST_FILES: "list_files",
  READ_FILE: "read_file",
  SET_LOGGING_LEVEL: "set_logging_level",
};

export async function agentApiRoute(context: EdgeContext): Promise<Response> {
  const request = context.req.raw;
  if (request.method !== "POST") return methodNotAllowed(request.method, "POST");
  const negotiation = negotiationOf(request.headers);
  if (request.headers.get("Content-Type") === "application/recordio") {
    // With a wrong type of the records, or none, the agent refuses it.
    const records = request.headers.get("Message-Content-Type") ?? "";
    const call = { call: { type: "ATTACH_CONTAINER_INPUT" }, ...negotiation, records } as const;
    return await relayed(context, call, request.body ?? new Blob([]).stream());
  }
  const type = contentType(request.headers.get("Content-Type"), linkTypes);
  if (!type.ok) return badNegotiation(type.error);
  const body = await readMessage(request, "mesos.v1.agent.Call", type.value);
  if (!body.ok) return badBody(body.error);
  const { message: call } = body.value;
  if (call.type === undefined) return invalidAgentCall({ code: "FIELD_MISSING", field: "type" });
  const field = linked[call.type];
  if (field === undefined) return callNotServed(call.type);
  if (call[field] === undefined) return invalidAgentCall({ code: "FIELD_MISSING", field });
  return await relayed(context, { call, ...negotiation });
}

async function relayed(
  context: EdgeContext,
  call: RelayedCall,
  body?: ReadableStream<Uint8Array>,
): Promise<Response> {
  // An id as the client wrote it; the master finds an agent by it, or none.
  const agentId = (context.req.param("agent") ?? "") as AgentId;
  const { master, relay } = context.get("cluster");
  const relayId = await master.relayOf(agentId);
  if (relayId === undefined) return agentNotFound(agentId);
  const answer = await relay(relayId).call(relayId, agentId, call, body);
  return answer instanceof Response ? answer : agentCallFailed(agentId, answer);
}

/** What the agent makes its answer by. */
function negotiationOf(headers: Headers): Pick<RelayedCall, "accept" | "message_accept"> {
  const accept = headers.get("Accept");
  const messageAccept = headers.get("Message-Accept");
  return {
    ...(accept !== null && { accept }),
    ...(messageAccept !== null && { message_accept: messageAccept }),
  };
}
