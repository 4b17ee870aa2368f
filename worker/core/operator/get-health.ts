import type * as master from "../../protocol/v1/master.ts";

/** An object that answers is healthy. */
export function getHealth(): master.Response {
  return { type: "GET_HEALTH", get_health: { healthy: true } };
}
