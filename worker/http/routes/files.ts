/**
 * The files of the master's process: it has none, because its log goes to the platform. Asking for
 * one is answered as on a Mesos whose log is not written to a file.
 */
import type { EdgeContext } from "../context.ts";
import { documentAnswer } from "../jsonp.ts";
import { badFileNumber, fileNotFound, fileParameterMissing } from "../respond-process.ts";

/** `/files/debug`: where each virtual path leads. */
export function filesDebugRoute(context: EdgeContext): Response {
  return documentAnswer(context, "{}");
}

/** `/files/browse` and `/files/download`. */
export function fileRoute(context: EdgeContext): Response {
  return context.req.query("path") === undefined ? fileParameterMissing() : fileNotFound();
}

/** `/files/read` */
export function readFileRoute(context: EdgeContext): Response {
  const { path, offset, length } = context.req.query();
  if (path === undefined) return fileParameterMissing();
  if (offset !== undefined && !isWhole(offset, -1)) return badFileNumber("offset", offset);
  // What is less than 0 asks for the rest, as no length does.
  if (length !== undefined && !isWhole(length, -1)) return badFileNumber("length", length);
  return fileNotFound();
}

function isWhole(text: string, least: number): boolean {
  return /^-?\d+$/.test(text) && Number(text) >= least;
}
