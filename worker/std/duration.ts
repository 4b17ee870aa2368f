import { err, ok, type Result } from "./result.ts";

const UNIT_MS = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  secs: 1_000,
  mins: 60_000,
  hrs: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
} as const;

export type DurationError = { code: "DURATION_MALFORMED"; text: string };

/** Parses Mesos' duration text ("5secs", "1.5mins") into milliseconds. */
export function parseDurationMs(text: string): Result<number, DurationError> {
  const match = /^(-?\d+(?:\.\d+)?)(ns|us|ms|secs|mins|hrs|days|weeks)$/.exec(text);
  if (match === null) return err({ code: "DURATION_MALFORMED", text });
  return ok(Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS]);
}

/** Mesos' duration text of `ms`, in the largest unit that keeps a whole number. */
export function formatDuration(ms: number): string {
  const units = Object.entries(UNIT_MS).toReversed();
  for (const [unit, unitMs] of units) {
    const count = ms / unitMs;
    if (Number.isInteger(count) && (count !== 0 || unit === "secs")) return `${count}${unit}`;
  }
  return `${ms}ms`;
}
