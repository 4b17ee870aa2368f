/**
 * Why a resource message is refused: codes and facts, and the one place that makes sentences of
 * them.
 */
import { unreachable } from "../std/assert.ts";

/** `index`: the message's place in its list. `name`: as it came, "" when it has none. */
export type ResourceError = { readonly index: number; readonly name: string } & ResourceFault;

export type ResourceFault =
  | { readonly code: "NAME_EMPTY" }
  /** A name that would be a trap for whoever keeps resources by name. */
  | { readonly code: "NAME_REFUSED" }
  /** TEXT is a type of attributes only. */
  | { readonly code: "TYPE_NOT_FOR_RESOURCES"; readonly type: string }
  /** `field`: where the value of this type belongs. */
  | { readonly code: "VALUE_MISSING"; readonly type: string; readonly field: string }
  | { readonly code: "VALUE_OF_OTHER_TYPE"; readonly type: string; readonly field: string }
  | { readonly code: "SCALAR_NOT_FINITE"; readonly value: number }
  | { readonly code: "SCALAR_SUBNORMAL"; readonly value: number }
  | { readonly code: "SCALAR_NEGATIVE"; readonly value: number }
  | { readonly code: "SCALAR_ROUNDS_TO_ZERO"; readonly value: number }
  | { readonly code: "SCALAR_TOO_LARGE"; readonly value: number; readonly limit: number }
  | { readonly code: "GPUS_NOT_WHOLE"; readonly value: number }
  | { readonly code: "RANGE_BACKWARDS"; readonly begin: bigint; readonly end: bigint }
  | { readonly code: "RANGE_BOUND_TOO_LARGE"; readonly bound: bigint; readonly limit: number }
  /** `bound` is in two of the ranges. */
  | { readonly code: "RANGES_OVERLAP"; readonly bound: number }
  | { readonly code: "ITEM_REPEATED"; readonly item: string }
  | ReservationFault
  | DiskFault;

export type ReservationFault =
  /** `problem`: as `checkRole` gives it. */
  | { readonly code: "ROLE_INVALID"; readonly role: string; readonly problem: string }
  | { readonly code: "RESERVED_TO_ANY_ROLE" }
  /** `role` and `reservation` beside `reservations`, and they do not say the same. */
  | { readonly code: "RESERVATION_FORMATS_DISAGREE" }
  /** `reservation` has a field that only an entry of `reservations` may have. */
  | { readonly code: "RESERVATION_FIELD_NOT_ALLOWED"; readonly field: "type" | "role" }
  | { readonly code: "RESERVATION_FIELD_MISSING"; readonly field: "type" | "role" }
  | { readonly code: "STATIC_RESERVATION_NOT_FIRST"; readonly role: string }
  | {
      readonly code: "RESERVATION_NOT_REFINED";
      readonly role: string;
      readonly formerRole: string;
    }
  | { readonly code: "DYNAMIC_RESERVATION_REVOCABLE" };

export type DiskFault =
  | { readonly code: "DISK_INFO_MISPLACED" }
  | { readonly code: "DISK_INFO_EMPTY" }
  | { readonly code: "DISK_SOURCE_INVALID"; readonly type: string; readonly field?: string }
  | { readonly code: "VOLUME_WITHOUT_PERSISTENCE" }
  | { readonly code: "PERSISTENCE_WITHOUT_VOLUME" }
  | { readonly code: "PERSISTENCE_WITHOUT_RESERVATION" }
  | { readonly code: "PERSISTENCE_REVOCABLE" }
  /** `problem`: as `checkIdentifier` gives it. */
  | { readonly code: "PERSISTENCE_ID_INVALID"; readonly id: string; readonly problem: string }
  | {
      readonly code: "VOLUME_FIELD_NOT_ALLOWED";
      readonly field: "host_path" | "image" | "source";
    }
  | { readonly code: "SHARED_NOT_PERSISTENT" };

/**
 * Without a capital and a full stop, so that it can follow the owner: "Task's resource 'cpus' is
 * ...".
 */
export function describeResourceError(error: ResourceError): string {
  const name = error.name === "" ? "" : ` '${error.name}'`;
  return `resource${name} (number ${error.index + 1} of the list) ${describeFault(error)}`;
}

