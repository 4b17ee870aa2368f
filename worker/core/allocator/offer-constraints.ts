/**
 * Offer constraints: what a framework demands of an agent, role by role, before it is offered
 * anything of it (http-semantics 12.6).
 *
 * A set is valid or invalid as a whole. Compiled sets and what they say of an agent are derived
 * from rows and kept within bounds: losing them costs time only.
 */
import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { assert } from "../../std/assert.ts";
import { err, ok, type Result } from "../../std/result.ts";
import { agentAttributes, agentDomain } from "../agent/info.ts";
import { OFFER_CONSTRAINTS_LENGTH_MAX } from "../constants.ts";
import type { AgentRow, FrameworkRow } from "../rows.ts";
import { decodeStored } from "../stored.ts";
import type { ConstraintFault, ConstraintsError } from "./constraints-error.ts";
import { compileExpression, type Expression, type ExpressionError } from "./expression.ts";

export interface ConstraintSet {
  /** By role; a role that is not here takes every agent. */
  readonly groups: ReadonlyMap<string, readonly Group[]>;
  /** By agent, then by role. An agent whose facts change is another row. */
  readonly verdicts: WeakMap<AgentRow, Map<string, boolean>>;
}

/** All of them hold. */
type Group = readonly Constraint[];
type Constraint = (agent: AgentRow) => boolean;

/** What an agent has under a name. */
type Value =
  | { readonly kind: "ABSENT" }
  | { readonly kind: "TEXT"; readonly text: string }
  /** A number, ranges or a set: comparisons with a text hold for it whatever they are. */
  | { readonly kind: "NOT_TEXT" };

const ABSENT: Value = { kind: "ABSENT" };

/** The first fault ends it. */
export function compileConstraints(
  message: scheduler.OfferConstraints,
): Result<ConstraintSet, ConstraintsError> {
  const expressions = new Map<string, Expression>();
  const groups = new Map<string, readonly Group[]>();
  for (const [role, constraints] of Object.entries(message.role_constraints ?? {})) {
    const compiled = compileGroups(constraints.groups ?? [], expressions);
    if (!compiled.ok) return err({ role, ...compiled.error });
    groups.set(role, compiled.value);
  }
  return ok({ groups, verdicts: new WeakMap() });
}

/** Whether the framework wants offers of this agent for the role: one of its groups holds. */
export function admits(constraints: ConstraintSet, role: string, agent: AgentRow): boolean {
  const groups = constraints.groups.get(role);
  if (groups === undefined) return true;
  const known = constraints.verdicts.get(agent) ?? new Map<string, boolean>();
  const verdict =
    known.get(role) ?? groups.some((group) => group.every((constraint) => constraint(agent)));
  constraints.verdicts.set(agent, known.set(role, verdict));
  return verdict;
}

/**
 * Of each group of the role the place of the first constraint that does not hold for the agent;
 * only where `admits` is false.
 */
export function failing(
  constraints: ConstraintSet,
  role: string,
  agent: AgentRow,
): readonly number[] {
  const groups = constraints.groups.get(role) ?? [];
  return groups.map((group) => group.findIndex((constraint) => !constraint(agent)));
}

/** Compiled sets by their text. All that are in use fit in; what is over was used longest ago. */
const kept = new Map<string, ConstraintSet>();
let keptLength = 0;

/** What is wrong with the set, of which `text` is the JSON; undefined = nothing. */
export function checkConstraints(
  message: scheduler.OfferConstraints,
  text: string,
): ConstraintsError | undefined {
  if (kept.has(text)) return undefined;
  const compiled = compileConstraints(message);
  if (!compiled.ok) return compiled.error;
  keep(text, compiled.value);
  return undefined;
}

const ofRow = new WeakMap<FrameworkRow, ConstraintSet>();

/** The framework's set; undefined = it has none. Looked up by its row: texts may be long. */
export function constraintsOf(framework: FrameworkRow): ConstraintSet | undefined {
  const { offerConstraints: text } = framework;
  if (text === undefined) return undefined;
  let set = ofRow.get(framework);
  if (set === undefined) {
    set = storedConstraints(text);
    ofRow.set(framework, set);
  }
  return set;
}

/** The set that a row holds as text, which was valid when it came. */
export function storedConstraints(text: string): ConstraintSet {
  const known = kept.get(text);
  if (known !== undefined) {
    keep(text, known);
    return known;
  }
  const compiled = compileConstraints(decodeStored("mesos.v1.scheduler.OfferConstraints", text));
  assert(compiled.ok, "stored offer constraints are valid");
  keep(text, compiled.value);
  return compiled.value;
}

