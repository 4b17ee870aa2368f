/** Why a call was refused: codes and facts only. HTTP numbers and sentences are made in `http/`. */
import type { ConversionError } from "./operation/convert-free.ts";
import type { OperatorError } from "./operator/operator-error.ts";
import type { OwnError } from "./operator/own/own-error.ts";

export type CallError =
  | OperatorError
  | ConversionError
  | OwnError
  /** The framework has never subscribed, or was removed. */
  | { readonly code: "FRAMEWORK_NOT_FOUND"; readonly frameworkId: string }
  | {
      readonly code: "PRINCIPAL_MISMATCH";
      readonly frameworkId: string;
      readonly principal: string;
    }
  | { readonly code: "FRAMEWORK_NOT_SUBSCRIBED"; readonly frameworkId: string }
  | { readonly code: "STREAM_ID_MISSING"; readonly frameworkId: string }
  | {
      readonly code: "STREAM_ID_MISMATCH";
      readonly frameworkId: string;
      readonly streamId: string;
    }
  | { readonly code: "NOT_AUTHORIZED"; readonly action: string }
  /** UPDATE_FRAMEWORK; `problem` is a sentence, the same that an ERROR event would say. */
  | { readonly code: "FRAMEWORK_INVALID"; readonly problem: string }
  | { readonly code: "CALL_NOT_SERVED"; readonly callType: string }
  | { readonly code: "AGENT_INVALID"; readonly field: string; readonly message: string };