/** The end of a sentence that begins with what has the fault. */
export function describeFault(fault: ResourceFault): string {
  switch (fault.code) {
    case "NAME_EMPTY":
      return "has no name; set 'name'";
    case "NAME_REFUSED":
      return "has a name that is not allowed; choose another one";
    case "TYPE_NOT_FOR_RESOURCES":
      return `has type ${fault.type}; use SCALAR, RANGES or SET`;
    case "VALUE_MISSING":
      return `has type ${fault.type} but no value; set '${fault.field}'`;
    case "VALUE_OF_OTHER_TYPE":
      return `has type ${fault.type}, so '${fault.field}' must not be set`;
    case "SCALAR_NOT_FINITE":
      return `has the value ${fault.value}; give a finite number`;
    case "SCALAR_SUBNORMAL":
    case "SCALAR_ROUNDS_TO_ZERO":
      return `has the value ${fault.value}, which is 0 in thousandths; give 0 or at least 0.001`;
    case "SCALAR_NEGATIVE":
      return `has the value ${fault.value}; it must not be negative`;
    case "SCALAR_TOO_LARGE":
      return `has the value ${fault.value}; at most ${fault.limit} is possible`;
    case "GPUS_NOT_WHOLE":
      return `has the value ${fault.value}; GPUs are given whole`;
    case "RANGE_BACKWARDS":
      return `has the range [${fault.begin}-${fault.end}]; 'begin' must not be above 'end'`;
    case "RANGE_BOUND_TOO_LARGE":
      return `has a range with the bound ${fault.bound}; at most ${fault.limit} is possible`;
    case "RANGES_OVERLAP":
      return `has ranges that overlap at ${fault.bound}; name each value once`;
    case "ITEM_REPEATED":
      return `has the item '${fault.item}' twice; name each item once`;
    default:
      return describeReservationOrDisk(fault);
  }
}

function describeReservationOrDisk(fault: ReservationFault | DiskFault): string {
  switch (fault.code) {
    case "ROLE_INVALID":
      return `is reserved to the role '${fault.role}', which ${fault.problem}`;
    case "RESERVED_TO_ANY_ROLE":
      return "is reserved to '*'; name the role it is reserved to";
    case "RESERVATION_FORMATS_DISAGREE":
      return "has 'role' or 'reservation' beside 'reservations'; use only 'reservations'";
    case "RESERVATION_FIELD_NOT_ALLOWED":
      return `has 'reservation.${fault.field}'; set it in 'reservations' or leave it out`;
    case "RESERVATION_FIELD_MISSING":
      return `has a reservation without '${fault.field}'; set it in every one of 'reservations'`;
    case "STATIC_RESERVATION_NOT_FIRST":
      return `has a static reservation to '${fault.role}' on another one; only the first may be STATIC`;
    case "RESERVATION_NOT_REFINED":
      return (
        `has a reservation to '${fault.role}' on one to '${fault.formerRole}'; ` +
        `each role must be below the one before, as '${fault.formerRole}/...'`
      );
    case "DYNAMIC_RESERVATION_REVOCABLE":
      return "is revocable, so it must not be reserved dynamically";
    default:
      return describeDisk(fault);
  }
}

function describeDisk(fault: DiskFault): string {
  switch (fault.code) {
    case "DISK_INFO_MISPLACED":
      return "has 'disk', which only a SCALAR resource named 'disk' may have";
    case "DISK_INFO_EMPTY":
      return "has an empty 'disk'; leave it out, or set 'persistence' or 'source'";
    case "DISK_SOURCE_INVALID":
      if (fault.field === undefined) {
        return `has a disk source of type ${fault.type}; use PATH, MOUNT, BLOCK or RAW`;
      }
      return `has a disk source of type ${fault.type}, so 'source.${fault.field}' must not be set`;
    case "VOLUME_WITHOUT_PERSISTENCE":
      return "has 'disk.volume' without 'disk.persistence'; set both or none";
    case "PERSISTENCE_WITHOUT_VOLUME":
      return "has 'disk.persistence' without 'disk.volume'; say where the volume is mounted";
    case "PERSISTENCE_WITHOUT_RESERVATION":
      return "is a persistent volume without a reservation; reserve the disk first";
    case "PERSISTENCE_REVOCABLE":
      return "is a persistent volume, so it must not be revocable";
    case "PERSISTENCE_ID_INVALID":
      return `has the persistence id '${fault.id}', which ${fault.problem}`;
    case "VOLUME_FIELD_NOT_ALLOWED":
      return `is a persistent volume, so 'disk.volume.${fault.field}' must not be set`;
    case "SHARED_NOT_PERSISTENT":
      return "is shared, which only a persistent volume may be";
    default:
      return unreachable(fault);
  }
}
