/** The three kinds of value, from the wire's numbers to ours. */
import type * as mesos from "../protocol/v1/mesos.ts";
import { err, ok, type Result } from "../std/result.ts";
import type { Ranges } from "./ranges.ts";
import { normalizeRanges } from "./ranges.ts";
import type { ResourceFault } from "./resource-error.ts";

/**
 * The largest scalar: an exabyte in MB, which is what Mesos allows as quota. Thousands of them
 * still add up exactly in thousandths.
 */
export const SCALAR_LIMIT = 1024 ** 4;

const SMALLEST_NORMAL = 2 ** -1022;

/** Thousandths, rounded half away from 0 as Mesos rounds. */
export function parseScalar(name: string, value: number): Result<number, ResourceFault> {
  if (!Number.isFinite(value)) return err({ code: "SCALAR_NOT_FINITE", value });
  if (value === 0) return ok(0);
  if (Math.abs(value) < SMALLEST_NORMAL) return err({ code: "SCALAR_SUBNORMAL", value });
  if (value < 0) return err({ code: "SCALAR_NEGATIVE", value });
  if (value > SCALAR_LIMIT) return err({ code: "SCALAR_TOO_LARGE", value, limit: SCALAR_LIMIT });
  const thousandths = Math.round(value * 1_000);
  if (thousandths === 0) return err({ code: "SCALAR_ROUNDS_TO_ZERO", value });
  if (name === "gpus" && thousandths % 1_000 !== 0) return err({ code: "GPUS_NOT_WHOLE", value });
  return ok(thousandths);
}

/** Normal form. Overlaps are refused: what is given twice was meant as something else. */
export function parseRanges(messages: readonly mesos.ValueRange[]): Result<Ranges, ResourceFault> {
  const limit = Number.MAX_SAFE_INTEGER;
  for (const { begin, end } of messages) {
    if (begin > end) return err({ code: "RANGE_BACKWARDS", begin, end });
    if (end > BigInt(limit)) return err({ code: "RANGE_BOUND_TOO_LARGE", bound: end, limit });
  }
  const ranges = messages
    .map(({ begin, end }) => [Number(begin), Number(end)] as const)
    .sort((a, b) => a[0] - b[0]);
  let last = -1;
  for (const [begin, end] of ranges) {
    if (begin <= last) return err({ code: "RANGES_OVERLAP", bound: begin });
    last = end;
  }
  return ok(normalizeRanges(ranges));
}

/** In the order given. */
export function parseItems(items: readonly string[]): Result<readonly string[], ResourceFault> {
  const seen = new Set<string>();
  for (const item of items) {
    if (seen.has(item)) return err({ code: "ITEM_REPEATED", item });
    seen.add(item);
  }
  return ok(items);
}
