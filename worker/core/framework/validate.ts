/**
 * The semantic checks of SUBSCRIBE and UPDATE_FRAMEWORK (http-semantics 3.3, 11.2). What is wrong
 * is told in one sentence: by an ERROR event on the stream, or as the answer to the update.
 */

import { checkIdentifier } from "../../protocol/identifiers.ts";
import { ROLES_PER_FRAMEWORK } from "../../protocol/limits.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { checkRole } from "../../resources/roles.ts";
import { describeConstraintsError } from "../allocator/constraints-error.ts";
import { checkConstraints } from "../allocator/offer-constraints.ts";
import { FAILOVER_TIMEOUT_MAX_MS, OFFER_CONSTRAINTS_LENGTH_MAX } from "../constants.ts";
import type { FrameworkRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { capabilitiesOf, constraintsText, frameworkInfo, idOf, rolesOf } from "./info.ts";
import { parseOfferFilters } from "./offer-filters.ts";

/** What a framework says of itself and of the offers it wants: the same in both calls. */
export type Wishes = scheduler.CallSubscribe | scheduler.CallUpdateFramework;

/** A sentence, or undefined when the subscription is in order. */
export function validateSubscribe(
  state: MasterState,
  subscribe: scheduler.CallSubscribe,
  known: FrameworkRow | undefined,
): string | undefined {
  return (
    validateWishes(state, subscribe, known) ??
    (known === undefined ? undefined : validatePrincipal(subscribe.framework_info, known))
  );
}

/** As SUBSCRIBE, but what it would keep silently may not change either. */
export function validateUpdate(
  state: MasterState,
  update: scheduler.CallUpdateFramework,
  known: FrameworkRow,
): string | undefined {
  return validateWishes(state, update, known) ?? validateFixed(update.framework_info, known);
}

function validateWishes(
  state: MasterState,
  wishes: Wishes,
  known: FrameworkRow | undefined,
): string | undefined {
  const info = wishes.framework_info;
  return (
    validateId(info) ??
    validateRoles(info) ??
    validateTimeout(info) ??
    validateFilters(info) ??
    validateSuppressed(wishes) ??
    validateConstraints(wishes) ??
    validateRoom(state, wishes, known)
  );
}

function validateId(info: mesos.FrameworkInfo): string | undefined {
  const id = idOf(info);
  if (id === undefined) return undefined;
  const problem = checkIdentifier(id);
  return problem === undefined ? undefined : `framework_info.id '${id}' ${problem}`;
}

function validateRoles(info: mesos.FrameworkInfo): string | undefined {
  const multiRole = capabilitiesOf(info).includes("MULTI_ROLE");
  if (multiRole && info.role !== undefined) {
    return "framework_info.role must not be set by a framework with the MULTI_ROLE capability; use roles";
  }
  if (!multiRole && (info.roles ?? []).length > 0) {
    return "framework_info.roles needs the MULTI_ROLE capability; add it or use role";
  }
  const roles = rolesOf(info);
  if (roles.length > ROLES_PER_FRAMEWORK) {
    return `framework_info.roles has ${roles.length} roles; at most ${ROLES_PER_FRAMEWORK} are accepted`;
  }
  const seen = new Set<string>();
  const repeated = roles.find((role) => seen.size === seen.add(role).size);
  if (repeated !== undefined) return `framework_info.roles names '${repeated}' twice`;
  for (const role of roles) {
    const problem = checkRole(role);
    if (problem !== undefined) return `Role '${role}' is invalid: ${problem}`;
  }
  return undefined;
}

function validateTimeout(info: mesos.FrameworkInfo): string | undefined {
  const seconds = info.failover_timeout ?? 0;
  if (Math.abs(seconds) * 1_000 < FAILOVER_TIMEOUT_MAX_MS) return undefined;
  return `framework_info.failover_timeout ${seconds} is out of range: at most 2^63 ns (about 292 years)`;
}

function validateFilters(info: mesos.FrameworkInfo): string | undefined {
  const parsed = parseOfferFilters(info);
  if (parsed.ok) return undefined;
  const { role, code, name, value } = parsed.error;
  const filter = `framework_info.offer_filters of role '${role}'`;
  if (code === "SET_EMPTY") {
    return `${filter}: a set of min_allocatable_resources has no quantities; name one, or leave the set out`;
  }
  return `${filter}: the quantity of '${name}' is ${value}; it has to be a number from 0 up`;
}

function validateSuppressed(wishes: Wishes): string | undefined {
  const roles = new Set(rolesOf(wishes.framework_info));
  const stranger = (wishes.suppressed_roles ?? []).find((role) => !roles.has(role));
  if (stranger === undefined) return undefined;
  return `suppressed_roles names '${stranger}', which is not among the framework's roles`;
}

function validateConstraints(wishes: Wishes): string | undefined {
  const constraints = wishes.offer_constraints;
  if (constraints === undefined) return undefined;
  const roles = new Set(rolesOf(wishes.framework_info));
  const named = Object.keys(constraints.role_constraints ?? {});
  const stranger = named.find((role) => !roles.has(role));
  if (stranger !== undefined) {
    return `offer_constraints.role_constraints names '${stranger}', which is not among the framework's roles`;
  }
  const error = checkConstraints(constraints, constraintsText(constraints) ?? "");
  return error && describeConstraintsError(error);
}

/** The sets of all frameworks are kept compiled, so that no agent is judged by one that is not. */
function validateRoom(
  { tables }: MasterState,
  wishes: Wishes,
  known: FrameworkRow | undefined,
): string | undefined {
  let total = constraintsText(wishes.offer_constraints)?.length ?? 0;
  if (total === 0) return undefined;
  for (const { id, offerConstraints } of tables.framework.values()) {
    if (id !== known?.id) total += offerConstraints?.length ?? 0;
  }
  if (total <= OFFER_CONSTRAINTS_LENGTH_MAX) return undefined;
  return (
    `With these offer_constraints all frameworks together would have ${total} characters of them; ` +
    `at most ${OFFER_CONSTRAINTS_LENGTH_MAX} are kept. Send fewer, or filter offers in the framework`
  );
}

function validatePrincipal(info: mesos.FrameworkInfo, known: FrameworkRow): string | undefined {
  if (info.principal === known.principal) return undefined;
  return changed("principal", known.principal ?? "", info.principal ?? "");
}

/** Launched tasks and stored state depend on these. */
function validateFixed(info: mesos.FrameworkInfo, known: FrameworkRow): string | undefined {
  const before = frameworkInfo(known);
  if (info.user !== before.user) return changed("user", before.user, info.user);
  const [was, is] = [before.checkpoint ?? false, info.checkpoint ?? false];
  if (was !== is) return changed("checkpoint", String(was), String(is));
  return validatePrincipal(info, known);
}

function changed(field: string, from: string, to: string): string {
  return (
    `Changing framework_info.${field} from '${from}' to '${to}' is not allowed; ` +
    "subscribe as a new framework"
  );
}
