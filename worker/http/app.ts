/**
 * The edge: stateless, in front of the cluster's objects. Decodes and checks what can be checked
 * without state, hands it to the object that decides in one call, and makes HTTP of what comes
 * back.
 *
 * Does not know Durable Objects: it gets a `Cluster`, so tests give it another one.
 */
import { Hono } from "hono";
import type { DocumentPath as StateDocumentPath } from "../core/operator/documents/index.ts";
import { type Cluster, ObjectUnreached } from "../ports.ts";
import { authenticate } from "./authenticate.ts";
import type { EdgeContext, EdgeEnv } from "./context.ts";
import { routedPath } from "./paths.ts";
import { edgeFailed, linkError, masterUnreached, notFound } from "./respond.ts";
import { agentApiRoute } from "./routes/agent-api.ts";
import {
  AGENT_FILE_PATH,
  type Assets,
  agentFileRoute,
  INSTALL_PATH,
  installRoute,
} from "./routes/agent-install.ts";
import {
  callInputRoute,
  callReplyRoute,
  linkNotFound,
  pollRoute,
  registerRoute,
  reportRoute,
} from "./routes/agent-link.ts";
import { documentRoute, healthRoute, redirectRoute } from "./routes/documents.ts";
import { FRONT_DOOR_PATH, hangUpRoute } from "./routes/front-door.ts";
import { operatorRoute, teardownRoute } from "./routes/operator.ts";
import { addOperatorRoutes } from "./routes/operator-endpoints.ts";
import { addOwnRoutes } from "./routes/own.ts";
import { addProcessRoutes } from "./routes/process.ts";
import { addResourceForms } from "./routes/resource-forms.ts";
import { schedulerRoute } from "./routes/scheduler.ts";

/** Those that any method reads: all but one. */
const documents: { readonly [P in Exclude<StateDocumentPath, "/flags">]: true } = {
  "/version": true,
  "/state": true,
  "/state-summary": true,
  "/slaves": true,
  "/frameworks": true,
  "/tasks": true,
  "/roles": true,
  "/registrar(1)/registry": true,
  "/allocator/offer_constraints_debug": true,
};

export interface AppOptions {
  /** What this machine's front door proves itself with; absent = there is none. */
  readonly frontDoorKey?: string | undefined;
  /** Files of the deployment; absent = it came without. */
  readonly assets?: Assets | undefined;
}

export function createApp(cluster: Cluster, options: AppOptions = {}): Hono<EdgeEnv> {
  const { frontDoorKey, assets } = options;
  const app = new Hono<EdgeEnv>({ getPath: routedPath });
  app.use(async (context, next) => {
    context.set("cluster", cluster);
    await next();
  });
  app.use(async (context, next) => {
    await next();
    if (context.req.method === "HEAD") context.res = await headOnly(context.res);
  });
  app.use(authenticate);
  // A pattern that ends in a star also matches the path without it. Longer prefixes stand before
  // shorter ones.
  app.all("/api/v1/scheduler/*", schedulerRoute);
  app.all("/api/v1/*", operatorRoute);
  if (frontDoorKey !== undefined) app.all(FRONT_DOOR_PATH, hangUpRoute(frontDoorKey));
  app.all(INSTALL_PATH, installRoute(assets));
  app.all(AGENT_FILE_PATH, agentFileRoute(assets));
  app.all("/agent/:agent/api/v1/*", agentApiRoute);
  app.all("/agent-link/v1/register", registerRoute);
  app.all("/agent-link/v1/relay/:relay/poll", pollRoute);
  app.all("/agent-link/v1/relay/:relay/report", reportRoute);
  app.all("/agent-link/v1/relay/:relay/call-reply", callReplyRoute);
  app.all("/agent-link/v1/relay/:relay/call-input", callInputRoute);
  app.all("/agent-link/*", linkNotFound);
  app.all("/health/*", healthRoute);
  app.all("/redirect/*", redirectRoute);
  app.all("/teardown/*", teardownRoute);
  for (const path of Object.keys(documents) as StateDocumentPath[]) {
    app.all(`${path}/*`, documentRoute(path));
  }
  addOperatorRoutes(app);
  addProcessRoutes(app);
  addResourceForms(app);
  addOwnRoutes(app);
  app.notFound((context) => notFound(context.req.path));
  app.onError((error, context) => failed(error, context));
  return app;
}

/** Without its body, but with its length, which the platform would leave out. */
async function headOnly(answer: Response): Promise<Response> {
  const headers = new Headers(answer.headers);
  headers.set("Content-Length", String((await answer.arrayBuffer()).byteLength));
  return new Response(null, { status: answer.status, headers });
}

function failed(error: Error, context: EdgeContext): Response {
  const isLink = context.req.path.startsWith("/agent-link/");
  if (error instanceof ObjectUnreached) {
    console.error(`${context.req.method} ${context.req.path}: ${error.message}`);
    if (!isLink) return masterUnreached();
    return linkError(503, "TRY_AGAIN", "The master did not answer. Send it again.");
  }
  console.error(`${context.req.method} ${context.req.path}: ${error.stack ?? error.message}`);
  if (isLink) return linkError(500, "EDGE_FAILED", "The request met a bug. See the master's log.");
  return edgeFailed();
}
