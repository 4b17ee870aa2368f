/** Attributes of an agent as the documents show them. */
import type * as mesos from "../protocol/v1/mesos.ts";
import { double, type JsonText, object, string } from "../protocol/wire/json-document.ts";
import { formatRanges } from "./ranges.ts";

/** Of a name that comes twice the last value is shown. */
export function attributesText(attributes: readonly mesos.Attribute[]): JsonText {
  return object(Object.fromEntries(attributes.map((a) => [a.name, attributeText(a)])));
}

function attributeText({ scalar, ranges, set, text }: mesos.Attribute): JsonText {
  if (scalar !== undefined) return double(scalar.value);
  if (ranges !== undefined) {
    const bounds = (ranges.range ?? []).map(
      ({ begin, end }) => [Number(begin), Number(end)] as const,
    );
    return string(formatRanges(bounds));
  }
  if (set !== undefined) return string(`{${(set.item ?? []).join(", ")}}`);
  return string(text?.value ?? "");
}
