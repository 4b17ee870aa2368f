import type * as master from "../../protocol/v1/master.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type { MasterState } from "../state.ts";

/** The roles that an operator gave a weight; without any, the answer has no list either. */
export function getWeights(state: MasterState): master.Response {
  const infos: mesos.WeightInfo[] = [];
  for (const { name: role, weight } of state.tables.role.values()) {
    if (weight !== undefined) infos.push({ role, weight });
  }
  if (infos.length === 0) return { type: "GET_WEIGHTS" };
  return { type: "GET_WEIGHTS", get_weights: { weight_infos: infos } };
}
