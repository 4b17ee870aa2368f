/**
 * The JSON documents that are read with GET. As on Mesos, any method does, and `?jsonp=name` wraps
 * the document.
 */
import type { DocumentPath } from "../../ports.ts";
import type { EdgeContext } from "../context.ts";
import { badCallback, emptyAnswer, jsonAnswer, methodNotAllowed, notFound } from "../respond.ts";

/**
 * A name, a member of one, or an element: what a page can define as a callback, and nothing that
 * could be a script.
 */
const CALLBACK = /^[\w$][\w$.[\]]{0,99}$/;

export function documentRoute(path: DocumentPath): (context: EdgeContext) => Promise<Response> {
  return async (context) => {
    // A copy with a prototype: objects without one cannot be sent to the master's object.
    const query = { ...context.req.query() };
    const callback = query.jsonp;
    if (callback !== undefined && !CALLBACK.test(callback)) return badCallback();
    const { master } = context.get("cluster");
    const json = await master.document(context.get("principal"), path, query);
    if (callback === undefined) return jsonAnswer(json);
    return new Response(`${callback}(${json})`, { headers: { "Content-Type": "text/javascript" } });
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
