/** Every refusal of a change has a status and a sentence that names what it is about. */
import { expect, test } from "vitest";
import type { OperatorError } from "../../worker/core/operator/operator-error.ts";
import {
  describeOperatorError,
  isOperatorError,
  operatorStatus,
} from "../../worker/http/operator-sentences.ts";

const machine = { hostname: "m1.test", ip: "10.9.8.7" };
const agentId = "cluster-S17";
const role = "engineers";

/** One of each, and words that its sentence must have. */
const samples: {
  readonly [C in OperatorError["code"]]: readonly [
    OperatorError & { readonly code: C },
    readonly string[],
  ];
} = {
  ROLE_INVALID: [{ code: "ROLE_INVALID", role: "/x", problem: "is odd" }, ["'/x' is odd"]],
  PRIORITY_INVALID: [
    { code: "PRIORITY_INVALID", role, priority: 0.5, most: 1_000_000 },
    [role, "0.5", "-1000000 to 1000000"],
  ],
  POLICY_UNKNOWN: [
    { code: "POLICY_UNKNOWN", policy: "dfr", known: ["drf", "random"], meant: "drf" },
    ["'dfr'", "mean 'drf'", "drf, random"],
  ],
  WEIGHT_INVALID: [{ code: "WEIGHT_INVALID", role, weight: -2 }, [role, "-2", "above 0"]],
  QUOTA_ROLE_NESTED: [{ code: "QUOTA_ROLE_NESTED", role }, [role]],
  QUOTA_ROLE_TWICE: [{ code: "QUOTA_ROLE_TWICE", role }, [role]],
  QUOTA_VALUE_INVALID: [
    { code: "QUOTA_VALUE_INVALID", role, part: "limits", kind: "mem", value: -3 },
    [role, "limits", "mem", "-3", "0 or more"],
  ],
  QUOTA_GUARANTEE_ABOVE_LIMIT: [
    { code: "QUOTA_GUARANTEE_ABOVE_LIMIT", role, kind: "cpus", guarantee: 2_500, limit: 2_000 },
    [role, "2.5 of cpus", "2."],
  ],
  QUOTA_LIMIT_BELOW_CONSUMPTION: [
    { code: "QUOTA_LIMIT_BELOW_CONSUMPTION", role, kind: "cpus", limit: 1_000, consumed: 4_000 },
    [role, "4 of cpus", "limit of 1", "force"],
  ],
  QUOTA_EXCEEDS_CAPACITY: [
    { code: "QUOTA_EXCEEDS_CAPACITY", kind: "cpus", guaranteed: 9_000, capacity: 8_000 },
    ["9 of cpus", "has 8", "force"],
  ],
  QUOTA_REQUEST_EXCEEDS_CAPACITY: [
    { code: "QUOTA_REQUEST_EXCEEDS_CAPACITY", kind: "cpus", guaranteed: 9_000, capacity: 8_000 },
    ["9 of cpus", "has 8", "force"],
  ],
  QUOTA_REQUEST_INVALID: [
    { code: "QUOTA_REQUEST_INVALID", role, problem: "is empty" },
    [role, "is empty"],
  ],
  QUOTA_ALREADY_SET: [{ code: "QUOTA_ALREADY_SET", role }, [role, "UPDATE_QUOTA"]],
  QUOTA_NOT_SET: [{ code: "QUOTA_NOT_SET", role }, [role, "GET_QUOTA"]],
  WINDOW_WITHOUT_MACHINES: [{ code: "WINDOW_WITHOUT_MACHINES", window: 3 }, ["Window 3"]],
  WINDOW_DURATION_NEGATIVE: [{ code: "WINDOW_DURATION_NEGATIVE", window: 3 }, ["Window 3"]],
  MACHINES_MISSING: [{ code: "MACHINES_MISSING" }, ["host name"]],
  MACHINE_UNNAMED: [{ code: "MACHINE_UNNAMED" }, ["host name"]],
  MACHINE_IP_INVALID: [{ code: "MACHINE_IP_INVALID", ip: "1.2.3" }, ["'1.2.3'"]],
  MACHINE_NAMED_TWICE: [{ code: "MACHINE_NAMED_TWICE", machine }, ["m1.test / 10.9.8.7"]],
  MACHINE_DOWN_DROPPED: [
    { code: "MACHINE_DOWN_DROPPED", machine },
    ["m1.test / 10.9.8.7", "STOP_MAINTENANCE"],
  ],
  MACHINE_NOT_SCHEDULED: [
    { code: "MACHINE_NOT_SCHEDULED", machine: { hostname: "", ip: "10.9.8.7" } },
    ["'10.9.8.7'", "UPDATE_MAINTENANCE_SCHEDULE"],
  ],
  MACHINE_IS_DOWN: [{ code: "MACHINE_IS_DOWN", machine }, ["m1.test / 10.9.8.7"]],
  MACHINE_NOT_DOWN: [{ code: "MACHINE_NOT_DOWN", machine }, ["m1.test / 10.9.8.7"]],
  MACHINE_AGENT_DRAINING: [
    { code: "MACHINE_AGENT_DRAINING", machine, agentId },
    ["m1.test / 10.9.8.7", agentId],
  ],
  AGENT_UNKNOWN: [{ code: "AGENT_UNKNOWN", agentId }, [agentId, "GET_AGENTS"]],
  AGENT_NOT_FOUND: [{ code: "AGENT_NOT_FOUND", agentId }, [agentId, "GET_AGENTS"]],
  AGENT_GONE: [{ code: "AGENT_GONE", agentId }, [agentId, "empty work directory"]],
  AGENT_MACHINE_DOWN: [
    { code: "AGENT_MACHINE_DOWN", ...machine },
    ["m1.test / 10.9.8.7", "STOP_MAINTENANCE"],
  ],
  AGENT_IN_MAINTENANCE: [{ code: "AGENT_IN_MAINTENANCE", agentId }, [agentId, "schedule"]],
  AGENT_CANNOT_DRAIN: [{ code: "AGENT_CANNOT_DRAIN", agentId }, [agentId, "AGENT_DRAINING"]],
  GRACE_PERIOD_NEGATIVE: [{ code: "GRACE_PERIOD_NEGATIVE", agentId }, ["negative"]],
  AGENT_ACTIVE: [{ code: "AGENT_ACTIVE", agentId }, [agentId]],
  AGENT_STILL_DRAINING: [{ code: "AGENT_STILL_DRAINING", agentId }, [agentId, "DRAINED"]],
};

test.each(Object.values(samples))("$code is told in a sentence", (error, words) => {
  expect(isOperatorError(error)).toBe(true);
  expect([400, 403, 404, 409]).toContain(operatorStatus(error));
  const sentence = describeOperatorError(error);
  expect(sentence).toMatch(/^[A-Z'].*\.$/);
  expect(sentence).not.toContain("undefined");
  for (const word of words) expect(sentence).toContain(word);
});

test("what another part of the master refused is not described here", () => {
  expect(isOperatorError({ code: "FRAMEWORK_NOT_FOUND", frameworkId: "f" })).toBe(false);
});
