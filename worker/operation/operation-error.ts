/**
 * Why an offer operation is refused: codes and facts, and the one place that makes sentences of
 * them.
 */
import type * as mesos from "../protocol/v1/mesos.ts";
import { describeResourceError, type ResourceError } from "../resources/parse.ts";
import type { Resource } from "../resources/resource.ts";
import { formatResources } from "../resources/text.ts";
import { unreachable } from "../std/assert.ts";

export type OperationError = FormError | ReservationError | VolumeError | DiskError;

type FormError =
  /** `part`: the sub-message that has the operation's name. */
  | { readonly code: "PART_MISSING"; readonly part: string }
  | { readonly code: "RESOURCE_INVALID"; readonly error: ResourceError }
  | { readonly code: "RESOURCES_EMPTY" }
  | { readonly code: "PROVIDERS_DIFFER" }
  /** `role`: that of the accepted offers. */
  | { readonly code: "ALLOCATED_TO_OTHER_ROLE"; readonly named: string; readonly role: string }
  /** Only what is offered is allocated; operators ask for what is free. */
  | { readonly code: "ALLOCATION_NAMED" }
  /** `named` absent: the operation names no principal. */
  | { readonly code: "PRINCIPAL_DIFFERS"; readonly principal: string; readonly named?: string }
  /** `limit`: characters of everything that the agent has, each part with its labels. */
  | { readonly code: "TOTAL_TOO_LONG"; readonly limit: number }
  | { readonly code: "AGENT_LACKS"; readonly capability: mesos.AgentInfoCapabilityType }
  | { readonly code: "FRAMEWORK_LACKS"; readonly capability: mesos.FrameworkInfoCapabilityType };

type ReservationError =
  | { readonly code: "NOT_DYNAMICALLY_RESERVED"; readonly resource: Resource }
  | { readonly code: "RESERVED_TO_OTHER_ROLE"; readonly reserved: string; readonly role: string }
  | { readonly code: "ROLE_NOT_SUBSCRIBED"; readonly role: string }
  | { readonly code: "SOURCE_NOT_FOR_FRAMEWORKS" }
  /** `source` and `resources` of a RESERVE are not the same but for their reservations. */
  | { readonly code: "SOURCE_DIFFERS" };

/** `id`: the volume's persistence id. */
type VolumeError =
  | { readonly code: "IS_VOLUME"; readonly id: string }
  | { readonly code: "NOT_VOLUME"; readonly resource: Resource }
  | { readonly code: "VOLUME_READ_ONLY"; readonly id: string }
  | { readonly code: "PERSISTENCE_ID_IN_USE"; readonly id: string; readonly role: string }
  | { readonly code: "VOLUME_NOT_FOUND"; readonly id: string }
  | { readonly code: "VOLUME_IN_USE"; readonly id: string }
  | { readonly code: "VOLUME_SHARED"; readonly id: string }
  | { readonly code: "VOLUME_ON_MOUNT"; readonly id: string }
  | { readonly code: "OF_PROVIDER" }
  | { readonly code: "ADDITION_EMPTY" }
  | { readonly code: "ADDITION_DIFFERS" }
  /** `size`: the volume's, in MB. */
  | { readonly code: "SUBTRACT_OUT_OF_RANGE"; readonly value: number; readonly size: number };

/** Of operations on the disks of resource providers. */
type DiskError =
  | { readonly code: "PROVIDER_MISSING" }
  | { readonly code: "DISK_SOURCE_UNFIT"; readonly type: string; readonly wanted: string }
  | { readonly code: "TARGET_UNFIT"; readonly type: string }
  /** A profile is given exactly when the source has none. */
  | { readonly code: "PROFILE_UNFIT"; readonly sourceHasProfile: boolean }
  | { readonly code: "PROVIDER_NOT_FOUND"; readonly providerId: string };

/** A whole sentence without its full stop. */
export function describeOperationError(error: OperationError): string {
  switch (error.code) {
    case "PART_MISSING":
      return `The operation's '${error.part}' is missing; set it`;
    case "RESOURCE_INVALID":
      return `The operation's ${describeResourceError(error.error)}`;
    case "RESOURCES_EMPTY":
      return "The operation names no resources; name at least one with an amount above 0";
    case "PROVIDERS_DIFFER":
      return "The resources are of several providers; use one operation for each";
    case "ALLOCATED_TO_OTHER_ROLE":
      return (
        `A resource is said to be allocated to role '${error.named}', but the accepted offers ` +
        `are of role '${error.role}'`
      );
    case "ALLOCATION_NAMED":
      return "Operators must not set 'allocation_info'; leave it out of every resource";
    case "FRAMEWORK_LACKS":
      return `The framework needs the capability ${error.capability} for this; subscribe with it`;
    case "AGENT_LACKS":
      return `The agent lacks the capability ${error.capability}, which this operation needs`;
    case "PRINCIPAL_DIFFERS":
      return describePrincipal(error);
    case "TOTAL_TOO_LONG":
      return (
        `The agent's resources would be in too many parts (more than ${error.limit} characters); ` +
        "use fewer different labels and principals, or unreserve something first"
      );
    default:
      return describeReservation(error);
  }
}

