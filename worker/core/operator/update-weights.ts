import type * as master from "../../protocol/v1/master.ts";
import type { Result } from "../../std/result.ts";
import type { CallError } from "../call-error.ts";
import { parseWeights, setWeights, type WeightUpdate } from "../role/weights.ts";
import type { Turn } from "../turn.ts";
import { authorized, carryOut } from "./carry-out.ts";

export function updateWeights(turn: Turn, { update_weights: call }: master.Call): void {
  carryOut(turn, check(turn, call ?? {}), (update) => setWeights(turn, update));
}

function check(turn: Turn, call: master.CallUpdateWeights): Result<WeightUpdate, CallError> {
  const parsed = parseWeights(call.weight_infos ?? []);
  if (!parsed.ok) return parsed;
  const roles = [...parsed.value.keys()];
  return authorized(turn, { type: "UPDATE_WEIGHTS", roles }, parsed.value);
}