/** As the one that was used last. */
function keep(text: string, set: ConstraintSet): void {
  if (!kept.delete(text)) keptLength += text.length;
  kept.set(text, set);
  for (const oldest of kept.keys()) {
    if (keptLength <= OFFER_CONSTRAINTS_LENGTH_MAX || oldest === text) break;
    kept.delete(oldest);
    keptLength -= oldest.length;
  }
}

function compileGroups(
  messages: readonly scheduler.OfferConstraintsRoleConstraintsGroup[],
  expressions: Map<string, Expression>,
): Result<readonly Group[], ConstraintFault> {
  if (messages.length === 0) return err({ code: "GROUPS_EMPTY" });
  const groups: Group[] = [];
  for (const { attribute_constraints: constraints = [] } of messages) {
    if (constraints.length === 0) return err({ code: "GROUP_EMPTY" });
    const group: Constraint[] = [];
    for (const { selector, predicate } of constraints) {
      const select = compileSelector(selector);
      if (!select.ok) return select;
      const test = compilePredicate(predicate, expressions);
      if (!test.ok) return test;
      group.push((agent) => test.value(select.value(agent)));
    }
    groups.push(group);
  }
  return ok(groups);
}

function compileSelector(
  selector: scheduler.AttributeConstraintSelector,
): Result<(agent: AgentRow) => Value, ConstraintFault> {
  const { attribute_name: name, pseudoattribute_type: type } = selector;
  if ((name === undefined) === (type === undefined)) return err({ code: "SELECTOR_NOT_ONE" });
  if (name !== undefined) return ok((agent) => attributeValue(agent, name));
  switch (type) {
    case "HOSTNAME":
      return ok((agent) => textValue(agent.hostname));
    case "REGION":
      return ok((agent) => textValue(agentDomain(agent)?.fault_domain?.region.name));
    case "ZONE":
      return ok((agent) => textValue(agentDomain(agent)?.fault_domain?.zone.name));
    default:
      return err({ code: "PSEUDOATTRIBUTE_UNKNOWN" });
  }
}

/** Of several attributes of one name the first counts. */
function attributeValue(agent: AgentRow, name: string): Value {
  const attribute = agentAttributes(agent)?.find((candidate) => candidate.name === name);
  if (attribute === undefined) return ABSENT;
  return attribute.type === "TEXT" ? textValue(attributeText(attribute)) : { kind: "NOT_TEXT" };
}

function attributeText({ text }: mesos.Attribute): string {
  return text?.value ?? "";
}

function textValue(text: string | undefined): Value {
  return text === undefined ? ABSENT : { kind: "TEXT", text };
}

function compilePredicate(
  predicate: scheduler.AttributeConstraintPredicate,
  expressions: Map<string, Expression>,
): Result<(value: Value) => boolean, ConstraintFault> {
  const named = Object.values(predicate).filter((part) => part !== undefined);
  if (named.length !== 1) return err({ code: "PREDICATE_NOT_ONE" });
  const { exists, not_exists, text_equals, text_not_equals } = predicate;
  if (exists) return ok(({ kind }) => kind !== "ABSENT");
  if (not_exists) return ok(({ kind }) => kind === "ABSENT");
  if (text_equals) return ok(textIs((text) => text === text_equals.value));
  if (text_not_equals) return ok(textIsNot((text) => text === text_not_equals.value));
  const { text_matches, text_not_matches } = predicate;
  const regex = text_matches?.regex ?? text_not_matches?.regex ?? "";
  const expression = shared(expressions, regex);
  if (!expression.ok) return err({ code: "EXPRESSION_INVALID", regex, why: expression.error });
  return ok(text_matches ? textIs(expression.value) : textIsNot(expression.value));
}

function textIs(test: (text: string) => boolean): (value: Value) => boolean {
  return (value) => (value.kind === "TEXT" ? test(value.text) : value.kind === "NOT_TEXT");
}

/** True also where there is no text to differ from. */
function textIsNot(test: (text: string) => boolean): (value: Value) => boolean {
  return (value) => value.kind !== "TEXT" || !test(value.text);
}

/** Compiles each text of a set once. */
function shared(
  expressions: Map<string, Expression>,
  regex: string,
): Result<Expression, ExpressionError> {
  const known = expressions.get(regex);
  if (known !== undefined) return ok(known);
  const compiled = compileExpression(regex);
  if (compiled.ok) expressions.set(regex, compiled.value);
  return compiled;
}
