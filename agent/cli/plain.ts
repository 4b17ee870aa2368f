/**
 * Wire messages as plain objects for `--json` (stable names, no 64-bit integers) and as short text.
 */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";

/**
 * Scalars as numbers, ranges as "31000-32000,33000-33000", sets as lists; equal names are added up.
 */
export type PlainResources = Record<string, number | string | string[]>;

export function plainResources(resources: readonly mesos.Resource[] = []): PlainResources {
  const plain: PlainResources = {};
  for (const { name, scalar, ranges, set } of resources) {
    const before = plain[name];
    if (scalar !== undefined) {
      const sum = (typeof before === "number" ? before : 0) + scalar.value;
      plain[name] = Math.round(sum * 1_000) / 1_000;
    } else if (ranges !== undefined) {
      const text = (ranges.range ?? []).map(({ begin, end }) => `${begin}-${end}`).join(",");
      plain[name] = typeof before === "string" ? `${before},${text}` : text;
    } else if (set !== undefined) {
      plain[name] = [...(Array.isArray(before) ? before : []), ...(set.item ?? [])];
    }
  }
  return plain;
}

/** A scalar of plain resources; 0 when there is none. */
export function scalarIn(resources: PlainResources, name: string): number {
  const value = resources[name];
  return typeof value === "number" ? value : 0;
}

export function attributeText(attribute: mesos.Attribute): string {
  switch (attribute.type) {
    case "TEXT":
      return attribute.text?.value ?? "";
    case "SCALAR":
      return String(attribute.scalar?.value ?? 0);
    case "RANGES":
      return (attribute.ranges?.range ?? []).map(({ begin, end }) => `${begin}-${end}`).join(",");
    case "SET":
      return (attribute.set?.item ?? []).join(",");
  }
}

/** ISO 8601 in UTC, or null. */
export function plainTime(time: mesos.TimeInfo | undefined): string | null {
  return time === undefined ? null : new Date(Number(time.nanoseconds / 1_000_000n)).toISOString();
}
