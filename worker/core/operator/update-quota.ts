import type * as master from "../../protocol/v1/master.ts";
import { err, type Result } from "../../std/result.ts";
import type { CallError } from "../call-error.ts";
import { checkQuotaUpdate, parseQuotaConfigs, type QuotaUpdate, setQuotas } from "../role/quota.ts";
import type { Turn } from "../turn.ts";
import { authorized, carryOut } from "./carry-out.ts";

/** Sets the quotas of some roles, all or none; with `force` also what cannot be kept to now. */
export function updateQuota(turn: Turn, { update_quota: call }: master.Call): void {
  carryOut(turn, check(turn, call ?? {}), (update) => setQuotas(turn, update));
}

function check(turn: Turn, call: master.CallUpdateQuota): Result<QuotaUpdate, CallError> {
  const parsed = parseQuotaConfigs(call.quota_configs ?? []);
  if (!parsed.ok) return parsed;
  const roles = [...parsed.value.keys()];
  const allowed = authorized(turn, { type: "UPDATE_QUOTA", roles }, parsed.value);
  if (!allowed.ok || call.force === true) return allowed;
  const problem = checkQuotaUpdate(turn.state, parsed.value);
  return problem === undefined ? parsed : err(problem);
}
