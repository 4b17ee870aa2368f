/**
 * The two ways to write a reservation: the old one (`role` and `reservation`, one reservation at
 * most) and the new one (`reservations`, from the outermost to the most refined). Both at once must
 * say the same.
 */
import type * as mesos from "../protocol/v1/mesos.ts";
import { err, ok, type Result } from "../std/result.ts";
import { labelsOf } from "./labels.ts";
import type { Reservation } from "./resource.ts";
import type { ReservationFault } from "./resource-error.ts";
import { ANY_ROLE, checkRole, isStrictlyBelow } from "./roles.ts";

type Parsed = Result<readonly Reservation[], ReservationFault>;

export function parseReservations(message: mesos.Resource): Parsed {
  const old = parseOld(message);
  if (!old.ok || message.reservations === undefined) return old;
  const stack = parseStack(message.reservations);
  if (!stack.ok) return stack;
  const both = message.role !== undefined || message.reservation !== undefined;
  if (both && JSON.stringify(old.value) !== JSON.stringify(stack.value)) {
    return err({ code: "RESERVATION_FORMATS_DISAGREE" });
  }
  return stack;
}

function parseOld({ role = ANY_ROLE, reservation }: mesos.Resource): Parsed {
  const problem = checkRole(role);
  if (problem !== undefined) return err({ code: "ROLE_INVALID", role, problem });
  if (reservation?.type !== undefined) {
    return err({ code: "RESERVATION_FIELD_NOT_ALLOWED", field: "type" });
  }
  if (reservation?.role !== undefined) {
    return err({ code: "RESERVATION_FIELD_NOT_ALLOWED", field: "role" });
  }
  if (role === ANY_ROLE) {
    return reservation === undefined ? ok([]) : err({ code: "RESERVED_TO_ANY_ROLE" });
  }
  if (reservation === undefined) return ok([{ type: "STATIC", role }]);
  return ok([makeReservation("DYNAMIC", role, reservation)]);
}

function parseStack(messages: readonly mesos.ResourceReservationInfo[]): Parsed {
  const stack: Reservation[] = [];
  for (const message of messages) {
    const { type, role } = message;
    if (type === undefined || type === "UNKNOWN") {
      return err({ code: "RESERVATION_FIELD_MISSING", field: "type" });
    }
    if (role === undefined) return err({ code: "RESERVATION_FIELD_MISSING", field: "role" });
    const problem = checkRole(role);
    if (problem !== undefined) return err({ code: "ROLE_INVALID", role, problem });
    if (role === ANY_ROLE) return err({ code: "RESERVED_TO_ANY_ROLE" });
    const former = stack.at(-1);
    if (former !== undefined && type === "STATIC") {
      return err({ code: "STATIC_RESERVATION_NOT_FIRST", role });
    }
    if (former !== undefined && !isStrictlyBelow(role, former.role)) {
      return err({ code: "RESERVATION_NOT_REFINED", role, formerRole: former.role });
    }
    stack.push(makeReservation(type, role, message));
  }
  return ok(stack);
}

function makeReservation(
  type: Reservation["type"],
  role: string,
  message: mesos.ResourceReservationInfo,
): Reservation {
  const labels = labelsOf(message.labels);
  return {
    type,
    role,
    ...(message.principal !== undefined && { principal: message.principal }),
    ...(labels !== undefined && { labels }),
  };
}
