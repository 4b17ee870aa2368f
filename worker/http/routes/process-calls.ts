/** The operator API's calls about the master's process rather than about the cluster. */
import type * as master from "../../protocol/v1/master.ts";
import type { EdgeContext } from "../context.ts";
import { callNotServed } from "../respond.ts";
import { fileNotFound } from "../respond-process.ts";
import { setLoggingLevel } from "./logging.ts";

/** The answers of calls that only ask: given at once, or made while they are read. */
interface Answers {
  readonly read: () => Promise<Response>;
  readonly readLong: () => Promise<Response>;
}

export async function processCall(
  context: EdgeContext,
  call: master.Call,
  answers: Answers,
): Promise<Response> {
  switch (call.type) {
    case "GET_METRICS":
      return await answers.readLong();
    case "GET_LOGGING_LEVEL":
      return await answers.read();
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
