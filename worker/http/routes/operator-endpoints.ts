/**
 * The endpoints that say the same as calls of the operator API, from the time before it: quota,
 * weights, maintenance. Their bodies are JSON whatever the Content-Type says, as on Mesos.
 */
import type { Hono } from "hono";
import type { MessageName, Messages } from "../../protocol/descriptors.ts";
import type * as master from "../../protocol/v1/master.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import type { Result } from "../../std/result.ts";
import { type BodyError, readList, readMessage } from "../body.ts";
import type { EdgeContext, EdgeEnv } from "../context.ts";
import { documentAnswer, refusedCallback } from "../jsonp.ts";
import { badBody, callNotServed, invalidMasterCall, methodNotAllowed } from "../respond.ts";
import { change } from "./operator.ts";

type Route = (context: EdgeContext) => Promise<Response>;

export function addOperatorRoutes(app: Hono<EdgeEnv>): void {
  app.all("/quota/*", byMethod({ GET: getQuota, POST: setQuota, DELETE: removeQuota }));
  app.all("/weights/*", byMethod({ GET: getWeights, PUT: updateWeights }));
  app.all("/maintenance/schedule/*", byMethod({ GET: getSchedule, POST: updateSchedule }));
  app.all("/maintenance/status/*", byMethod({ GET: getStatus }));
  app.all("/machine/down/*", byMethod({ POST: machineDown }));
  app.all("/machine/up/*", byMethod({ POST: machineUp }));
}

function byMethod(routes: Readonly<Record<string, Route>>): Route {
  const served = new Map(Object.entries(routes));
  const allowed = [...served.keys()].join(", ");
  return async (context) => {
    const { method } = context.req.raw;
    return served.get(method)?.(context) ?? methodNotAllowed(method, allowed);
  };
}

function getQuota(context: EdgeContext): Promise<Response> {
  return read(context, "GET_QUOTA", ({ get_quota }) =>
    encodeJson("mesos.v1.quota.QuotaStatus", get_quota?.status ?? {}),
  );
}

async function setQuota(context: EdgeContext): Promise<Response> {
  const body = await readJson(context, "mesos.v1.quota.QuotaRequest");
  if (!body.ok) return badBody(body.error);
  return change(context, { type: "SET_QUOTA", set_quota: { quota_request: body.value } });
}

/** `DELETE /quota/<role>` */
function removeQuota(context: EdgeContext): Promise<Response> {
  const role = decoded(context.req.path.slice("/quota/".length));
  if (role === "") {
    return Promise.resolve(invalidMasterCall({ code: "FIELD_MISSING", field: "role" }));
  }
  return change(context, { type: "REMOVE_QUOTA", remove_quota: { role } });
}

/** A list, unlike the answer of the call. */
function getWeights(context: EdgeContext): Promise<Response> {
  return read(context, "GET_WEIGHTS", ({ get_weights }) => {
    const infos = get_weights?.weight_infos ?? [];
    return `[${infos.map((info) => encodeJson("mesos.v1.WeightInfo", info)).join(",")}]`;
  });
}

async function updateWeights(context: EdgeContext): Promise<Response> {
  const { raw } = context.req;
  const body = await readList(raw, "mesos.v1.master.Call.UpdateWeights", "weight_infos");
  if (!body.ok) return badBody(body.error);
  return change(context, { type: "UPDATE_WEIGHTS", update_weights: body.value });
}

function getSchedule(context: EdgeContext): Promise<Response> {
  return read(context, "GET_MAINTENANCE_SCHEDULE", ({ get_maintenance_schedule }) =>
    encodeJson("mesos.v1.maintenance.Schedule", get_maintenance_schedule?.schedule ?? {}),
  );
}

async function updateSchedule(context: EdgeContext): Promise<Response> {
  const body = await readJson(context, "mesos.v1.maintenance.Schedule");
  if (!body.ok) return badBody(body.error);
  const call = { schedule: body.value };
  return change(context, {
    type: "UPDATE_MAINTENANCE_SCHEDULE",
    update_maintenance_schedule: call,
  });
}

function getStatus(context: EdgeContext): Promise<Response> {
  return read(context, "GET_MAINTENANCE_STATUS", ({ get_maintenance_status }) =>
    encodeJson("mesos.v1.maintenance.ClusterStatus", get_maintenance_status?.status ?? {}),
  );
}

async function machineDown(context: EdgeContext): Promise<Response> {
  const { raw } = context.req;
  const body = await readList(raw, "mesos.v1.master.Call.StartMaintenance", "machines");
  if (!body.ok) return badBody(body.error);
  return change(context, { type: "START_MAINTENANCE", start_maintenance: body.value });
}

async function machineUp(context: EdgeContext): Promise<Response> {
  const { raw } = context.req;
  const body = await readList(raw, "mesos.v1.master.Call.StopMaintenance", "machines");
  if (!body.ok) return badBody(body.error);
  return change(context, { type: "STOP_MAINTENANCE", stop_maintenance: body.value });
}

/** Answers with a part of what a read call answers, as a document. */
async function read(
  context: EdgeContext,
  type: master.CallType,
  partOf: (response: master.Response) => string,
): Promise<Response> {
  const refused = refusedCallback(context);
  if (refused !== undefined) return refused;
  const { master } = context.get("cluster");
  const response = await master.read(context.get("principal"), { type });
  return response === undefined ? callNotServed(type) : documentAnswer(context, partOf(response));
}

async function readJson<N extends MessageName>(
  context: EdgeContext,
  name: N,
): Promise<Result<Messages[N], BodyError>> {
  const body = await readMessage(context.req.raw, name, "application/json");
  return body.ok ? { ok: true, value: body.value.message } : body;
}

/** A role's name has nothing to encode, but clients may do it all the same. */
function decoded(component: string): string {
  try {
    return decodeURIComponent(component);
  } catch {
    return component;
  }
}
