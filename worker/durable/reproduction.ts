/**
 * A stamped input as one line of JSON that can be stepped again: what is logged when a turn fails.
 * Integers of 64 bits and bytes, which JSON lacks, are written as `{"$bigint": "12"}` and
 * `{"$bytes": "base64"}`.
 */
import type { StampedInput } from "../core/input.ts";
import { decodeBase64, encodeBase64 } from "../protocol/wire/base64.ts";

export function formatReproduction(stamped: StampedInput): string {
  return JSON.stringify(stamped, (_, value: unknown) => {
    if (typeof value === "bigint") return { $bigint: String(value) };
    if (value instanceof Uint8Array) return { $bytes: encodeBase64(value) };
    return value;
  });
}

/** Reads what `formatReproduction` wrote; for tests and for whoever looks into a failure. */
export function parseReproduction(line: string): StampedInput {
  return JSON.parse(line, (_, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    if ("$bigint" in value) return BigInt(String(value.$bigint));
    if ("$bytes" in value) return bytes(String(value.$bytes));
    return value;
  });
}

function bytes(base64: string): Uint8Array {
  const decoded = decodeBase64(base64);
  return decoded.ok ? decoded.value : new Uint8Array();
}
