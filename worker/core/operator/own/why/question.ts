/** Who asks for what, and of which agents: what an operator's question comes down to. */
import type * as own from "../../../../protocol/own/operator.ts";
import { ANY_ROLE, checkRole, isStrictlyBelow } from "../../../../resources/roles.ts";
import { err, ok, type Result } from "../../../../std/result.ts";
import type { CallError } from "../../../call-error.ts";
import type { AgentRow, FrameworkRow } from "../../../rows.ts";
import type { MasterState } from "../../../state.ts";
import { agentNamed, frameworkNamed, roleNamed, shapeOf } from "../names.ts";
import { ANYBODY, type Asker } from "./explain.ts";
import type { Problem } from "./finding.ts";

export interface Question {
  readonly askers: readonly Asker[];
  /** Undefined: all agents. */
  readonly agent: AgentRow | undefined;
  /** One framework is asked about: what could serve it is told also while it wants nothing. */
  readonly isOfOne: boolean;
}

/** Yields where the reader may pause. */
export function* questionOf(
  state: MasterState,
  nowMs: number,
  asked: own.Why,
): Generator<undefined, Result<Question, CallError>> {
  const agent = asked.agent === undefined ? undefined : agentNamed(state, asked.agent);
  if (agent !== undefined && !agent.ok) return agent;
  const shape = asked.resources === undefined ? undefined : shapeOf(asked.resources);
  if (shape !== undefined && !shape.ok) return shape;
  const wish = (framework: FrameworkRow, role: string): FrameworkRow =>
    shape === undefined
      ? framework
      : { ...framework, offerMinimums: [{ role, anyOf: [shape.value] }] };
  const place = agent?.value;
  if (asked.framework !== undefined) {
    const framework = yield* frameworkNamed(state, asked.framework);
    if (!framework.ok) return framework;
    const roles = asked.role === undefined ? framework.value.roles : [asked.role];
    const [role = ""] = roles;
    const problem = asked.role === undefined ? undefined : checkRole(role);
    if (problem !== undefined) return err({ code: "ROLE_INVALID", role, problem });
    const askers = roles.map((each) => askerOf(wish(framework.value, each), each, nowMs));
    return ok({ askers, agent: place, isOfOne: true });
  }
  if (shape !== undefined) {
    const role = asked.role ?? ANY_ROLE;
    const problem = checkRole(role);
    if (problem !== undefined) return err({ code: "ROLE_INVALID", role, problem });
    const framework = wish(anyFramework(role, nowMs), role);
    return ok({ askers: [{ framework, role, problem: undefined }], agent: place, isOfOne: true });
  }
  if (asked.role === undefined && place === undefined) return err({ code: "QUESTION_EMPTY" });
  const role = asked.role === undefined ? undefined : roleNamed(state, asked.role);
  if (role !== undefined && !role.ok) return role;
  const askers = subscribersIn(state, role?.value, nowMs);
  return ok({ askers, agent: place, isOfOne: false });
}

/** Everybody who subscribes to the role or to one below it; undefined: to any. */
function subscribersIn(
  { tables }: MasterState,
  role: string | undefined,
  nowMs: number,
): readonly Asker[] {
  const isIn = (each: string): boolean =>
    role === undefined || each === role || isStrictlyBelow(each, role);
  return tables.framework.rows().flatMap((framework) => {
    return framework.roles.filter(isIn).map((each) => askerOf(framework, each, nowMs));
  });
}

function askerOf(framework: FrameworkRow, role: string, nowMs: number): Asker {
  return { framework, role, problem: problemOf(framework, role, nowMs) };
}

/** What stands against every offer to it. */
export function problemOf(
  framework: FrameworkRow,
  role: string,
  nowMs: number,
): Problem | undefined {
  const { connection, roles, suppressedRoles } = framework;
  if (connection.state !== "CONNECTED") {
    const since_seconds = Math.max(0, nowMs - connection.sinceMs) / 1_000;
    const until_seconds = Math.max(0, connection.removeAtMs - nowMs) / 1_000;
    return { reason: "FRAMEWORK_AWAY", since_seconds, until_seconds };
  }
  if (!roles.includes(role)) return { reason: "NOT_SUBSCRIBED_TO_ROLE", role };
  return suppressedRoles.includes(role) ? { reason: "SUPPRESSED", role } : undefined;
}

/** One that understands everything and has nothing yet: whoever would run the task. */
function anyFramework(role: string, nowMs: number): FrameworkRow {
  return {
    seq: Number.MAX_SAFE_INTEGER,
    id: ANYBODY,
    info: "{}",
    roles: [role],
    suppressedRoles: [],
    capabilities: [
      "GPU_RESOURCES",
      "MULTI_ROLE",
      "PARTITION_AWARE",
      "REGION_AWARE",
      "RESERVATION_REFINEMENT",
      "REVOCABLE_RESOURCES",
      "SHARED_RESOURCES",
    ],
    failoverTimeoutMs: 0,
    registeredMs: nowMs,
    reregisteredMs: nowMs,
    connection: { state: "DISCONNECTED", sinceMs: nowMs, removeAtMs: nowMs },
  };
}
