import type { RoleRow } from "../rows.ts";
import { type MasterState, newSeq } from "../state.ts";

/** Sets some of what operators set for a role; of which nothing is set has no row. */
export function putRole(
  state: MasterState,
  name: string,
  settings: Partial<Pick<RoleRow, "weight" | "priority" | "quota">>,
): void {
  const { role } = state.tables;
  const known = role.get(name);
  const { weight, priority, quota } = { ...known, ...settings };
  const isDefault = weight === undefined && priority === undefined && quota === undefined;
  if (!isDefault) {
    role.put({ seq: known?.seq ?? newSeq(state), name, weight, priority, quota });
  } else if (known !== undefined) role.delete(name);
}
