/**
 * The Worker: the edge's HTTP application in front of the objects' classes. Wiring and exports
 * only.
 */
import type { Hono } from "hono";
import { describeConfigErrors, readConfig } from "./config.ts";
import type { Env } from "./env.ts";
import { createApp } from "./http/app.ts";
import type { EdgeEnv } from "./http/context.ts";
import { badConfiguration } from "./http/respond.ts";
import { clusterOf } from "./objects.ts";

export { MasterObject } from "./durable/master-object.ts";
export { RelayObject } from "./relay/relay-object.ts";

/** One application per set of bindings, which the platform keeps for the life of an isolate. */
const apps = new WeakMap<Env, Hono<EdgeEnv>>();

function appFor(env: Env): Hono<EdgeEnv> {
  const app = apps.get(env) ?? createApp(clusterOf(env));
  apps.set(env, app);
  return app;
}

// The platform wants the handler as the module's default export.
export default {
  fetch(request: Request, env: Env): Response | Promise<Response> {
    const config = readConfig(env);
    if (!config.ok) return badConfiguration(describeConfigErrors(config.error));
    return appFor(env).fetch(request, env);
  },
};
