/** What went wrong, as one line for the user: what happened, where, and what to do next. */
import { SchedulerError, type SchedulerErrorCode } from "../../worker/sdk/error.ts";

/** What helps, per code; the error's own message says what happened and where. */
const HINTS: { readonly [C in SchedulerErrorCode]: string } = {
  INVALID_CALL: "",
  UNAUTHENTICATED: "this cluster wants credentials",
  FORBIDDEN: "ask the cluster's operator for the right",
  NOT_SUBSCRIBED: "",
  FRAMEWORK_UNKNOWN: "it may have been torn down; start again",
  REFUSED: "",
  FAILED_OVER: "another program took this framework over",
  FRAMEWORK_REMOVED: "an operator tore it down, or it was away for too long; start again",
  NOT_FOUND: "is it a Mesos v1 master? check --master",
  UNSUPPORTED: "is it a Mesos v1 master of a version that serves this? check --master",
  UNAVAILABLE: "is it running? start one with: rimrock start",
  HEARTBEAT_LOST: "is the master, or a proxy before it, hanging?",
  STREAM_ENDED: "does a proxy before the master cut long answers?",
  PROTOCOL: "is it a Mesos v1 master? check --master",
  ABORTED: "",
};

/** Without the line's end. */
export function errorLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const hint = SchedulerError.is(error) ? hintFor(error) : "";
  const oneLine = message.replaceAll(/\s*\n\s*/g, " ");
  return hint === "" ? `rimrock: ${oneLine}` : `rimrock: ${oneLine}: ${hint}`;
}

/** Of a call to an agent the master says itself what helps; it is there. */
function hintFor({ code, status, message }: SchedulerError): string {
  const isOfAgent = /\/agent\/[^/]+\/api\/v1 answered /.test(message);
  return code === "UNAVAILABLE" && status !== undefined && isOfAgent ? "" : HINTS[code];
}
