/** Guarantees and limits as the reference allocator counts them (http-semantics 12.3, 14.2). */

import { isIndivisible } from "../../../worker/resources/compare.ts";
import type { Resource, Resources } from "../../../worker/resources/resource.ts";
import type { Given, Snapshot } from "./reference.ts";

/** A snapshot with the offers that were decided since. */
export type Books = Snapshot;

export type Stage = "GUARANTEED" | "REST";

export function topOf(role: string): string {
  return role.split("/")[0] ?? "";
}

/** Whether the top-level role has less of something than it is guaranteed. */
export function lacksGuarantee(books: Books, top: string): boolean {
  return kindsOf(books).some((kind) => lackOf(books, top, kind) > 0);
}

/**
 * What of `wanted` the role may have. Only scalars that are neither reserved nor revocable are
 * measured: first up to what the role is guaranteed and lacks, then as far as the limit reaches and
 * nobody else's guarantee is touched.
 */
export function cutToQuota(books: Books, role: string, wanted: Resources, stage: Stage): Resources {
  if (books.roles.every(({ quota }) => quota === undefined)) return wanted;
  const top = topOf(role);
  const budgets = new Map<string, number>();
  let isOwedSomething = false;
  for (const { name } of wanted.filter(isMeasured)) {
    if (budgets.has(name)) continue;
    const there = sum(wanted.filter((resource) => isMeasured(resource) && resource.name === name));
    const owed = stage === "REST" ? 0 : Math.min(there, lackOf(books, top, name));
    if (owed > 0) isOwedSomething = true;
    const room = limitOf(books, top, name) - consumed(books, top, name) - owed;
    budgets.set(name, owed + Math.max(0, Math.min(room, spare(books, name))));
  }
  if (stage === "GUARANTEED" && !isOwedSomething) return [];
  return wanted.flatMap((resource) => cut(resource, { budgets, role, stage }));
}

function cut(
  resource: Resource,
  { budgets, role, stage }: { budgets: Map<string, number>; role: string; stage: Stage },
): Resources {
  if (resource.kind !== "SCALAR" || !isMeasured(resource)) {
    const isReserved = resource.kind === "SCALAR" && !resource.revocable;
    const waits = stage === "GUARANTEED" && isReserved && ownerOf(resource) !== role;
    return waits ? [] : [resource];
  }
  const budget = budgets.get(resource.name) ?? 0;
  const thousandths = Math.min(resource.thousandths, budget);
  if (thousandths === 0) return [];
  if (thousandths < resource.thousandths && isIndivisible(resource)) return [];
  budgets.set(resource.name, budget - thousandths);
  return [{ ...resource, thousandths }];
}

function isMeasured(resource: Resource): boolean {
  return resource.kind === "SCALAR" && resource.reservations.length === 0 && !resource.revocable;
}

function ownerOf({ reservations }: Resource): string | undefined {
  return reservations.at(-1)?.role;
}

function kindsOf({ roles }: Books): readonly string[] {
  const kinds = roles.flatMap(({ quota }) => Object.keys({ ...quota?.guarantees }));
  return [...new Set(kinds)];
}

function guaranteeOf({ roles }: Books, top: string, kind: string): number {
  return roles.find(({ name }) => name === top)?.quota?.guarantees[kind] ?? 0;
}

function limitOf({ roles }: Books, top: string, kind: string): number {
  const limit = roles.find(({ name }) => name === top)?.quota?.limits[kind];
  return limit ?? Number.POSITIVE_INFINITY;
}

/** What the role has: all that is reserved in its tree, and what its tree holds beside that. */
function consumed(books: Books, top: string, kind: string): number {
  const isOfTree = (resource: Resource): boolean => {
    const owner = ownerOf(resource);
    return owner !== undefined && topOf(owner) === top && resource.name === kind;
  };
  const reserved = agentsIn(books).flatMap(({ total }) => total.filter(isOfTree));
  const held = books.holds.filter(({ role }) => topOf(role) === top);
  return sum(reserved) + measuredOf(held, kind);
}

function lackOf(books: Books, top: string, kind: string): number {
  return Math.max(0, guaranteeOf(books, top, kind) - consumed(books, top, kind));
}

/** Free of agents in service beyond what all roles together lack; any amount if they lack none. */
function spare(books: Books, kind: string): number {
  let required = 0;
  for (const { name } of books.roles) required += lackOf(books, name, kind);
  if (required === 0) return Number.POSITIVE_INFINITY;
  let free = 0;
  for (const { id, total, service } of agentsIn(books)) {
    if (service.state !== "ACTIVE") continue;
    const all = sum(total.filter((each) => isMeasured(each) && each.name === kind));
    const held = books.holds.filter(({ agentId }) => agentId === id);
    free += Math.max(0, all - measuredOf(held, kind));
  }
  return free - required;
}

function measuredOf(holds: readonly Given[], kind: string): number {
  const resources = holds.flatMap((hold) => hold.resources);
  return sum(resources.filter((each) => isMeasured(each) && each.name === kind));
}

function agentsIn({ agents }: Books): Snapshot["agents"] {
  return agents.filter(({ connection }) => connection.state === "CONNECTED");
}

function sum(resources: Resources): number {
  let thousandths = 0;
  for (const resource of resources) {
    if (resource.kind === "SCALAR") thousandths += resource.thousandths;
  }
  return thousandths;
}
