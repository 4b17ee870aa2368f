/**
 * Calls as they come over the wire, for which a transcript needs no word of its own. `$name` in the
 * text stands for the id behind a transcript's name.
 */
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

function withIds(world: World, text: string): string {
  return text.replace(/\$([\w-]+)/g, (_, name: string) => world.idOf(name));
}
