/** The operator API's calls about the master's process rather than about the cluster. */
import type * as master from "../../protocol/v1/master.ts";
import type { EdgeContext } from "../context.ts";
import { callNotServed } from "../respond.ts";
import { fileNotFound } from "../respond-process.ts";
import { setLoggingLevel } from "./logging.ts";

/** `answered`: the answer of a call that only asks. */
export async function processCall(
  context: EdgeContext,
  call: master.Call,
  answered: () => Promise<Response>,
): Promise<Response> {
  switch (call.type) {
    case "GET_METRICS":
    case "GET_LOGGING_LEVEL":
      return await answered();
    case "SET_LOGGING_LEVEL":
      if (call.set_logging_level === undefined) return callNotServed(call.type);
      return await setLoggingLevel(context, call.set_logging_level);
    case "LIST_FILES":
    case "READ_FILE":
      return fileNotFound();
    default:
      return callNotServed(call.type ?? "UNKNOWN");
  }
}
