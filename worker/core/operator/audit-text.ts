/** How an entry of the audit log writes what has parts. */
import type { Quantities } from "../../resources/resource.ts";
import type { RoleRow } from "../rows.ts";

/** "guarantees cpus:2;mem:64, limits cpus:4"; a limit of nothing is one. */
export function quotaText({ guarantees, limits }: NonNullable<RoleRow["quota"]>): string {
  const parts = [
    ["guarantees", amountsText(guarantees)],
    ["limits", amountsText(limits)],
  ].filter(([, text]) => text !== "");
  return parts.map((part) => part.join(" ")).join(", ");
}

function amountsText(quantities: Quantities): string {
  const entries = Object.entries(quantities).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([kind, thousandths]) => `${kind}:${thousandths / 1_000}`).join(";");
}
