import { versionFacts } from "../../protocol/build-facts.ts";
import type * as master from "../../protocol/v1/master.ts";
import type { MasterState } from "../state.ts";

export function getVersion(state: MasterState): master.Response {
  return {
    type: "GET_VERSION",
    get_version: { version_info: versionFacts(state.settings.version, state.settings.build) },
  };
}
