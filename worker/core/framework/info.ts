/** What FrameworkInfo says, as decisions need it. */

import type * as mesos from "../../protocol/v1/mesos.ts";
import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { encodeJson } from "../../protocol/wire/json.ts";
import type { CompletedFrameworkRow, FrameworkRow } from "../rows.ts";
import { decodeStored } from "../stored.ts";

const decoded = new WeakMap<object, mesos.FrameworkInfo>();

/** The framework's FrameworkInfo, id included. Decoded once per row. */
export function frameworkInfo(row: FrameworkRow | CompletedFrameworkRow): mesos.FrameworkInfo {
  let info = decoded.get(row);
  if (info === undefined) {
    info = decodeStored("mesos.v1.FrameworkInfo", row.info);
    decoded.set(row, info);
  }
  return info;
}

/** The id that a framework claims; an empty one is none, as in Mesos. */
export function idOf({ id }: mesos.FrameworkInfo): string | undefined {
  return id?.value === "" ? undefined : id?.value;
}

/** A capability that is not known here is one all the same, and listed as such. */
export function capabilitiesOf(info: mesos.FrameworkInfo): mesos.FrameworkInfoCapabilityType[] {
  return (info.capabilities ?? []).map(({ type }) => type ?? "UNKNOWN");
}

/** The roles a framework subscribes to: `roles` with MULTI_ROLE, else the one `role`. */
export function rolesOf(info: mesos.FrameworkInfo): readonly string[] {
  return capabilitiesOf(info).includes("MULTI_ROLE") ? (info.roles ?? []) : [info.role ?? "*"];
}

/** What a row keeps of offer constraints; a set for no role is none. */
export function constraintsText(
  constraints: scheduler.OfferConstraints | undefined,
): string | undefined {
  if (Object.keys(constraints?.role_constraints ?? {}).length === 0) return undefined;
  return constraints && encodeJson("mesos.v1.scheduler.OfferConstraints", constraints);
}

/** Absent = none; of a removed framework they are not kept. */
export function offerConstraintsOf(
  row: FrameworkRow | CompletedFrameworkRow,
): scheduler.OfferConstraints {
  const text = "offerConstraints" in row ? row.offerConstraints : undefined;
  return text === undefined ? {} : decodeStored("mesos.v1.scheduler.OfferConstraints", text);
}

export function hasCapability(
  framework: FrameworkRow,
  capability: mesos.FrameworkInfoCapabilityType,
): boolean {
  return framework.capabilities.includes(capability);
}
