import type * as master from "../../protocol/v1/master.ts";
import type { MasterState } from "../state.ts";
import { flagsOf } from "./flags.ts";

export function getFlags(state: MasterState): master.Response {
  return { type: "GET_FLAGS", get_flags: { flags: flagsOf(state) } };
}
