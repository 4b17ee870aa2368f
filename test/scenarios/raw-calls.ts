/**
 * Calls as they come over the wire, for which a transcript needs no word of its own. `$name` in the
 * text stands for the id behind a transcript's name.
 */
import type { CallSubscribe } from "../../worker/protocol/v1/scheduler.ts";
import { decodeJson } from "../../worker/protocol/wire/json.ts";
import type { World } from "./world.ts";

/** operator {"type": "DRAIN_AGENT", "drain_agent": {"agent_id": {"value": "$a1"}}} */
export function operator(world: World, text: string): string[] {
  const call = decodeJson("mesos.v1.master.Call", withIds(world, text));
  if (!call.ok) throw new Error(`an operator call in a transcript: ${JSON.stringify(call.error)}`);
  return world.apply({ type: "OPERATOR_CALL", call: call.value });
}

/** scheduler F {"type": "ACCEPT", …}: framework id and stream id are added. */
export function scheduler(world: World, framework: string, text: string): string[] {
  const id = JSON.stringify({ value: world.frameworkId(framework) });
  const whole = withIds(world, text).replace("{", `{"framework_id": ${id}, `);
  const decoded = decodeJson("mesos.v1.scheduler.Call", whole);
  if (!decoded.ok) throw new Error(`a call in a transcript: ${JSON.stringify(decoded.error)}`);
  return world.call(framework, decoded.value);
}

/** subscribe F {"framework_info": …}: the SUBSCRIBE message of a new stream, named F. */
export function subscribe(world: World, framework: string, text: string): string[] {
  const decoded = decodeJson("mesos.v1.scheduler.Call.Subscribe", withIds(world, text));
  if (!decoded.ok) throw new Error(`a call in a transcript: ${JSON.stringify(decoded.error)}`);
  return subscribeAs(world, framework, decoded.value);
}

/** Subscribes; what the master calls the framework gets the transcript's name. */
export function subscribeAs(world: World, name: string, message: CallSubscribe): string[] {
  const streamId = world.newStream(name);
  const call = { type: "SUBSCRIBE", subscribe: message } as const;
  const outcome = world.host.apply({ type: "SUBSCRIBE", streamId, call });
  for (const effect of outcome.effects) {
    if (effect.type !== "SEND_EVENT" || effect.event.subscribed === undefined) continue;
    const { value } = effect.event.subscribed.framework_id;
    world.name(value, name);
    const info = { ...message.framework_info, id: { value } };
    world.frameworks.set(name, { id: value, streamId, info });
  }
  return world.render(outcome);
}

function withIds(world: World, text: string): string {
  return text.replace(/\$([\w-]+)/g, (_, name: string) =>
    // A framework's streams have its name, too.
    world.frameworks.has(name) ? world.frameworkId(name) : world.idOf(name),
  );
}
