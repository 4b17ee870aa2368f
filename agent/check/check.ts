/**
 * One thing that the agent can use on a machine, and how to find out whether it is there. A check
 * changes nothing that stays, and says what is lost without the thing and what to do about it.
 */
import type { Config } from "../config.ts";

export interface CheckContext {
  readonly config: Config;
  /** What is wrong with the options. */
  readonly mistakes: readonly string[];
}

/** FAILED: the agent cannot run as it is configured. LACKING: it runs, without something. */
export type Finding =
  | { readonly state: "OK"; readonly detail: string }
  | {
      readonly state: "LACKING" | "FAILED";
      readonly detail: string;
      /** What to do, in one sentence without its full stop. */
      readonly advice?: string;
    };

export interface Check {
  readonly title: string;
  /** Takes some seconds at most. */
  run(context: CheckContext): Finding | Promise<Finding>;
}
