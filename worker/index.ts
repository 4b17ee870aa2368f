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

/** What serves a request, or the answer to every request of a badly configured deployment. */
type Edge = Hono<EdgeEnv> | { readonly badConfiguration: string };

/** One per set of bindings, which the platform keeps for the life of an isolate. */
const edges = new WeakMap<Env, Edge>();

function edgeFor(env: Env): Edge {
  const known = edges.get(env);
  if (known !== undefined) return known;
  const config = readConfig(env);
  const edge = config.ok
    ? createApp(clusterOf(env), {
        frontDoorKey: config.value.frontDoorKey,
        assets: env.ASSETS,
      })
    : { badConfiguration: describeConfigErrors(config.error) };
  edges.set(env, edge);
  return edge;
}

// The platform wants the handler as the module's default export.
export default {
  fetch(request: Request, env: Env): Response | Promise<Response> {
    const edge = edgeFor(env);
    if ("badConfiguration" in edge) return badConfiguration(edge.badConfiguration);
    return edge.fetch(request, env);
  },
};
