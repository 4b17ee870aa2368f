import type * as mesos from "../../protocol/v1/mesos.ts";
import type { MasterState } from "../state.ts";

/**
 * The version as the API tells it. Clients expect the three facts of the build to be there, so a
 * build that does not know them says so.
 */
export function versionInfo(state: MasterState): VersionFacts {
  const { version, build } = state.settings;
  return {
    version,
    build_date: build?.date ?? "unknown",
    build_time: (build?.timeMs ?? 0) / 1_000,
    build_user: build?.user ?? "unknown",
    ...(build?.gitSha !== undefined && { git_sha: build.gitSha }),
  };
}

export type VersionFacts = mesos.VersionInfo &
  Required<Pick<mesos.VersionInfo, "build_date" | "build_time" | "build_user">>;
