/**
 * The paths of the agent's API (endpoints.tsv), as libprocess routes them: a route is reached by
 * the longest path that it begins with, whatever follows, and what belongs to the agent's actor is
 * there a second time below `/slave(1)`.
 */
import { parseDurationMs } from "../../worker/std/duration.ts";
import type { ShownContainer } from "./containers.ts";
import {
  containerizerDocument,
  containersDocument,
  flagsDocument,
  metricsDocument,
  stateDocument,
  statisticsDocument,
  systemDocument,
  versionDocument,
} from "./documents.ts";
import { attached, browse, type Query, read } from "./file-routes.ts";
import {
  type Answer,
  badLoggingDuration,
  badLoggingLevel,
  badTimeout,
  emptyAnswer,
  loggingLevel,
  notServed,
  parameterMissing,
} from "./respond.ts";
import type { AgentView } from "./view.ts";

/** JSON text, or its bytes, or an answer of another kind. */
type Document = string | Uint8Array | Answer;

export type Route =
  | { readonly kind: "DOCUMENT"; readonly make: MakeDocument }
  | { readonly kind: "PLAIN"; readonly answer: Answer }
  | { readonly kind: "DOWNLOAD" }
  | { readonly kind: "CALLS" }
  | { readonly kind: "EXECUTOR" };

type MakeDocument = (view: AgentView, query: Query) => Document | Promise<Document>;

const document = (make: MakeDocument): Route => ({ kind: "DOCUMENT", make });

/** Below `/slave(1)` too. */
const ofAgent: { readonly [path: string]: Route } = {
  "/api/v1": { kind: "CALLS" },
  "/api/v1/executor": { kind: "EXECUTOR" },
  "/api/v1/resource_provider": { kind: "PLAIN", answer: notServed("the resource provider API") },
  "/containerizer/debug": document(containerizerDocument),
  "/containers": document(containers),
  "/flags": document(flagsDocument),
  "/health": { kind: "PLAIN", answer: emptyAnswer },
  "/monitor/statistics": document(statisticsDocument),
  "/state": document(stateDocument),
};

const ofProcess: { readonly [path: string]: Route } = {
  "/files/browse": document(browse),
  "/files/debug": document(attached),
  "/files/download": { kind: "DOWNLOAD" },
  "/files/read": document(read),
  "/logging/toggle": document(toggleLogging),
  "/metrics/snapshot": document(metrics),
  "/system/stats.json": document(systemDocument),
  "/version": document(versionDocument),
};

/** Routed there even while the agent recovers. */
export const ALWAYS_SERVED: readonly string[] = ["/health", "/version"];

/** Undefined: nothing is there. `path`: what the route is registered as. */
export function routeOf(pathname: string): { path: string; route: Route } | undefined {
  const decoded = decode(pathname);
  if (decoded === undefined || decoded.split("/").includes("..")) return undefined;
  const actor = /^\/slave\(1\)(?=\/|$)/.exec(decoded)?.[0];
  const routes = actor === undefined ? { ...ofAgent, ...ofProcess } : ofAgent;
  const path = decoded.slice(actor?.length ?? 0);
  for (let at = path; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
    const route = Object.hasOwn(routes, at) ? routes[at] : undefined;
    if (route !== undefined) return { path: at, route };
  }
  return undefined;
}

function decode(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
}

/** The largest level that a call can name. */
const LEVEL_MAX = 2 ** 32 - 1;

/** `level` and `duration` raise the level for a while; without them the answer is the level. */
function toggleLogging({ verbosity }: AgentView, query: Query): Answer {
  const [levelText, durationText] = [query.get("level"), query.get("duration")];
  if (levelText === null && durationText === null) return loggingLevel(verbosity.level);
  if (levelText === null) return parameterMissing("level", BOTH_OR_NEITHER);
  if (durationText === null) return parameterMissing("duration", BOTH_OR_NEITHER);
  const level = /^\d+$/.test(levelText) ? Number(levelText) : Number.NaN;
  if (!(level <= LEVEL_MAX)) return badLoggingLevel(levelText);
  const duration = parseDurationMs(durationText);
  if (!duration.ok) return badLoggingDuration(durationText);
  verbosity.raise({ level, durationMs: duration.value });
  return emptyAnswer;
}

const BOTH_OR_NEITHER = "give both 'level' and 'duration', or neither";

/** No metric has to be waited for, so every `timeout` suffices. */
function metrics(view: AgentView, query: Query): Document {
  const timeout = query.get("timeout");
  if (timeout !== null && !parseDurationMs(timeout).ok) return badTimeout(timeout);
  return metricsDocument(view);
}

function containers(view: AgentView, query: Query): Document | Promise<Document> {
  const [container, framework, executor] = ["container_id", "framework_id", "executor_id"].map(
    (name) => query.get(name),
  );
  if (executor && !framework) {
    return parameterMissing("framework_id", "an executor_id is one of a framework");
  }
  const isAsked = ({ id, executor: of }: ShownContainer): boolean =>
    (!container || id.value === container) &&
    (!framework || of.frameworkId === framework) &&
    (!executor || of.info.executor_id.value === executor);
  return containersDocument(view, isAsked);
}
