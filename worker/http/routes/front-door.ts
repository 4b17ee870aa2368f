/**
 * What the local front door tells: a client hung up. workerd itself finds out at its next write
 * only, and then nobody knows how long ago that was.
 *
 * Nobody but the front door of the same machine has the key; without one there is no such route.
 */
import { CALL_NAME_HEADER } from "../../ports.ts";
import type { RelayId, StreamId } from "../../protocol/ids.ts";
import type { EdgeContext } from "../context.ts";
import { emptyAnswer, methodNotAllowed, notFound } from "../respond.ts";

export const FRONT_DOOR_PATH = "/front-door/v1/hang-up";
const KEY_HEADER = "Rimrock-Front-Door";

export function hangUpRoute(key: string): (context: EdgeContext) => Promise<Response> {
  return async (context) => {
    const { method, headers } = context.req.raw;
    if (headers.get(KEY_HEADER) !== key) return notFound(context.req.path);
    if (method !== "POST") return methodNotAllowed(method, "POST");
    const { master, relay } = context.get("cluster");
    // As the answer had it that the client no longer reads.
    const call = /^(relay-[1-9]\d{0,5})\/([\w-]+)$/.exec(headers.get(CALL_NAME_HEADER) ?? "");
    if (call !== null) {
      const [, relayId = "", callId = ""] = call;
      await relay(relayId as RelayId).callerHungUp(relayId as RelayId, callId);
      return emptyAnswer(202);
    }
    // Whatever it is: the master knows its streams.
    await master.hungUp((headers.get("Mesos-Stream-Id") ?? "") as StreamId);
    return emptyAnswer(202);
  };
}
