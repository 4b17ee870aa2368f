/**
 * Resources and attributes as people write and read them.
 *
 * `cpus:4;mem:1024;ports:[31000-32000,40000-40010];zones:{a,b}`, with a static reservation
 * `cpus(role):1`; resources also as a JSON list of `mesos.v1.Resource`. Attributes:
 * `rack:r1;level:10;ports:[1-2]`; what is neither number nor ranges is text.
 */

import { REQUEST_JSON } from "../protocol/limits.ts";
import type * as mesos from "../protocol/v1/mesos.ts";
import { decodeJsonValue } from "../protocol/wire/json.ts";
import { parseJson } from "../protocol/wire/json-text.ts";
import { unreachable } from "../std/assert.ts";
import { err, ok, type Result } from "../std/result.ts";
import { parseResources } from "./parse.ts";
import { parseRanges } from "./parse-value.ts";
import { formatRanges } from "./ranges.ts";
import type { Resource, Resources } from "./resource.ts";
import type { TextError } from "./text-error.ts";

export { describeTextError, type TextError } from "./text-error.ts";

/** Reads `--resources`. Blank text is no resources; what names no role is of the default one. */
export function parseResourcesText(
  text: string,
  { defaultRole }: { readonly defaultRole: string } = { defaultRole: "*" },
): Result<Resources, TextError> {
  const messages = text.trim().startsWith("[") ? readJson(text) : readPieces(text, readResource);
  if (!messages.ok) return messages;
  const isOpen = ({ role, reservations = [] }: mesos.Resource): boolean =>
    role === undefined && reservations.length === 0;
  const resources = parseResources(
    messages.value.map((each) => (isOpen(each) ? { ...each, role: defaultRole } : each)),
  );
  return resources.ok ? resources : err({ code: "RESOURCE_INVALID", error: resources.error });
}

/** Reads `--attributes`. Blank text is no attributes; a name may come twice. */
export function parseAttributesText(text: string): Result<mesos.Attribute[], TextError> {
  return readPieces(text, readAttribute);
}

/** "cpus:4; mem:1024; disk(web)[data]:64; ports:[31000-32000]"; "nothing" when there is nothing. */
export function formatResources(resources: Resources): string {
  if (resources.length === 0) return "nothing";
  return resources
    .map((resource) => `${formatFacts(resource)}:${formatValue(resource)}`)
    .join("; ");
}

/** The amount alone, as the state documents write it: "4.5", "[31000-32000]", "{a, b}". */
export function formatValue(resource: Resource): string {
  switch (resource.kind) {
    case "SCALAR":
      return String(resource.thousandths / 1_000);
    case "RANGES":
      return formatRanges(resource.ranges);
    case "SET":
      return `{${resource.items.join(", ")}}`;
    default:
      return unreachable(resource);
  }
}

function formatFacts({ name, reservations, disk, revocable, shared }: Resource): string {
  const roles = reservations.map(({ role }) => role).join(", ");
  const volume = disk?.persistence?.id;
  return [
    name,
    roles && `(${roles})`,
    volume && `[${volume}]`,
    revocable && "{REVOCABLE}",
    shared && "{SHARED}",
  ]
    .filter(Boolean)
    .join("");
}

function readJson(text: string): Result<readonly mesos.Resource[], TextError> {
  const json = parseJson(text, REQUEST_JSON);
  if (!json.ok) return err({ code: "JSON_INVALID", error: json.error });
  // This message is nothing but a list of resources, so that an error names the place in the list.
  const holder = decodeJsonValue("mesos.v1.Request", { resources: json.value });
  if (!holder.ok) return err({ code: "JSON_INVALID", error: holder.error });
  return ok(holder.value.resources ?? []);
}

function readPieces<T>(
  text: string,
  read: (piece: Piece) => Result<T, TextError>,
): Result<T[], TextError> {
  const values: T[] = [];
  for (const piece of text.split(";").map((part) => part.trim())) {
    if (piece === "") continue;
    const colon = piece.indexOf(":");
    if (colon < 0) return err({ code: "COLON_MISSING", piece });
    const name = piece.slice(0, colon).trim();
    if (name === "") return err({ code: "NAME_MALFORMED", piece });
    const value = read({ piece, name, value: piece.slice(colon + 1).trim() });
    if (!value.ok) return value;
    values.push(value.value);
  }
  return ok(values);
}

interface Piece {
  /** The whole of it, for errors. */
  readonly piece: string;
  readonly name: string;
  readonly value: string;
}

function readResource({ piece, name, value }: Piece): Result<mesos.Resource, TextError> {
  const match = /^([^()]+)(?:\(([^()]*)\))?$/.exec(name);
  if (match === null) return err({ code: "NAME_MALFORMED", piece });
  const facts = { name: (match[1] as string).trim(), role: match[2]?.trim() };
  if (value.startsWith("[")) {
    const range = readRanges(value);
    if (range === undefined) return err({ code: "RANGES_MALFORMED", piece });
    return ok({ ...facts, type: "RANGES", ranges: { range } });
  }
  if (value.startsWith("{")) {
    const item = readItems(value);
    if (item === undefined) return err({ code: "SET_MALFORMED", piece });
    return ok({ ...facts, type: "SET", set: { item } });
  }
  if (!isNumber(value)) return err({ code: "VALUE_MALFORMED", piece });
  return ok({ ...facts, type: "SCALAR", scalar: { value: Number(value) } });
}

function readAttribute({ piece, name, value }: Piece): Result<mesos.Attribute, TextError> {
  if (value === "") return err({ code: "ATTRIBUTE_EMPTY", piece });
  if (value.startsWith("{")) return err({ code: "ATTRIBUTE_IS_SET", piece });
  if (isNumber(value)) return ok({ name, type: "SCALAR", scalar: { value: Number(value) } });
  if (!value.startsWith("[")) return ok({ name, type: "TEXT", text: { value } });
  const range = readRanges(value);
  if (range === undefined) return err({ code: "RANGES_MALFORMED", piece });
  const ranges = parseRanges(range);
  if (!ranges.ok) return err({ code: "ATTRIBUTE_INVALID", name, fault: ranges.error });
  return ok({ name, type: "RANGES", ranges: { range } });
}

/** "[1-2, 5-9]"; undefined when it is not that. */
function readRanges(value: string): readonly mesos.ValueRange[] | undefined {
  if (!value.endsWith("]")) return undefined;
  const ranges: mesos.ValueRange[] = [];
  for (const part of listed(value)) {
    const match = /^(\d{1,20})\s*-\s*(\d{1,20})$/.exec(part);
    if (match === null) return undefined;
    ranges.push({ begin: BigInt(match[1] as string), end: BigInt(match[2] as string) });
  }
  return ranges;
}

/** "{a, b}"; undefined when it is not that. */
function readItems(value: string): readonly string[] | undefined {
  if (!value.endsWith("}")) return undefined;
  const items = listed(value);
  return items.every((item) => /^[^{}[\]]+$/.test(item)) ? items : undefined;
}

/** The parts between brackets; none for "[]". */
function listed(value: string): readonly string[] {
  const inner = value.slice(1, -1).trim();
  return inner === "" ? [] : inner.split(",").map((part) => part.trim());
}

/**
 * Decimal numbers only: what `Number` takes beyond them ("", "0x1f", "Infinity") is a typing error
 * here.
 */
function isNumber(value: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value);
}
