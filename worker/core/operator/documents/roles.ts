import type { MasterState } from "../../state.ts";
import { addAmounts, rolesOverview } from "../role-overview.ts";
import { double, list, object, string, strings } from "./json-text.ts";
import { amountsText } from "./resources.ts";

/** `/roles`: what each role has, is guaranteed, and may have at most. */
export function rolesDocument(state: MasterState): string {
  const texts = rolesOverview(state).map((role) =>
    object({
      name: string(role.name),
      weight: double(role.weight),
      quota: object({
        role: string(role.name),
        guarantee: amountsText(role.guarantees),
        limit: amountsText(role.limits),
        consumed: amountsText(role.consumed),
      }),
      resources: amountsText(addAmounts(role.allocated, role.offered)),
      allocated: amountsText(role.allocated),
      offered: amountsText(role.offered),
      reserved: amountsText(role.reserved),
      frameworks: strings(role.frameworkIds),
    }),
  );
  return object({ roles: list(texts) });
}
