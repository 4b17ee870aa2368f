import { err, ok, type Result } from "./result.ts";

const UNIT_BYTES = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 } as const;

export type BytesError = { readonly code: "BYTES_MALFORMED"; readonly text: string };

/** Parses Mesos' amounts of bytes ("64MB", "1.5GB"; a KB has 1024) into whole bytes. */
export function parseBytes(text: string): Result<number, BytesError> {
  const match = /^(\d+(?:\.\d+)?)(B|KB|MB|GB|TB)$/.exec(text);
  if (match === null) return err({ code: "BYTES_MALFORMED", text });
  // The pattern has let in nothing but the table's units.
  return ok(Math.floor(Number(match[1]) * UNIT_BYTES[match[2] as keyof typeof UNIT_BYTES]));
}

/** "64MB": in the largest unit that keeps a whole number. */
export function formatBytes(bytes: number): string {
  for (const [unit, unitBytes] of Object.entries(UNIT_BYTES).toReversed()) {
    if (bytes !== 0 && Number.isInteger(bytes / unitBytes)) return `${bytes / unitBytes}${unit}`;
  }
  return `${bytes}B`;
}
