import type * as master from "../../protocol/v1/master.ts";
import type { MasterState } from "../state.ts";
import { versionInfo } from "./build-info.ts";

export function getVersion(state: MasterState): master.Response {
  return { type: "GET_VERSION", get_version: { version_info: versionInfo(state) } };
}
