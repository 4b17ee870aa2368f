/** `/metrics/snapshot`: every metric at once. */
import { parseDurationMs } from "../../std/duration.ts";
import type { EdgeContext } from "../context.ts";
import { badTimeout } from "../respond-process.ts";
import { documentRoute } from "./documents.ts";

const snapshot = documentRoute("/metrics/snapshot");

/**
 * No metric has to be waited for, so every `timeout` suffices; one that is no duration is still
 * refused, as clients know it.
 */
export async function metricsRoute(context: EdgeContext): Promise<Response> {
  const timeout = context.req.query("timeout");
  if (timeout !== undefined && !parseDurationMs(timeout).ok) return badTimeout(timeout);
  return await snapshot(context);
}
