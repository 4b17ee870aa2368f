/** `?jsonp=name`: a document as a call of a function that the page has defined (endpoints.tsv). */
import type { EdgeContext } from "./context.ts";
import { badCallback, jsonAnswer } from "./respond.ts";

/**
 * A name, a member of one, or an element: what a page can define as a callback, and nothing that
 * could be a script.
 */
const CALLBACK = /^[\w$][\w$.[\]]{0,99}$/;

/** Undefined: the request names no callback, or one that a page can define. */
export function refusedCallback(context: EdgeContext): Response | undefined {
  const callback = context.req.query("jsonp");
  return callback === undefined || CALLBACK.test(callback) ? undefined : badCallback();
}

/** 200 with the document, wrapped when the request asks for that. */
export function documentAnswer(context: EdgeContext, json: string): Response {
  const callback = context.req.query("jsonp");
  if (callback === undefined) return jsonAnswer(json);
  const headers = { "Content-Type": "text/javascript" };
  return refusedCallback(context) ?? new Response(`${callback}(${json})`, { headers });
}
