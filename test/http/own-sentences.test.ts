/** Refused calls of Rimrock's own: each says what happened, to what, and what to do. */
import { expect, test } from "vitest";
import type { OwnError } from "../../worker/core/operator/own/own-error.ts";
import { describeOwnError, isOwnError, ownStatus } from "../../worker/http/own-sentences.ts";

const ids = ["c1-0001", "c1-0002"];

test.each<readonly [OwnError, string]>([
  [{ code: "QUESTION_EMPTY" }, "Name a framework, a role, an agent, or resources."],
  [
    { code: "FRAMEWORK_NAME_UNKNOWN", name: "x" },
    "'rimrock framework list' (GET_FRAMEWORKS) shows",
  ],
  [{ code: "AGENT_NAME_UNKNOWN", name: "S7", meant: "S1" }, "Did you mean 'S1'?"],
  [{ code: "ROLE_NAME_UNKNOWN", name: "wbe", meant: "web" }, "Did you mean 'web'?"],
  [{ code: "FRAMEWORK_NAME_AMBIGUOUS", name: "x", ids }, "Name one by its id: c1-0001, c1-0002."],
  [{ code: "AGENT_NAME_AMBIGUOUS", name: "host", ids }, "Name one by its id: c1-0001, c1-0002."],
  [{ code: "FRAMEWORK_COMPLETED", frameworkId: "c1-0001" }, "c1-0001 was removed"],
  [{ code: "AGENT_MARKED_GONE", agentId: "c1-S1" }, "c1-S1 gone"],
  [
    { code: "SHAPE_UNREADABLE", text: "cpus", error: { code: "COLON_MISSING", piece: "cpus" } },
    "One looks like cpus:2;mem:512.",
  ],
  [{ code: "SHAPE_RESERVED", text: "cpus(a):1" }, "Name amounts only"],
  [{ code: "SHAPE_EMPTY", text: "" }, "such as cpus:2;mem:512"],
  [{ code: "TRIAL_EMPTY" }, "Nothing is to be tried."],
  [{ code: "TRIAL_TOO_LARGE", what: "tasks", count: 501, most: 500 }, "501 tasks are too many"],
  [{ code: "TRIAL_TOO_LARGE", what: "rows", count: 30_000, most: 20_000 }, "up to 20000"],
  [{ code: "TRIAL_TOO_LARGE", what: "offers", count: 2_000, most: 1_000 }, "2000 offers"],
  [{ code: "TRIAL_FRAMEWORK_AWAY", frameworkId: "c1-0001" }, "c1-0001 is not connected"],
  [
    { code: "TRIAL_ROLE_NOT_SUBSCRIBED", frameworkId: "c1-0001", role: "ops" },
    "does not subscribe to the role 'ops'",
  ],
  [{ code: "TRIAL_FRAMEWORK_REFUSED", role: "ops" }, "role 'ops' was not let in"],
])("%o", (error, part) => {
  expect(isOwnError(error)).toBe(true);
  expect(ownStatus(error)).toBe(400);
  expect(describeOwnError(error)).toContain(part);
});
