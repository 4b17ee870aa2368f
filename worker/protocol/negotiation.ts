/**
 * Which encoding a body is in and which one its answer may have: pure functions of the two headers.
 *
 * Follows Mesos, not RFC 9110: the type of a body is compared exactly, parameters and case
 * included, and the weights of `Accept` do not rank. What to answer with is our order, JSON first;
 * a weight of 0 excludes.
 */

import { unreachable } from "../std/assert.ts";
import { err, ok, type Result } from "../std/result.ts";
import type { MessageEncoding } from "./wire/encoding.ts";

export type MediaType = MessageEncoding | "application/recordio";

export type NegotiationError =
  /** 400. */
  | { readonly code: "CONTENT_TYPE_MISSING"; readonly supported: readonly MediaType[] }
  /** 415. */
  | {
      readonly code: "CONTENT_TYPE_NOT_SUPPORTED";
      readonly contentType: string;
      readonly supported: readonly MediaType[];
    }
  /** 406. */
  | {
      readonly code: "NOTHING_ACCEPTABLE";
      readonly accept: string;
      readonly supported: readonly MediaType[];
    };

/** `header`: the value of `Content-Type`; null or undefined when the request has none. */
export function contentType<T extends MediaType>(
  header: string | null | undefined,
  supported: readonly T[],
): Result<T, NegotiationError> {
  if (header === null || header === undefined) {
    return err({ code: "CONTENT_TYPE_MISSING", supported });
  }
  const found = supported.find((type) => type === header);
  if (found === undefined) {
    return err({ code: "CONTENT_TYPE_NOT_SUPPORTED", contentType: header, supported });
  }
  return ok(found);
}

/**
 * The first of `supported` that the client accepts.
 *
 * `header`: the value of `Accept`, several headers joined by commas as the platform joins them;
 * without one, or with an empty one, everything is accepted.
 */
export function answerType<T extends MediaType>(
  header: string | null | undefined,
  supported: readonly T[],
): Result<T, NegotiationError> {
  const ranges = acceptRanges(header ?? "");
  const found = supported.find((type) => ranges.length === 0 || accepts(ranges, type));
  if (found !== undefined) return ok(found);
  return err({ code: "NOTHING_ACCEPTABLE", accept: header ?? "", supported });
}

/** One sentence: what the header says and what it should say. */
export function describeNegotiationError(error: NegotiationError): string {
  const types = error.supported.join(" or ");
  switch (error.code) {
    case "CONTENT_TYPE_MISSING":
      return `The request has no Content-Type. Set it to ${types}.`;
    case "CONTENT_TYPE_NOT_SUPPORTED":
      return `The Content-Type is '${error.contentType}'. Send ${types}, without parameters.`;
    case "NOTHING_ACCEPTABLE":
      return `Accept is '${error.accept}', but the answer can only be ${types}. Allow one of them.`;
    default:
      return unreachable(error);
  }
}

interface AcceptRange {
  /** Lower case: `application/json`, `application/*` or a star on both sides. */
  readonly range: string;
  readonly isRefused: boolean;
}

function acceptRanges(header: string): readonly AcceptRange[] {
  const entries = header.replaceAll(/[ \t]/g, "").toLowerCase().split(",");
  return entries.filter((entry) => entry !== "").map(acceptRange);
}

function acceptRange(entry: string): AcceptRange {
  const [range = "", ...parameters] = entry.split(";");
  const isRefused = parameters.some((parameter) => /^q=0+(?:\.0*)?$/.test(parameter));
  return { range, isRefused };
}

/** The most specific range decides, and of equal ones the first. */
function accepts(ranges: readonly AcceptRange[], type: MediaType): boolean {
  for (const wanted of [type, `${type.slice(0, type.indexOf("/"))}/*`, "*/*"]) {
    const match = ranges.find(({ range }) => range === wanted);
    if (match !== undefined) return !match.isRefused;
  }
  return false;
}
