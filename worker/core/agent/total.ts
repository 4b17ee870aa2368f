/**
 * What an agent has when it registers: what it is configured with, and what operations made of that
 * before. Reservations and volumes are promises to others, so they outlive the agent's process.
 */
import { add, common, contains, subtract } from "../../resources/algebra.ts";
import {
  asConfigured,
  isDynamicallyReserved,
  isPersistentVolume,
} from "../../resources/conversion.ts";
import { parseResources } from "../../resources/parse.ts";
import type { Resource, Resources } from "../../resources/resource.ts";
import { assert } from "../../std/assert.ts";
import type { AgentRow } from "../rows.ts";
import { agentInfo } from "./info.ts";

/**
 * Of an agent that comes back with another configuration, reservations that still fit stay, and so
 * do all volumes: their data is there.
 */
export function totalAtReturn(known: AgentRow, configured: Resources): Resources {
  const before = parseResources(agentInfo(known).resources);
  assert(before.ok, "a registered agent's resources are well-formed");
  if (contains(before.value, configured) && contains(configured, before.value)) return known.total;
  const volumes = known.total.filter(isPersistentVolume);
  const reserved = known.total.filter(
    (entry) => isDynamicallyReserved(entry) && !isPersistentVolume(entry),
  );
  let rest = configured;
  const kept: Resource[] = [];
  for (const entry of [...volumes, ...reserved]) {
    const origin = asConfigured([entry]);
    if (!contains(rest, origin) && !isPersistentVolume(entry)) continue;
    rest = subtract(rest, common(rest, origin));
    kept.push(entry);
  }
  return kept.reduce<Resources>((total, entry) => add(total, [entry]), rest);
}
