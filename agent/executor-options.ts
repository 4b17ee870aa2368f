/** The agent's options about executors of frameworks' own. */
import { formatDuration, parseDurationMs } from "../worker/std/duration.ts";
import { err, type Result } from "../worker/std/result.ts";
import { defaultExecutorTimes, EXECUTOR_REREGISTRATION_MAX_MS } from "./core/limits.ts";
import type { ExecutorTimes } from "./core/state.ts";
import type { OptionName } from "./options.ts";
import type { GivenOptions } from "./read-options.ts";

export interface ExecutorOptions {
  readonly times: ExecutorTimes;
  /** Executors that send no token are believed. */
  readonly isTokenOptional: boolean;
}

/** `read` takes note of mistakes. */
export function readExecutorOptions(
  given: GivenOptions,
  read: <T>(result: Result<T, string>, otherwise: T) => T,
): ExecutorOptions {
  const { registrationMs, reregistrationMs, shutdownGraceMs } = defaultExecutorTimes;
  const time = (option: OptionName, otherwiseMs: number, mostMs = Number.POSITIVE_INFINITY) =>
    read(readTime(given, option, { otherwiseMs, mostMs }), otherwiseMs);
  return {
    times: {
      registrationMs: time("executor-registration-timeout", registrationMs),
      reregistrationMs: time(
        "executor-reregistration-timeout",
        reregistrationMs,
        EXECUTOR_REREGISTRATION_MAX_MS,
      ),
      shutdownGraceMs: time("executor-shutdown-grace-period", shutdownGraceMs),
    },
    isTokenOptional: given.has("insecure-local") || given.has("executors-without-token"),
  };
}

function readTime(
  given: GivenOptions,
  option: OptionName,
  { otherwiseMs, mostMs }: { readonly otherwiseMs: number; readonly mostMs: number },
): Result<number, string> {
  const text = given.text(option) ?? formatDuration(otherwiseMs);
  const parsed = parseDurationMs(text);
  if (parsed.ok && parsed.value > 0 && parsed.value <= mostMs) return parsed;
  const most = Number.isFinite(mostMs) ? ` and at most ${formatDuration(mostMs)}` : "";
  return err(
    `${given.label(option)} '${text}' is not a time above 0${most}; write one like 10secs`,
  );
}
