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
export function documentAnswer(context: EdgeContext, json: string | Response): Response {
  const callback = context.req.query("jsonp");
  const body = typeof json === "string" ? json : json.body;
  if (callback === undefined) return typeof json === "string" ? jsonAnswer(json) : json;
  const headers = { "Content-Type": "text/javascript" };
  return refusedCallback(context) ?? new Response(wrapped(callback, body), { headers });
}

/** `callback(…)` around a text, or around one that is still being made. */
function wrapped(
  callback: string,
  body: string | ReadableStream<Uint8Array> | null,
): string | ReadableStream<Uint8Array> {
  if (body === null || typeof body === "string") return `${callback}(${body ?? ""})`;
  const encoder = new TextEncoder();
  const wrapping = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(`${callback}(`)),
    flush: (controller) => controller.enqueue(encoder.encode(")")),
  });
  return body.pipeThrough(wrapping);
}
