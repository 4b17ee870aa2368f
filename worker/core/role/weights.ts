/** Weights: a role with weight 2 is due twice as much as one with weight 1 (http-semantics 14.3). */
import type * as mesos from "../../protocol/v1/mesos.ts";
import { checkRole } from "../../resources/roles.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { rescindOffer } from "../offer/offer.ts";
import type { RoleError } from "../operator/operator-error.ts";
import type { Turn } from "../turn.ts";
import { putRole } from "./role-row.ts";

/** New weights by role. */
export type WeightUpdate = ReadonlyMap<string, number>;

/** A role that is named twice has the weight named last. */
export function parseWeights(infos: readonly mesos.WeightInfo[]): Result<WeightUpdate, RoleError> {
  const update = new Map<string, number>();
  for (const { role = "", weight } of infos) {
    const problem = checkRole(role);
    if (problem !== undefined) return err({ code: "ROLE_INVALID", role, problem });
    if (!Number.isFinite(weight) || weight <= 0) {
      return err({ code: "WEIGHT_INVALID", role, weight });
    }
    update.set(role, weight);
  }
  return ok(update);
}

/**
 * Sets all of them. When frameworks are subscribed to one of the roles, who is due what has
 * changed: all offers are taken back, and made again by the new weights.
 */
export function setWeights(turn: Turn, update: WeightUpdate): void {
  const { framework, offer } = turn.state.tables;
  for (const [name, weight] of update) putRole(turn.state, name, { weight });
  const isUsed = [...framework.values()].some(({ roles }) => roles.some((r) => update.has(r)));
  if (!isUsed) return;
  for (const row of [...offer.values()]) rescindOffer(turn, row);
}
