/** The cluster's allocation policy: which it is, and changing it. */
import type * as own from "../../../protocol/own/operator.ts";
import { assert } from "../../../std/assert.ts";
import { nearest } from "../../../std/nearest.ts";
import { err, ok, type Result } from "../../../std/result.ts";
import { isPolicyName, type PolicyName, policies } from "../../allocator/policies/index.ts";
import type { CallError } from "../../call-error.ts";
import { rescindOffer } from "../../offer/offer.ts";
import type { MasterState } from "../../state.ts";
import type { Turn } from "../../turn.ts";
import { authorized, carryOut } from "../carry-out.ts";
import type { OwnReading } from "./index.ts";

export function* getPolicy({ tables }: MasterState): OwnReading {
  const policy = tables.cluster.get("cluster")?.policy ?? "";
  yield;
  return ok({ policy: { policy, policies: Object.keys(policies) } });
}

export function setPolicy(turn: Turn, { set_policy: call }: own.Call): void {
  carryOut(turn, check(turn, call?.policy ?? ""), (policy) => change(turn, policy));
}

function check(turn: Turn, policy: string): Result<PolicyName, CallError> {
  if (isPolicyName(policy)) return authorized(turn, { type: "UPDATE_POLICY" }, policy);
  const known = Object.keys(policies);
  return err({ code: "POLICY_UNKNOWN", policy, known, meant: nearest(policy, known) });
}

/**
 * Who comes first is another question from now on: all offers are taken back, and made again by
 * the new policy in the same turn. With the policy that there is already, nothing happens.
 */
function change(turn: Turn, policy: PolicyName): void {
  const { cluster, offer } = turn.state.tables;
  const row = cluster.get("cluster");
  assert(row !== undefined, "RESTARTED came before every other input");
  if (row.policy === policy) return;
  cluster.put({ ...row, policy });
  for (const outstanding of [...offer.values()]) rescindOffer(turn, outstanding);
}
