/**
 * The JSON documents that are read with GET. As on Mesos, any method does, and `?jsonp=name` wraps
 * the document.
 */
import type { DocumentPath } from "../../ports.ts";
import type { EdgeContext } from "../context.ts";
import { documentAnswer, refusedCallback } from "../jsonp.ts";
import { emptyAnswer, methodNotAllowed, notFound, tooManyReads } from "../respond.ts";

export function documentRoute(path: DocumentPath): (context: EdgeContext) => Promise<Response> {
  return async (context) => {
    const refused = refusedCallback(context);
    if (refused !== undefined) return refused;
    // A copy with a prototype: objects without one cannot be sent to the master's object.
    const query = { ...context.req.query() };
    const { master } = context.get("cluster");
    const document = await master.document(context.get("principal"), path, query);
    if (typeof document !== "string" && document.status === 503) return tooManyReads();
    return documentAnswer(context, document);
  };
}

/** Says that the master is there; asks nobody, so that probes cost nothing. */
export function healthRoute(context: EdgeContext): Response {
  const { method } = context.req.raw;
  if (method !== "GET" && method !== "HEAD") return methodNotAllowed(method, "GET, HEAD");
  return emptyAnswer(200);
}

/** Where the leading master is: here. The answer keeps the client's scheme. */
export function redirectRoute(context: EdgeContext): Response {
  if (context.req.path !== "/redirect") return notFound(context.req.path);
  // As the client wrote it: it may name what no URL can, such as a port above 65535.
  const [, , host = ""] = context.req.url.split("/");
  return new Response(null, { status: 307, headers: { Location: `//${host}` } });
}
