/** `Resource.disk`: persistent volumes and the kinds of disk they are on. */
import { checkIdentifier } from "../protocol/identifiers.ts";
import type * as mesos from "../protocol/v1/mesos.ts";
import { err, ok, type Result } from "../std/result.ts";
import { labelsOf } from "./labels.ts";
import type { Reservation } from "./resource.ts";
import type { DiskFault } from "./resource-error.ts";

/** Only known fields and no bytes, so that it can be stored and compared as plain JSON. */
export function parseDisk(
  message: mesos.Resource,
  reservations: readonly Reservation[],
): Result<mesos.ResourceDiskInfo | undefined, DiskFault> {
  const { disk } = message;
  if (disk === undefined) return ok(undefined);
  if (message.name !== "disk" || message.type !== "SCALAR") {
    return err({ code: "DISK_INFO_MISPLACED" });
  }
  const source = parseSource(disk.source);
  if (!source.ok) return source;
  if (disk.persistence === undefined) {
    if (disk.volume !== undefined) return err({ code: "VOLUME_WITHOUT_PERSISTENCE" });
    if (source.value === undefined) return err({ code: "DISK_INFO_EMPTY" });
    return ok({ source: source.value });
  }
  if (reservations.length === 0) return err({ code: "PERSISTENCE_WITHOUT_RESERVATION" });
  if (message.revocable !== undefined) return err({ code: "PERSISTENCE_REVOCABLE" });
  const { id, principal } = disk.persistence;
  const problem = checkIdentifier(id);
  if (problem !== undefined) return err({ code: "PERSISTENCE_ID_INVALID", id, problem });
  const volume = parseVolume(disk.volume);
  if (!volume.ok) return volume;
  return ok({
    persistence: principal === undefined ? { id } : { id, principal },
    volume: volume.value,
    ...(source.value !== undefined && { source: source.value }),
  });
}

function parseVolume(volume: mesos.Volume | undefined): Result<mesos.Volume, DiskFault> {
  if (volume === undefined) return err({ code: "PERSISTENCE_WITHOUT_VOLUME" });
  // The volume's data comes from the disk, so it has no other origin.
  const field = (["host_path", "image", "source"] as const).find(
    (name) => volume[name] !== undefined,
  );
  if (field !== undefined) return err({ code: "VOLUME_FIELD_NOT_ALLOWED", field });
  return ok({ mode: volume.mode, container_path: volume.container_path });
}

function parseSource(
  source: mesos.ResourceDiskInfoSource | undefined,
): Result<mesos.ResourceDiskInfoSource | undefined, DiskFault> {
  if (source === undefined) return ok(undefined);
  const { type, path, mount, id, profile, vendor } = source;
  if (type === "UNKNOWN") return err({ code: "DISK_SOURCE_INVALID", type });
  if (path !== undefined && type !== "PATH") {
    return err({ code: "DISK_SOURCE_INVALID", type, field: "path" });
  }
  if (mount !== undefined && type !== "MOUNT") {
    return err({ code: "DISK_SOURCE_INVALID", type, field: "mount" });
  }
  const metadata = labelsOf(source.metadata);
  return ok({
    type,
    ...(path !== undefined && { path: rootOf(path) }),
    ...(mount !== undefined && { mount: rootOf(mount) }),
    ...(id !== undefined && { id }),
    ...(metadata !== undefined && { metadata }),
    ...(profile !== undefined && { profile }),
    ...(vendor !== undefined && { vendor }),
  });
}

function rootOf({ root }: { readonly root?: string }): { readonly root?: string } {
  return root === undefined ? {} : { root };
}
