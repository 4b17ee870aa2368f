import type * as master from "../../protocol/v1/master.ts";
import { err, type Result } from "../../std/result.ts";
import type { CallError } from "../call-error.ts";
import { setQuotas } from "../role/quota.ts";
import type { Turn } from "../turn.ts";
import { authorized, carryOut } from "./carry-out.ts";

export function removeQuota(turn: Turn, { remove_quota: call }: master.Call): void {
  carryOut(turn, check(turn, call?.role ?? ""), (role) =>
    setQuotas(turn, new Map([[role, undefined]])),
  );
}

function check(turn: Turn, role: string): Result<string, CallError> {
  const isSet = turn.state.tables.role.get(role)?.quota !== undefined;
  if (!isSet) return err({ code: "QUOTA_NOT_SET", role });
  return authorized(turn, { type: "UPDATE_QUOTA", roles: [role] }, role);
}
