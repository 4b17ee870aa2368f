import type * as master from "../../protocol/v1/master.ts";
import { masterInfo } from "../framework/master-info.ts";
import type { MasterState } from "../state.ts";

/** Both times are the start of this life of the object: there is nobody to be elected before. */
export function getMaster(state: MasterState): master.Response {
  const seconds = state.startedMs / 1_000;
  return {
    type: "GET_MASTER",
    get_master: {
      master_info: masterInfo(state),
      start_time: seconds,
      elected_time: seconds,
    },
  };
}
