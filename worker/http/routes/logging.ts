/**
 * How much the master logs: `/logging/toggle`, and the operator API's SET_LOGGING_LEVEL. What the
 * levels mean is in `durable/verbosity.ts`.
 */
import type * as master from "../../protocol/v1/master.ts";
import { parseDurationMs } from "../../std/duration.ts";
import type { EdgeContext } from "../context.ts";
import { callNotServed, emptyAnswer, refusedCall } from "../respond.ts";
import {
  badLoggingDuration,
  badLoggingLevel,
  loggingLevel,
  loggingParameterMissing,
} from "../respond-process.ts";

/** The largest level that a call can name. */
const LEVEL_MAX = 2 ** 32 - 1;

/** `level` and `duration` raise the level for a while; without them the answer is the level. */
export async function loggingToggleRoute(context: EdgeContext): Promise<Response> {
  const { level: levelText, duration: durationText } = context.req.query();
  if (levelText === undefined && durationText === undefined) return await current(context);
  if (levelText === undefined) return loggingParameterMissing("level");
  if (durationText === undefined) return loggingParameterMissing("duration");
  const level = /^\d+$/.test(levelText) ? Number(levelText) : Number.NaN;
  if (!(level <= LEVEL_MAX)) return badLoggingLevel(levelText);
  const duration = parseDurationMs(durationText);
  if (!duration.ok) return badLoggingDuration(durationText);
  return await raise(context, { level, durationMs: duration.value });
}

export async function setLoggingLevel(
  context: EdgeContext,
  { level, duration }: master.CallSetLoggingLevel,
): Promise<Response> {
  return await raise(context, { level, durationMs: Number(duration.nanoseconds) / 1e6 });
}

async function current(context: EdgeContext): Promise<Response> {
  const type = "GET_LOGGING_LEVEL";
  const { master } = context.get("cluster");
  const answer = await master.read(context.get("principal"), { type });
  if (answer?.get_logging_level === undefined) return callNotServed(type);
  return loggingLevel(answer.get_logging_level.level);
}

async function raise(
  context: EdgeContext,
  setting: { readonly level: number; readonly durationMs: number },
): Promise<Response> {
  const { master } = context.get("cluster");
  const refusal = await master.setLoggingLevel(context.get("principal"), setting);
  return refusal === undefined ? emptyAnswer(200) : refusedCall(refusal);
}
