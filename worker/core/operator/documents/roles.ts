import {
  double,
  type JsonText,
  message,
  object,
  string,
  strings,
} from "../../../protocol/wire/json-document.ts";
import type { MasterState } from "../../state.ts";
import { type Amounts, addAmounts, type RoleOverview, rolesOverview } from "../role-overview.ts";
import { roleStanding } from "../role-standing.ts";
import type { Snapshot } from "../snapshot.ts";
import { type LongText, listPieces, longDocument } from "./long-text.ts";

/** `/roles`: what each role has, is guaranteed, and may have at most. */
export function rolesDocument(state: MasterState): LongText {
  return longDocument(state, (snapshot) => ({ roles: () => listPieces(roleTexts(snapshot)) }));
}

function* roleTexts(snapshot: Snapshot): Generator<JsonText | undefined> {
  for (const role of yield* rolesOverview(snapshot)) yield roleText(role);
}

function roleText(role: RoleOverview): JsonText {
  return object({
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
    rimrock: message("rimrock.operator.RoleStanding", roleStanding(role)),
  });
}

function amountsText(amounts: Amounts): JsonText {
  const entries = Object.entries(amounts).map(([name, amount]) => [name, double(amount)]);
  return object(Object.fromEntries(entries));
}
