/** Words about streams of operator events, and about what operators have changed. */
import type { AuditRow } from "../../worker/core/rows.ts";
import type { StreamId } from "../../worker/protocol/ids.ts";
import { decodeJson } from "../../worker/protocol/wire/json.ts";
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

/** own {"type": "SET_POLICY", "set_policy": {"policy": "drf"}} : one of Rimrock's own changes. */
export function own(world: World, text: string): string[] {
  const call = decodeJson("rimrock.operator.Call", text);
  if (!call.ok) throw new Error(`a call in a transcript: ${JSON.stringify(call.error)}`);
  return world.apply({ type: "OWN_CALL", call: call.value });
}

/** audit : what operators have changed since it was asked last. */
export function audit(world: World): string[] {
  const entries = world.host.state.tables.audit.rows().slice(world.auditSeen);
  world.auditSeen += entries.length;
  return entries.flatMap((entry) => entryLines(entry, world.nameOf));
}

function entryLines(
  { call, principal, changes, leftOut }: AuditRow,
  nameOf: (id: string) => string,
): string[] {
  const head = [call, principal && `by ${principal}`, leftOut && `(${leftOut} more)`];
  const lines = changes.map(({ subject, field, before = "-", after = "-" }) => {
    const [kind = "", ...name] = subject.split(" ");
    const named = [kind, nameOf(name.join(" "))].join(" ").trim();
    return `  ${named} ${field}: ${before} -> ${after}`;
  });
  return [head.filter(Boolean).join(" "), ...lines];
}
