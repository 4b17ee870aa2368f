/** An offer constraint as people write one down: "rack = r1", "HOSTNAME matches web-.*". */
import type * as scheduler from "../../../../protocol/v1/scheduler.ts";

export function constraintText({ selector, predicate }: scheduler.AttributeConstraint): string {
  const of = selector.attribute_name ?? selector.pseudoattribute_type ?? "?";
  const { exists, not_exists, text_equals, text_not_equals } = predicate;
  if (exists !== undefined) return `${of} exists`;
  if (not_exists !== undefined) return `${of} does not exist`;
  if (text_equals !== undefined) return `${of} = ${text_equals.value}`;
  if (text_not_equals !== undefined) return `${of} != ${text_not_equals.value}`;
  const { text_matches, text_not_matches } = predicate;
  if (text_matches !== undefined) return `${of} matches ${text_matches.regex}`;
  return `${of} does not match ${text_not_matches?.regex ?? ""}`;
}
