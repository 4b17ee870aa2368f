/** The semantic checks of SUBSCRIBE. A refusal is one ERROR event on the stream (http-semantics 3.3). */

import { checkIdentifier } from "../../protocol/identifiers.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { checkRole } from "../../resources/roles.ts";
import { FAILOVER_TIMEOUT_MAX_MS } from "../constants.ts";
import type { FrameworkRow } from "../rows.ts";
import { capabilitiesOf, rolesOf } from "./info.ts";

/** A sentence for the ERROR event, or undefined when the subscription is in order. */
export function validateSubscribe(
  subscribe: scheduler.CallSubscribe,
  known: FrameworkRow | undefined,
): string | undefined {
  const info = subscribe.framework_info;
  const failures = [
    validateId(info),
    validateRoles(info),
    validateTimeout(info),
    validateSuppressed(subscribe),
    validateServed(subscribe),
    known === undefined ? undefined : validatePrincipal(info, known),
  ];
  return failures.find((failure) => failure !== undefined);
}

function validateId(info: mesos.FrameworkInfo): string | undefined {
  const id = info.id?.value;
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
  const repeated = roles.find((role, at) => roles.indexOf(role) !== at);
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

function validateSuppressed(subscribe: scheduler.CallSubscribe): string | undefined {
  const roles = rolesOf(subscribe.framework_info);
  const stranger = (subscribe.suppressed_roles ?? []).find((role) => !roles.includes(role));
  if (stranger === undefined) return undefined;
  return `suppressed_roles names '${stranger}', which is not among the framework's roles`;
}

/** What is not built yet is refused, so that no framework waits for what will not come. */
function validateServed(subscribe: scheduler.CallSubscribe): string | undefined {
  const constraints = Object.keys(subscribe.offer_constraints?.role_constraints ?? {});
  if (constraints.length > 0) {
    return "subscribe.offer_constraints are not served by this version; filter offers in the framework";
  }
  if (Object.keys(subscribe.framework_info.offer_filters ?? {}).length > 0) {
    return "framework_info.offer_filters are not served by this version; decline small offers instead";
  }
  return undefined;
}

function validatePrincipal(info: mesos.FrameworkInfo, known: FrameworkRow): string | undefined {
  if (info.principal === known.principal) return undefined;
  return (
    `Changing framework_info.principal of ${known.id} from '${known.principal ?? ""}' to ` +
    `'${info.principal ?? ""}' is not allowed; subscribe as a new framework`
  );
}
