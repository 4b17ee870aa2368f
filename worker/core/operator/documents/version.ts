import type { Members } from "../../../protocol/wire/json-document.ts";
import { double, object, string } from "../../../protocol/wire/json-document.ts";
import type { MasterState } from "../../state.ts";
import { versionInfo } from "../build-info.ts";

/** `/version` */
export function versionDocument(state: MasterState): string {
  return object({ ...buildMembers(state), version: string(state.settings.version) });
}

export function buildMembers(state: MasterState): Members {
  const { build_date, build_time, build_user, git_sha } = versionInfo(state);
  return {
    build_date: string(build_date),
    build_time: double(build_time),
    build_user: string(build_user),
    git_sha: git_sha === undefined ? undefined : string(git_sha),
  };
}
