/**
 * What the edge asks of the objects, and the objects of each other: the methods that are called
 * over RPC. Free of platform types, so that tests can stand in for either side.
 */
import type { CallError } from "./core/call-error.ts";
import type { Reply } from "./core/effect.ts";
import type { Input, Principal } from "./core/input.ts";
import type { DocumentPath as StateDocumentPath } from "./core/operator/documents/index.ts";
import type { OwnFacts } from "./core/operator/own/index.ts";
import type { MasterCall, RelayBatch, RelayBatchAnswer } from "./core/relay/exchange.ts";
import type { AgentId, RelayId, StreamId } from "./protocol/ids.ts";
import type * as link from "./protocol/link/messages.ts";
import type * as own from "./protocol/own/operator.ts";
import type * as agent from "./protocol/v1/agent.ts";
import type * as master from "./protocol/v1/master.ts";
import type * as scheduler from "./protocol/v1/scheduler.ts";
import type { MessageEncoding } from "./protocol/wire/encoding.ts";

/** What became of an input. FAILED: the turn met a bug; nothing of it was written or sent. */
export type Applied =
  | { readonly type: "REPLIED"; readonly reply: Reply }
  | { readonly type: "FAILED" };

/** BUSY: too many are reading just now. FAILED: it met a bug; nothing of it remains. */
export type OwnAnswer =
  | { readonly type: "ANSWERED"; readonly answer: OwnFacts }
  | { readonly type: "REFUSED"; readonly error: CallError }
  | { readonly type: "BUSY" | "FAILED" };

/** The inputs that the edge may hand in; the others arise within the objects. */
export type EdgeInput = Extract<
  Input,
  { readonly type: "SCHEDULER_CALL" | "OPERATOR_CALL" | "OWN_CALL" | "AGENT_REGISTER" }
>;

/** The JSON documents, by path. */
export type DocumentPath = StateDocumentPath | "/metrics/snapshot" | "/system/stats.json";

export interface MasterPort {
  apply(principal: Principal, input: EdgeInput): Promise<Applied>;
  /**
   * `encoding`: of the events. Answers with the open stream, or with what became of the input when
   * there is none.
   */
  subscribe(
    principal: Principal,
    call: scheduler.Call,
    encoding: MessageEncoding,
  ): Promise<Response | Applied>;
  /** The operator API's SUBSCRIBE; as `subscribe`. */
  subscribeOperator(principal: Principal, encoding: MessageEncoding): Promise<Response | Applied>;
  /** A short call of the operator API that changes nothing; undefined: it is not served. */
  read(principal: Principal, call: master.Call): Promise<master.Response | undefined>;
  /** A long one: the answer's body, made while it is read; 503: too many are being read. */
  readLong(principal: Principal, call: master.Call, encoding: MessageEncoding): Promise<Response>;
  /**
   * The document: its JSON text, or a body as of `readLong`. `query`: the request's parameters.
   */
  document(
    principal: Principal,
    path: DocumentPath,
    query: Readonly<Record<string, string>>,
  ): Promise<Response | string>;
  /** One of Rimrock's own calls that changes nothing. */
  ask(principal: Principal, call: own.Call): Promise<OwnAnswer>;
  /** How much the master logs, for a while; see GET_LOGGING_LEVEL. Undefined: done. */
  setLoggingLevel(
    principal: Principal,
    setting: { readonly level: number; readonly durationMs: number },
  ): Promise<CallError | undefined>;
  /**
   * The relay of an agent, also of an unreachable one; undefined for an agent that is not known.
   */
  relayOf(agentId: AgentId): Promise<RelayId | undefined>;
  /** The client of a framework's stream has gone; a stream that is not open changes nothing. */
  hungUp(streamId: StreamId): Promise<void>;
  /** Undefined: a turn failed on it; nothing of the batch was done. */
  relayBatch(batch: RelayBatch): Promise<RelayBatchAnswer | undefined>;
}

export type PollAnswer =
  | { readonly type: "COMMANDS"; readonly commands: readonly link.Command[] }
  | LinkRefusal;
export type LinkAnswer = { readonly type: "DONE" } | LinkRefusal;
export interface LinkRefusal {
  readonly type: "REFUSED";
  readonly code: "REGISTER_AGAIN" | "TRY_AGAIN" | "CALL_UNKNOWN";
}

/** What became of an operator's call to an agent before anything of the answer arrived. */
export type CallRefusal = "AGENT_NOT_CONNECTED" | "AGENT_LOST" | "TIMED_OUT" | "TOO_MANY_CALLS";

/**
 * On an agent's answer: `<relay>/<call>`, by which the front door of the same machine tells that
 * the client has gone.
 */
export const CALL_NAME_HEADER = "Rimrock-Call-Name";

/** An operator's call as it goes to the agent. */
export interface RelayedCall {
  readonly call: agent.Call;
  /** The operator's headers Accept and Message-Accept. */
  readonly accept?: string;
  readonly message_accept?: string;
  /** The type of the records in `body`, which the agent decodes. */
  readonly records?: string;
}

export type CallInputAnswer =
  | { readonly type: "PIECE"; readonly data: Uint8Array; readonly last: boolean }
  /** The operator has sent nothing meanwhile. */
  | { readonly type: "NOTHING" }
  | LinkRefusal;

/** How long a relay holds a poll. The agent gives up at 30 s. */
export const POLL_HOLD_MS = 25_000;

export interface RelayPort {
  /** Held until there are commands, at most `POLL_HOLD_MS`. */
  poll(relayId: RelayId, request: link.PollRequest): Promise<PollAnswer>;
  /** `bytes`: length of the report as it came. */
  report(relayId: RelayId, report: link.ReportRequest, bytes: number): Promise<LinkAnswer>;
  callReply(relayId: RelayId, reply: link.CallReply): Promise<LinkAnswer>;
  /** Held until the operator has sent something, at most `POLL_HOLD_MS`. */
  callInput(relayId: RelayId, request: link.CallInputRequest): Promise<CallInputAnswer>;
  /** The agent's own answer, streamed. `body`: what the operator streams to the agent. */
  call(
    relayId: RelayId,
    agentId: AgentId,
    call: RelayedCall,
    body?: ReadableStream<Uint8Array>,
  ): Promise<Response | CallRefusal>;
  /** The operator of a call has gone; one that is not open changes nothing. */
  callerHungUp(relayId: RelayId, callId: string): Promise<void>;
  fromMaster(call: MasterCall): Promise<void>;
}

/** An object did not answer: it restarts, it has too much to do, or the connection to it broke. */
export class ObjectUnreached extends Error {
  override readonly name = "ObjectUnreached";
}

/** The objects of one cluster, as the edge reaches them. */
export interface Cluster {
  readonly master: MasterPort;
  relay(relayId: RelayId): RelayPort;
}

/** A port as its object implements it: callers always wait, the object need not. */
export type Served<Port> = {
  [M in keyof Port]: Port[M] extends (...parameters: infer P) => Promise<infer R>
    ? (...parameters: P) => R | Promise<R>
    : never;
};
