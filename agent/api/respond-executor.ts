/** The answers of the executor API that are sentences, each with its HTTP number (7.1). */
import { unreachable } from "../../worker/std/assert.ts";
import { type Answer, textAnswer } from "./respond.ts";

export type ExecutorRefusal =
  | { readonly code: "FIELD_MISSING"; readonly field: string }
  | { readonly code: "UUID_MALFORMED"; readonly bytes: number }
  | { readonly code: "OTHER_EXECUTOR"; readonly executorId: string }
  | { readonly code: "OTHER_SOURCE"; readonly source: string | undefined }
  | { readonly code: "STATE_OF_OTHERS"; readonly state: string }
  | { readonly code: "DATA_TOO_LONG"; readonly limit: number }
  | { readonly code: "CHECK_STATUS_MALFORMED"; readonly type: string | undefined }
  | { readonly code: "TYPE_UNKNOWN" }
  | { readonly code: "FRAMEWORK_UNKNOWN"; readonly frameworkId: string }
  | { readonly code: "EXECUTOR_UNKNOWN"; readonly executorId: string }
  | { readonly code: "NOT_SUBSCRIBED"; readonly executorId: string }
  | { readonly code: "TASK_OF_OTHERS"; readonly taskId: string; readonly executorId: string }
  | { readonly code: "UUID_OF_OTHERS"; readonly taskId: string }
  | { readonly code: "TOO_MANY_UPDATES"; readonly taskId: string; readonly limit: number }
  | { readonly code: "TOKEN_MISSING" }
  | { readonly code: "TOKEN_INVALID" }
  | { readonly code: "TOKEN_OF_OTHERS"; readonly executorId: string };

export const accepted: Answer = { status: 202, headers: {}, body: "" };

const numbers: { readonly [C in ExecutorRefusal["code"]]: number } = {
  FIELD_MISSING: 400,
  UUID_MALFORMED: 400,
  OTHER_EXECUTOR: 400,
  OTHER_SOURCE: 400,
  STATE_OF_OTHERS: 400,
  DATA_TOO_LONG: 400,
  CHECK_STATUS_MALFORMED: 400,
  TYPE_UNKNOWN: 501,
  FRAMEWORK_UNKNOWN: 400,
  EXECUTOR_UNKNOWN: 400,
  NOT_SUBSCRIBED: 403,
  TASK_OF_OTHERS: 400,
  UUID_OF_OTHERS: 400,
  TOO_MANY_UPDATES: 503,
  TOKEN_MISSING: 401,
  TOKEN_INVALID: 401,
  TOKEN_OF_OTHERS: 403,
};

const CHALLENGE = { "WWW-Authenticate": 'Bearer realm="mesos-agent-executor"' };

export function executorRefused(refusal: ExecutorRefusal): Answer {
  const status = numbers[refusal.code];
  return textAnswer(status, sentenceOf(refusal), status === 401 ? CHALLENGE : {});
}

function sentenceOf(refusal: ExecutorRefusal): string {
  const invalid = (why: string): string => `Failed to validate executor::Call: ${why}`;
  switch (refusal.code) {
    case "FIELD_MISSING":
      return invalid(`'${refusal.field}' is missing; set it and send the call again`);
    case "UUID_MALFORMED":
      return invalid(`'update.status.uuid' has ${refusal.bytes} bytes; it must have 16`);
    case "OTHER_EXECUTOR":
      return invalid(
        `'update.status.executor_id' names '${refusal.executorId}', the call another executor`,
      );
    case "OTHER_SOURCE":
      return invalid(
        `'update.status.source' is ${refusal.source ?? "missing"}; it must be SOURCE_EXECUTOR`,
      );
    case "STATE_OF_OTHERS":
      return invalid(`${refusal.state} is not for executors to say; begin with TASK_STARTING`);
    case "DATA_TOO_LONG":
      return invalid(`'data' has more than ${refusal.limit} bytes`);
    case "CHECK_STATUS_MALFORMED":
      return invalid(
        `'update.status.check_status' of type ${refusal.type ?? "(none)"} lacks the result of it`,
      );
    case "TYPE_UNKNOWN":
      return "This agent does not know that type of call.";
    case "FRAMEWORK_UNKNOWN":
      return `Framework '${refusal.frameworkId}' runs nothing on this agent.`;
    case "EXECUTOR_UNKNOWN":
      return `Executor '${refusal.executorId}' does not run on this agent.`;
    case "NOT_SUBSCRIBED":
      return `Executor '${refusal.executorId}' is not subscribed; send SUBSCRIBE first.`;
    case "TASK_OF_OTHERS":
      return `Task '${refusal.taskId}' was not given to executor '${refusal.executorId}'.`;
    case "UUID_OF_OTHERS":
      return `The uuid of this update of task '${refusal.taskId}' is another task's; make a new one.`;
    case "TOO_MANY_UPDATES":
      return `Task '${refusal.taskId}' has ${refusal.limit} updates that wait for its framework. Try again.`;
    case "TOKEN_MISSING":
      return (
        "Send 'Authorization: Bearer TOKEN' with MESOS_EXECUTOR_AUTHENTICATION_TOKEN from the " +
        "executor's environment; for a library that knows of no tokens the agent has the option " +
        "--executors-without-token."
      );
    case "TOKEN_INVALID":
      return (
        "The token is none of this agent's; the executor's own is in its environment, as " +
        "MESOS_EXECUTOR_AUTHENTICATION_TOKEN."
      );
    case "TOKEN_OF_OTHERS":
      return `The token is not that of executor '${refusal.executorId}'.`;
    default:
      return unreachable(refusal);
  }
}