function describePrincipal({
  principal,
  named,
}: OperationError & { readonly code: "PRINCIPAL_DIFFERS" }): string {
  const who = `The operation was asked for by principal '${principal}'`;
  return named === undefined
    ? `${who}, but names no principal in its reservation or volume; set it to '${principal}'`
    : `${who}, but names '${named}' in its reservation or volume; set it to '${principal}'`;
}

function describeReservation(error: ReservationError | VolumeError | DiskError): string {
  switch (error.code) {
    case "NOT_DYNAMICALLY_RESERVED":
      return (
        `Resource ${formatResources([error.resource])} is not dynamically reserved; its last ` +
        "reservation must be of type DYNAMIC"
      );
    case "RESERVED_TO_OTHER_ROLE":
      return (
        `A resource was to be reserved to role '${error.reserved}', but it is allocated to role ` +
        `'${error.role}'; reserve it to that role`
      );
    case "ROLE_NOT_SUBSCRIBED":
      return `The framework is not subscribed to role '${error.role}'`;
    case "SOURCE_NOT_FOR_FRAMEWORKS":
      return "Only operators may set 'reserve.source'; leave it out";
    case "SOURCE_DIFFERS":
      return "'source' and 'resources' must be the same resources but for their reservations";
    default:
      return describeVolume(error);
  }
}

function describeVolume(error: VolumeError | DiskError): string {
  switch (error.code) {
    case "IS_VOLUME":
      return `Persistent volume '${error.id}' cannot be unreserved; destroy it first`;
    case "NOT_VOLUME":
      return (
        `Resource ${formatResources([error.resource])} is not a persistent volume; set ` +
        "'disk.persistence' and 'disk.volume' of a reserved disk"
      );
    case "VOLUME_READ_ONLY":
      return `Persistent volume '${error.id}' has the mode RO; use RW`;
    case "PERSISTENCE_ID_IN_USE":
      return (
        `Persistence ID '${error.id}' is not unique: the agent has a volume of that name for ` +
        `role '${error.role}'`
      );
    case "VOLUME_NOT_FOUND":
      return `Persistent volumes not found: the agent has no volume '${error.id}' as described`;
    case "VOLUME_IN_USE":
      return `Persistent volume '${error.id}' is in use by a task; end the task first`;
    case "VOLUME_SHARED":
      return `Persistent volume '${error.id}' is shared, so its size cannot be changed`;
    case "VOLUME_ON_MOUNT":
      return `Persistent volume '${error.id}' is a mounted disk, whose size cannot be changed`;
    case "OF_PROVIDER":
      return "The volume is managed by a resource provider, so its size cannot be changed";
    case "ADDITION_EMPTY":
      return "'addition' has no amount; it must be above 0";
    case "ADDITION_DIFFERS":
      return "'addition' must be plain disk with the same reservations and source as 'volume'";
    case "SUBTRACT_OUT_OF_RANGE":
      return (
        `'subtract' is ${error.value}, but must be above 0 and below the volume's size of ` +
        `${error.size}`
      );
    default:
      return describeDisk(error);
  }
}

function describeDisk(error: DiskError): string {
  switch (error.code) {
    case "PROVIDER_MISSING":
      return "'source' is not managed by a resource provider; such disks can be used as they are";
    case "DISK_SOURCE_UNFIT":
      return `'source' is a disk of type ${error.type}; it must be ${error.wanted}`;
    case "TARGET_UNFIT":
      return `'target_type' is ${error.type}; it must be MOUNT or BLOCK`;
    case "PROFILE_UNFIT":
      return error.sourceHasProfile
        ? "'target_profile' must not be set, since 'source' has a profile"
        : "'target_profile' must be set, since 'source' has no profile";
    case "PROVIDER_NOT_FOUND":
      return `Resource provider '${error.providerId}' is not there; the agent has none`;
    default:
      return unreachable(error);
  }
}
