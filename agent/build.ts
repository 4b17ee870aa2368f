/**
 * What is known of the build that this agent runs from: a bundle carries its facts as a constant
 * (`dev/bundle.mjs`), and what is not known says so. Clients expect all of them to be there.
 */
import type * as mesos from "../worker/protocol/v1/mesos.ts";

interface BuildFacts {
  /** YYYY-MM-DD */
  readonly date: string;
  readonly timeMs: number;
  readonly user: string;
  readonly gitSha?: string;
}

/** Put in by the bundler; in unbundled sources there is no such name. */
declare const RIMROCK_BUILD: BuildFacts | undefined;

export function versionInfo(version: string): VersionFacts {
  const build = typeof RIMROCK_BUILD === "undefined" ? undefined : RIMROCK_BUILD;
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
