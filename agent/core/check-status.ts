/** The outcomes of a check as statuses tell them. */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { unreachable } from "../../worker/std/assert.ts";
import type { CheckResult } from "./check-result.ts";

/** What is told of a check before its first outcome, and of one that had none. */
export function emptyStatus(check: mesos.CheckInfo): mesos.CheckStatusInfo {
  return checkStatusInfo(check.type, { kind: "NONE", why: "" });
}

/** As the task's statuses have it. */
export function checkStatusInfo(
  type: mesos.CheckInfoType | undefined,
  result: CheckResult,
): mesos.CheckStatusInfo {
  switch (type) {
    case "COMMAND":
      return {
        type,
        command: result.kind === "EXIT_CODE" ? { exit_code: result.code } : {},
      };
    case "HTTP":
      return { type, http: result.kind === "STATUS_CODE" ? { status_code: result.code } : {} };
    case "TCP":
      return {
        type,
        tcp: result.kind === "CONNECTION" ? { succeeded: result.succeeded } : {},
      };
    case "UNKNOWN":
    case undefined:
      return {};
    default:
      return unreachable(type);
  }
}
