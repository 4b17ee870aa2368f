import type * as master from "../../protocol/v1/master.ts";

/** None: command tasks have no executor of their own, and custom executors are not served yet. */
export function getExecutors(): master.Response {
  return { type: "GET_EXECUTORS", get_executors: { executors: [] } };
}
