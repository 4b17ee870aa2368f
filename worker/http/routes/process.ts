/**
 * The endpoints that are about the master's process rather than about the cluster, as a Mesos
 * master has them beside its own.
 */
import type { Hono } from "hono";
import type { EdgeContext, EdgeEnv } from "../context.ts";
import { jsonAnswer, methodNotAllowed } from "../respond.ts";
import { documentRoute } from "./documents.ts";
import { fileRoute, filesDebugRoute, readFileRoute } from "./files.ts";
import { helpRoute } from "./help.ts";
import { loggingToggleRoute } from "./logging.ts";
import { metricsRoute } from "./metrics.ts";
import { profilerRoute } from "./profiler.ts";

export function addProcessRoutes(app: Hono<EdgeEnv>): void {
  app.all("/help/*", helpRoute(app));
  app.all("/__processes__/*", processesRoute);
  app.all("/flags/*", flagsRoute);
  // Clients that encode more than they have to write the brackets so.
  app.all("/registrar%281%29/registry/*", documentRoute("/registrar(1)/registry"));
  app.all("/metrics/snapshot/*", metricsRoute);
  app.all("/system/stats.json/*", documentRoute("/system/stats.json"));
  app.all("/logging/toggle/*", loggingToggleRoute);
  app.all("/files/debug/*", filesDebugRoute);
  app.all("/files/browse/*", fileRoute);
  app.all("/files/download/*", fileRoute);
  app.all("/files/read/*", readFileRoute);
  app.all("/profiler/start/*", profilerRoute);
  app.all("/profiler/stop/*", profilerRoute);
  for (const name of ["start", "stop", "statistics", "state", "download"]) {
    app.all(`/memory-profiler/${name}/*`, profilerRoute);
  }
}

const flags = documentRoute("/flags");

/** Any method reads any other document. */
async function flagsRoute(context: EdgeContext): Promise<Response> {
  const { method } = context.req.raw;
  if (method !== "GET" && method !== "HEAD") return methodNotAllowed(method, "GET, HEAD");
  return await flags(context);
}

/** `/__processes__`: the actors and what waits for them. Each input is handled as it comes. */
function processesRoute(_context: EdgeContext): Response {
  return jsonAnswer('[{"id":"master","events":[]}]');
}
