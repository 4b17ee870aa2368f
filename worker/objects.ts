/** The objects of a cluster as ports: how they are named, and what their stubs can do. */
import type { Principal } from "./core/input.ts";
import type { Env } from "./env.ts";
import {
  type Applied,
  type CallRefusal,
  type Cluster,
  type DocumentPath,
  type MasterPort,
  ObjectUnreached,
  type RelayPort,
} from "./ports.ts";
import type { AgentId, RelayId } from "./protocol/ids.ts";
import type { MessageEncoding } from "./protocol/wire/encoding.ts";
import { encodeJson } from "./protocol/wire/json.ts";

/** Names of relays come from requests: an unbounded map would be somebody's to fill. */
const NAMES_KEPT = 1_000;

/** One cluster per deployment so far. */
const CLUSTER_NAME = "default";

/**
 * The objects implement their ports (`implements Served<...>`); the platform's own type for a stub
 * cannot express messages that may contain themselves, as a ContainerID does.
 */
function stub<Port>(namespace: DurableObjectNamespace, name: string): Port & Fetcher {
  return namespace.get(idOf(namespace, name)) as unknown as Port & Fetcher;
}

const ids = new WeakMap<DurableObjectNamespace, Map<string, DurableObjectId>>();

/** Deriving an id from a name costs more than a call; relays are few. */
function idOf(namespace: DurableObjectNamespace, name: string): DurableObjectId {
  const known = ids.get(namespace) ?? new Map<string, DurableObjectId>();
  ids.set(namespace, known);
  const id = known.get(name) ?? namespace.idFromName(name);
  if (known.size < NAMES_KEPT) known.set(name, id);
  return id;
}

/** A stub breaks with its first failed call, so each use makes its own. */
export function masterStub(env: Env): Omit<MasterPort, StreamedMethod> & Fetcher {
  return stub(env.MASTER, CLUSTER_NAME);
}

export function relayStub(env: Env, relayId: RelayId): Omit<RelayPort, "call"> & Fetcher {
  return stub(env.RELAY, `${CLUSTER_NAME}/${relayId}`);
}

export function clusterOf(env: Env): Cluster {
  return { master: masterPort(env), relay: (relayId) => relayPort(env, relayId) };
}

function masterPort(env: Env): MasterPort {
  const reached = <T>(use: (master: ReturnType<typeof masterStub>) => Promise<T>): Promise<T> =>
    reach("master", () => use(masterStub(env)));
  return {
    apply: (principal, input) => reached((master) => master.apply(principal, input)),
    read: (principal, type) => reached((master) => master.read(principal, type)),
    ask: (...asked) => reached((master) => master.ask(...asked)),
    readLong: (principal, call, encoding) =>
      reached((master) => {
        const text = encodeJson("mesos.v1.master.Call", call);
        return post(master, { type: "READ", principal, call: text, encoding });
      }),
    document: (principal, path, query) =>
      reached(async (master) => {
        const response = await post(master, { type: "DOCUMENT", principal, path, query });
        return response.headers.has(WHOLE_HEADER) ? await response.text() : response;
      }),
    setLoggingLevel: (...asked) => reached((master) => master.setLoggingLevel(...asked)),
    hungUp: (streamId) => reached((master) => master.hungUp(streamId)),
    relayOf: (agentId) => reached((master) => master.relayOf(agentId)),
    relayBatch: (batch) => reached((master) => master.relayBatch(batch)),
    subscribe: (principal, call, encoding) =>
      reached(async (master) => {
        const text = encodeJson("mesos.v1.scheduler.Call", call);
        return streamOf(await post(master, { type: "SUBSCRIBE", principal, call: text, encoding }));
      }),
    subscribeOperator: (principal, encoding) =>
      reached(async (master) =>
        streamOf(await post(master, { type: "OPERATOR_SUBSCRIBE", principal, encoding })),
      ),
  };
}

function relayPort(env: Env, relayId: RelayId): RelayPort {
  const reached = <T>(use: (relay: ReturnType<typeof relayStub>) => Promise<T>): Promise<T> =>
    reach(relayId, () => use(relayStub(env, relayId)));
  return {
    poll: (...asked) => reached((relay) => relay.poll(...asked)),
    report: (...asked) => reached((relay) => relay.report(...asked)),
    callReply: (...asked) => reached((relay) => relay.callReply(...asked)),
    fromMaster: (call) => reached((relay) => relay.fromMaster(call)),
    callInput: (...asked) => reached((relay) => relay.callInput(...asked)),
    callerHungUp: (...asked) => reached((relay) => relay.callerHungUp(...asked)),
    call: (id, agentId, call, body) =>
      reached(async (relay) => {
        const text = encodeJson("rimrock.link.Command.Call", { ...call, call_id: "" });
        const response = await relay.fetch("https://object/", callRequest(id, agentId, text, body));
        const refusal = response.headers.get(CALL_REFUSAL_HEADER);
        // The relay object sets it, to one of these.
        return refusal === null ? response : (refusal as CallRefusal);
      }),
  };
}

/**
 * A call that throws did not reach its object, or its answer did not reach us: objects answer
 * mistakes with values.
 */
async function reach<T>(name: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw new ObjectUnreached(`${name}: ${String(error)}`, { cause: error });
  }
}

/** On the answer of a relay object's `fetch`: nothing came from the agent, and why. */
export const CALL_REFUSAL_HEADER = "Rimrock-Call-Refusal";

/** Methods that answer with a stream: their objects are asked by `fetch`. */
export type StreamedMethod = "subscribe" | "subscribeOperator" | "readLong" | "document";

/** The body of a request to the master's object. Calls are JSON text. */
export type ObjectRequest = { readonly principal: Principal } & (
  | { readonly type: "SUBSCRIBE"; readonly call: string; readonly encoding: MessageEncoding }
  | { readonly type: "OPERATOR_SUBSCRIBE"; readonly encoding: MessageEncoding }
  | { readonly type: "READ"; readonly call: string; readonly encoding: MessageEncoding }
  | {
      readonly type: "DOCUMENT";
      readonly path: DocumentPath;
      readonly query: Readonly<Record<string, string>>;
    }
);

/** On the answer of the master's object: the body is not a stream but an `Applied`. */
export const NO_STREAM_HEADER = "Rimrock-No-Stream";

/** On the answer of the master's object: the document is there already, as one piece. */
export const WHOLE_HEADER = "Rimrock-Whole";

/** Who is asked what, on a request to a relay's object whose body is the operator's own. */
export const CALL_HEADER = "Rimrock-Call";

/** What a relay's object is asked by `fetch`. */
export interface RelayObjectCall {
  readonly relayId: RelayId;
  readonly agentId: AgentId;
  /** A Command.Call as JSON text. */
  readonly call: string;
}

/** A streamed body leaves no room for the call: it goes in a header, for such calls are short. */
function callRequest(
  relayId: RelayId,
  agentId: AgentId,
  call: string,
  body: ReadableStream<Uint8Array> | undefined,
): RequestInit {
  const asked: RelayObjectCall = { relayId, agentId, call };
  const text = JSON.stringify(asked);
  if (body === undefined) return { method: "POST", body: text };
  return { method: "POST", body, headers: { [CALL_HEADER]: encodeURIComponent(text) } };
}

async function streamOf(response: Response): Promise<Response | Applied> {
  return response.headers.has(NO_STREAM_HEADER) ? response.json<Applied>() : response;
}

/** The host is a label only: the request goes to the object. */
function post(target: Fetcher, body: unknown): Promise<Response> {
  return target.fetch("https://object/", { method: "POST", body: JSON.stringify(body) });
}
