/**
 * What is known of the build that this agent runs from: a bundle carries its facts as a constant
 * (`dev/bundle.mjs`).
 */
import type { BuildFacts } from "../worker/protocol/build-facts.ts";

/** Put in by the bundler; in unbundled sources there is no such name. */
declare const RIMROCK_BUILD: BuildFacts | undefined;

export const buildFacts = typeof RIMROCK_BUILD === "undefined" ? undefined : RIMROCK_BUILD;
