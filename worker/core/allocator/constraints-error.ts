/** Why offer constraints are refused: the fault, and the sentence about it. */
import { unreachable } from "../../std/assert.ts";
import type { ExpressionError } from "./expression.ts";

export type ConstraintsError = { readonly role: string } & ConstraintFault;

export type ConstraintFault =
  | { readonly code: "GROUPS_EMPTY" | "GROUP_EMPTY" }
  | { readonly code: "SELECTOR_NOT_ONE" | "PSEUDOATTRIBUTE_UNKNOWN" | "PREDICATE_NOT_ONE" }
  | { readonly code: "EXPRESSION_INVALID"; readonly regex: string; readonly why: ExpressionError };

/** Characters of an expression that a sentence repeats. */
const QUOTED = 64;

export function describeConstraintsError(error: ConstraintsError): string {
  return `The offer_constraints of role '${error.role}' are not valid: ${describeFault(error)}`;
}

function describeFault(fault: ConstraintFault): string {
  switch (fault.code) {
    case "GROUPS_EMPTY":
      return "they have no groups; name one, or leave the role out to take every agent";
    case "GROUP_EMPTY":
      return "a group has no attribute_constraints; leave the group out";
    case "SELECTOR_NOT_ONE":
      return "a selector has to have either attribute_name or pseudoattribute_type";
    case "PSEUDOATTRIBUTE_UNKNOWN":
      return "a pseudoattribute_type is none of HOSTNAME, REGION and ZONE";
    case "PREDICATE_NOT_ONE":
      return "an 'AttributeConstraint' has to have exactly one predicate that is known here";
    case "EXPRESSION_INVALID":
      return `the expression '${fault.regex.slice(0, QUOTED)}' ${describeExpression(fault.why)}`;
    default:
      return unreachable(fault);
  }
}

function describeExpression(error: ExpressionError): string {
  switch (error.code) {
    case "EXPRESSION_TOO_LONG":
      return `is longer than ${error.limit} bytes`;
    case "EXPRESSION_TOO_LARGE":
      return `compiles to more than ${error.limit} instructions; repeat less, or use several`;
    case "EXPRESSION_MALFORMED":
      return `is not in RE2's syntax: ${error.problem}`;
    default:
      return unreachable(error);
  }
}
