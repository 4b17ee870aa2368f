import type * as master from "../../protocol/v1/master.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as quota from "../../protocol/v1/quota.ts";
import { describeResourceError, parseResources } from "../../resources/parse.ts";
import { err, ok, type Result } from "../../std/result.ts";
import type { CallError } from "../call-error.ts";
import { checkQuotaUpdate, parseQuotaConfigs, type QuotaUpdate, setQuotas } from "../role/quota.ts";
import type { Turn } from "../turn.ts";
import { authorized, carryOut } from "./carry-out.ts";

/** The older way to give a role a quota: what it is guaranteed is also its limit. */
export function setQuota(turn: Turn, { set_quota: call }: master.Call): void {
  carryOut(turn, check(turn, call?.quota_request ?? {}), (update) => setQuotas(turn, update));
}

function check(turn: Turn, request: quota.QuotaRequest): Result<QuotaUpdate, CallError> {
  const { role = "", guarantee = [], force = false } = request;
  const problem = guaranteeProblem(guarantee);
  if (problem !== undefined) return err({ code: "QUOTA_REQUEST_INVALID", role, problem });
  const amounts = Object.fromEntries(
    guarantee.map(({ name, scalar }) => [name, { value: scalar?.value ?? 0 }]),
  );
  const parsed = parseQuotaConfigs([{ role, guarantees: amounts, limits: amounts }]);
  if (!parsed.ok) return parsed;
  if (turn.state.tables.role.get(role)?.quota !== undefined) {
    return err({ code: "QUOTA_ALREADY_SET", role });
  }
  const allowed = authorized(turn, { type: "UPDATE_QUOTA", roles: [role] }, parsed.value);
  if (!allowed.ok || force) return allowed;
  const unmet = checkQuotaUpdate(turn.state, parsed.value);
  if (unmet === undefined) return ok(parsed.value);
  if (unmet.code !== "QUOTA_EXCEEDS_CAPACITY") return err(unmet);
  return err({ ...unmet, code: "QUOTA_REQUEST_EXCEEDS_CAPACITY" });
}

/** Undefined: every kind once, as a plain amount. */
function guaranteeProblem(guarantee: readonly mesos.Resource[]): string | undefined {
  if (guarantee.length === 0) return "is empty; name at least one resource";
  const parsed = parseResources(guarantee);
  if (!parsed.ok) return `is no list of resources: ${describeResourceError(parsed.error)}`;
  const names = new Set<string>();
  for (const resource of guarantee) {
    const { name } = resource;
    if (resource.type !== "SCALAR") return `has '${name}', which is not a scalar`;
    const isReserved = resource.reservation !== undefined || resource.reservations?.length;
    if (isReserved || (resource.role ?? "*") !== "*") {
      return `has '${name}' with a reservation; leave that out`;
    }
    if (resource.disk !== undefined) return `has '${name}' with a disk; leave that out`;
    if (resource.revocable !== undefined) return `has revocable '${name}'; leave that out`;
    if (names.has(name)) return `has '${name}' twice; name it once`;
    names.add(name);
  }
  return undefined;
}
