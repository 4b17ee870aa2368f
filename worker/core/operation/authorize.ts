/** What the authorizer is asked before an operation: one question for each resource in it. */
import type { OperationType } from "../../operation/operation.ts";
import { reservedRole } from "../../resources/algebra.ts";
import type { Conversion } from "../../resources/conversion.ts";
import type { Resource } from "../../resources/resource.ts";
import { type Action, isAuthorized } from "../authorizer/authorizer.ts";
import type { Principal } from "../input.ts";

const roleOf = (resource: Resource): string => reservedRole(resource) ?? "*";

/** One action for each resource that the operation makes, or takes. */
const actions: {
  readonly [T in OperationType]: (conversion: Conversion) => readonly Action[];
} = {
  RESERVE: ({ consumed, converted }) => [
    ...converted.map((made) => ({ type: "RESERVE_RESOURCES", role: roleOf(made) }) as const),
    // What comes from another reservation leaves that one.
    ...consumed.filter(isElsewhere(converted)).map(unreserving),
  ],
  UNRESERVE: ({ consumed }) => consumed.map(unreserving),
  CREATE: ({ converted }) =>
    converted
      .filter(({ disk }) => disk?.persistence !== undefined)
      .map((volume) => ({ type: "CREATE_VOLUME", role: roleOf(volume) })),
  DESTROY: ({ consumed }) =>
    consumed.map(({ disk }) => ({
      type: "DESTROY_VOLUME",
      creatorPrincipal: disk?.persistence?.principal,
    })),
  GROW_VOLUME: resizing,
  SHRINK_VOLUME: resizing,
  CREATE_DISK: () => [],
  DESTROY_DISK: () => [],
};

/** The first action that the caller may not take; undefined: everything is allowed. */
export function forbiddenAction(
  principal: Principal,
  type: OperationType,
  conversion: Conversion,
): Action["type"] | undefined {
  return actions[type](conversion).find((action) => !isAuthorized(principal, action))?.type;
}

function unreserving(resource: Resource): Action {
  const reserverPrincipal = resource.reservations.at(-1)?.principal;
  return { type: "UNRESERVE_RESOURCES", reserverPrincipal };
}

/** Dynamically reserved, and not what one of `made` is refined from. */
function isElsewhere(made: readonly Resource[]): (resource: Resource) => boolean {
  return ({ reservations }) =>
    reservations.at(-1)?.type === "DYNAMIC" &&
    !made.some(
      (target) =>
        JSON.stringify(target.reservations.slice(0, reservations.length)) ===
        JSON.stringify(reservations),
    );
}

function resizing({ converted }: Conversion): readonly Action[] {
  return converted.map((resource) => ({ type: "RESIZE_VOLUME", role: roleOf(resource) }));
}
