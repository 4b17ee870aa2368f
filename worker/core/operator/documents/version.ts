import { versionFacts } from "../../../protocol/build-facts.ts";
import type { Members } from "../../../protocol/wire/json-document.ts";
import { double, object, string } from "../../../protocol/wire/json-document.ts";
import type { MasterState } from "../../state.ts";

/** `/version` */
export function versionDocument(state: MasterState): string {
  return object({ ...buildMembers(state), version: string(state.settings.version) });
}

export function buildMembers(state: MasterState): Members {
  const { version, build } = state.settings;
  const { build_date, build_time, build_user, git_sha } = versionFacts(version, build);
  return {
    build_date: string(build_date),
    build_time: double(build_time),
    build_user: string(build_user),
    git_sha: git_sha === undefined ? undefined : string(git_sha),
  };
}
