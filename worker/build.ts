/**
 * What is known of the build that this code runs in.
 *
 * A bundle made by `agent/dev/bundle.mjs` carries its facts, put in as a constant. A Worker that
 * `wrangler` bundled does not; there the platform knows when this version was uploaded.
 */
import type { BuildFacts } from "./protocol/build-facts.ts";

/** The platform's binding `version_metadata`, as it comes. */
export interface VersionMetadata {
  /** What the deployment named this version: `wrangler deploy --tag`. */
  readonly tag?: string;
  /** When it was uploaded, ISO 8601; of a Worker that runs locally, when that was started. */
  readonly timestamp?: string;
}

/** Undefined: neither the bundle nor the platform says anything. */
export function buildFacts(version: VersionMetadata | undefined): BuildFacts | undefined {
  if (typeof RIMROCK_BUILD !== "undefined") return RIMROCK_BUILD;
  const timeMs = Date.parse(version?.timestamp ?? "");
  if (Number.isNaN(timeMs)) return undefined;
  const date = new Date(timeMs).toISOString().slice(0, 10);
  const tag = version?.tag ?? "";
  const isCommit = /^[0-9a-f]{7,40}$/.test(tag);
  return { date, timeMs, user: "unknown", ...(isCommit && { gitSha: tag }) };
}

/** Put in by the bundler; in unbundled sources there is no such name. */
declare const RIMROCK_BUILD: BuildFacts | undefined;
