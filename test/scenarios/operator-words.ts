/** Words about streams of operator events. */
import type { StreamId } from "../../worker/protocol/ids.ts";
import type { World } from "./world.ts";

/** watch NAME : an operator subscribes to events. */
export function watch(world: World, name: string): string[] {
  return world.apply({ type: "OPERATOR_SUBSCRIBE", streamId: world.newStream(name) });
}

/** unwatch NAME : its client goes away. */
export function unwatch(world: World, name: string): string[] {
  const streamId = world.idOf(name) as StreamId;
  return world.apply({ type: "STREAM_CLOSED", streamId, cause: "CLIENT_CLOSED" });
}
