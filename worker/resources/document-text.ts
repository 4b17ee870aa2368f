/**
 * Resources as the documents show them: amounts by name, reservations and other facts left aside.
 */

import type * as mesos from "../protocol/v1/mesos.ts";
import { double, type JsonText, object, string } from "../protocol/wire/json-document.ts";
import { assert, unreachable } from "../std/assert.ts";
import { normalize, reservedRoles, reservedTo, unreserved } from "./algebra.ts";
import { parseResources } from "./parse.ts";
import type { Resource, Resources } from "./resource.ts";
import { formatValue } from "./text.ts";

const ALWAYS_SHOWN = ["disk", "mem", "gpus", "cpus"];

/**
 * `{"disk":0.0,"mem":32.0,"gpus":0.0,"cpus":0.1,"ports":"[31000-31000]"}`: these four scalars are
 * always there.
 */
export function resourcesText(resources: Resources): JsonText {
  const scalars = new Map(ALWAYS_SHOWN.map((name) => [name, 0]));
  const others: Resource[] = [];
  for (const resource of resources) {
    const known = resource.revocable ? undefined : scalars.get(resource.name);
    if (known === undefined || resource.kind !== "SCALAR") others.push(resource);
    else scalars.set(resource.name, known + resource.thousandths);
  }
  const members: Record<string, JsonText> = {};
  for (const [name, thousandths] of scalars) members[name] = double(thousandths / 1_000);
  for (const resource of others.length > 0 ? normalize(others.map(bare)) : others) {
    const text = resource.kind === "SCALAR" ? scalar(resource) : string(formatValue(resource));
    members[resource.revocable ? `${resource.name}_revocable` : resource.name] = text;
  }
  return object(members);
}

/** The same of messages that were checked when they came in. */
export function resourceMessagesText(messages: readonly mesos.Resource[]): JsonText {
  const resources = parseResources(messages);
  assert(resources.ok, "resources that were stored parse");
  return resourcesText(resources.value);
}

/** By the role they are reserved to: `{"web":{"disk":64.0,...}}`. */
export function reservedText(
  total: Resources,
  textOf: (resources: Resources) => JsonText,
): JsonText {
  const roles = reservedRoles(total);
  return object(Object.fromEntries(roles.map((role) => [role, textOf(reservedTo(total, role))])));
}

export function unreservedText(total: Resources): JsonText {
  return resourcesText(unreserved(total));
}

function scalar({ thousandths }: Resource & { kind: "SCALAR" }): JsonText {
  return double(thousandths / 1_000);
}

/**
 * Amounts of one name become one, whomever they are reserved for; revocable ones are counted apart.
 */
function bare(resource: Resource): Resource {
  const { name, revocable } = resource;
  const facts = { name, reservations: [], ...(revocable && { revocable }) };
  switch (resource.kind) {
    case "SCALAR":
      return { ...facts, kind: "SCALAR", thousandths: resource.thousandths };
    case "RANGES":
      return { ...facts, kind: "RANGES", ranges: resource.ranges };
    case "SET":
      return { ...facts, kind: "SET", items: resource.items };
    default:
      return unreachable(resource);
  }
}
