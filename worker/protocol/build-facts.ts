/** When, by whom and from which commit a build was made, as the API tells it. */
import type * as mesos from "./v1/mesos.ts";

export interface BuildFacts {
  /** "2026-11-21" */
  readonly date: string;
  readonly timeMs: number;
  readonly user: string;
  readonly gitSha?: string;
}

export type VersionFacts = mesos.VersionInfo &
  Required<Pick<mesos.VersionInfo, "build_date" | "build_time" | "build_user">>;

/**
 * `build`: undefined when nothing is known. Clients expect the three facts to be there, so a build
 * that does not know them says so.
 */
export function versionFacts(version: string, build: BuildFacts | undefined): VersionFacts {
  return {
    version,
    build_date: build?.date ?? "unknown",
    build_time: (build?.timeMs ?? 0) / 1_000,
    build_user: build?.user ?? "unknown",
    ...(build?.gitSha !== undefined && { git_sha: build.gitSha }),
  };
}
