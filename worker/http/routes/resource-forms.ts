/**
 * `/reserve`, `/unreserve`, `/create-volumes`, `/destroy-volumes`: the operator's calls of these
 * names as forms, with the fields `slaveId` and `resources` or `volumes` (a JSON list).
 */
import type { Hono } from "hono";
import type { MessageName, Messages } from "../../protocol/descriptors.ts";
import type * as master from "../../protocol/v1/master.ts";
import { decodeListIn, readForm } from "../body.ts";
import type { EdgeContext, EdgeEnv } from "../context.ts";
import { badBody, invalidMasterCall, methodNotAllowed } from "../respond.ts";
import { change } from "./operator.ts";

export function addResourceForms(app: Hono<EdgeEnv>): void {
  app.all(
    "/reserve/*",
    form("mesos.v1.master.Call.ReserveResources", "resources", (call) => ({
      type: "RESERVE_RESOURCES",
      reserve_resources: call,
    })),
  );
  app.all(
    "/unreserve/*",
    form("mesos.v1.master.Call.UnreserveResources", "resources", (call) => ({
      type: "UNRESERVE_RESOURCES",
      unreserve_resources: call,
    })),
  );
  app.all(
    "/create-volumes/*",
    form("mesos.v1.master.Call.CreateVolumes", "volumes", (call) => ({
      type: "CREATE_VOLUMES",
      create_volumes: call,
    })),
  );
  app.all(
    "/destroy-volumes/*",
    form("mesos.v1.master.Call.DestroyVolumes", "volumes", (call) => ({
      type: "DESTROY_VOLUMES",
      destroy_volumes: call,
    })),
  );
}

/** `name`: the call's own part; `list`: the field of it, and of the form, that is a list. */
function form<N extends MessageName>(
  name: N,
  list: keyof Messages[N] & string,
  callOf: (part: Messages[N]) => master.Call,
): (context: EdgeContext) => Promise<Response> {
  return async (context) => {
    const { raw } = context.req;
    if (raw.method !== "POST") return methodNotAllowed(raw.method, "POST");
    const fields = await readForm(raw);
    if (!fields.ok) return badBody(fields.error);
    const missing = ["slaveId", list].find((field) => !fields.value.has(field));
    if (missing !== undefined) return invalidMasterCall({ code: "FIELD_MISSING", field: missing });
    const agent_id = { value: fields.value.get("slaveId") };
    const part = decodeListIn(name, list, {
      text: fields.value.get(list) ?? "",
      beside: { agent_id },
    });
    return part.ok ? change(context, callOf(part.value)) : badBody(part.error);
  };
}
