/** Why one of Rimrock's own calls was refused: codes and facts only, part of `CallError`. */
import type { TextError } from "../../../resources/text.ts";

export type OwnError =
  /** Nothing is asked about. */
  | { readonly code: "QUESTION_EMPTY" }
  /** `meant`: what comes nearest to it. */
  | {
      readonly code: "FRAMEWORK_NAME_UNKNOWN" | "AGENT_NAME_UNKNOWN" | "ROLE_NAME_UNKNOWN";
      readonly name: string;
      readonly meant?: string;
    }
  /** Several have this name; `ids`: the first ones. */
  | {
      readonly code: "FRAMEWORK_NAME_AMBIGUOUS" | "AGENT_NAME_AMBIGUOUS";
      readonly name: string;
      readonly ids: readonly string[];
    }
  | { readonly code: "FRAMEWORK_COMPLETED"; readonly frameworkId: string }
  | { readonly code: "AGENT_MARKED_GONE"; readonly agentId: string }
  | { readonly code: "SHAPE_UNREADABLE"; readonly text: string; readonly error: TextError }
  /** A trial may have so much of it, so that others do not wait for long. */
  | {
      readonly code: "TRIAL_TOO_LARGE";
      /**
       * `rows`: agents, tasks, executors and offers of the cluster together; `offers`: that a
       * trial would take back.
       */
      readonly what: "agents" | "tasks" | "changes" | "rows" | "offers";
      readonly count: number;
      readonly most: number;
    }
  | { readonly code: "TRIAL_EMPTY" }
  | { readonly code: "TRIAL_FRAMEWORK_AWAY"; readonly frameworkId: string }
  | {
      readonly code: "TRIAL_ROLE_NOT_SUBSCRIBED";
      readonly frameworkId: string;
      readonly role: string;
    }
  /** The framework that a trial makes up was not let in. */
  | { readonly code: "TRIAL_FRAMEWORK_REFUSED"; readonly role: string }
  /** A wish is an amount of each kind: nothing of it is reserved, and there is something in it. */
  | { readonly code: "SHAPE_RESERVED" | "SHAPE_EMPTY"; readonly text: string };
