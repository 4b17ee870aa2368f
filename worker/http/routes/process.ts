/**
 * The endpoints that are about the master's process rather than about the cluster, as a Mesos
 * master has them beside its own.
 */
import type { Hono } from "hono";
import type { EdgeEnv } from "../context.ts";
import { documentRoute } from "./documents.ts";
import { fileRoute, filesDebugRoute, readFileRoute } from "./files.ts";
import { loggingToggleRoute } from "./logging.ts";
import { metricsRoute } from "./metrics.ts";
import { profilerRoute } from "./profiler.ts";

export function addProcessRoutes(app: Hono<EdgeEnv>): void {
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
