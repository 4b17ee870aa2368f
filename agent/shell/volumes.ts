/**
 * Persistent volumes: one folder each, which outlives tasks, and a link to it in the sandbox of
 * each task that has it.
 *
 *   <work directory>/volumes/roles/<role>/<persistence id>
 *   <work directory>/volumes/removed/<uuid>                 destroyed, being deleted
 *
 * A volume is destroyed by a rename, at once and as a whole; its content is deleted afterwards, and
 * what the end of the process leaves of that goes at the next start. Deleting follows no links.
 * Nothing above a volume belongs to a task's user, so that no link of a task's is on the way to it.
 */
import { randomUUID } from "node:crypto";
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  symlinkSync,
} from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { ContainerSpec } from "../containerizer/containerizer.ts";
import type { Account } from "../containerizer/supervisor/users.ts";
import type { VolumeName } from "../core/rows.ts";
import type { MountedVolume } from "../core/volumes.ts";
import { errnoOf } from "./errno.ts";
import { folderNames, isFolderName, makeFolders } from "./folders.ts";

/** The error is a sentence. */
export function makeVolume(workDirectory: string, volume: VolumeName): Result<string, string> {
  const path = volumePath(workDirectory, volume);
  if (!path.ok) return path;
  try {
    mkdirSync(path.value, { recursive: true, mode: 0o755 });
    return path;
  } catch (cause) {
    return err(`cannot make the volume ${path.value}: ${errnoOf(cause)}`);
  }
}

/** Succeeds when it is gone already. The error is a sentence. */
export function removeVolume(workDirectory: string, volume: VolumeName): Result<void, string> {
  const path = volumePath(workDirectory, volume);
  if (!path.ok) return path;
  const removed = join(removedPath(workDirectory), randomUUID());
  try {
    mkdirSync(removedPath(workDirectory), { recursive: true, mode: 0o700 });
    renameSync(path.value, removed);
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT" && !existsSync(path.value)) return ok(undefined);
    return err(`cannot remove the volume ${path.value}: ${errnoOf(cause)}`);
  }
  // What stays, stays out of the way, and goes at the next start.
  void rm(removed, { recursive: true, force: true }).catch(() => {});
  return ok(undefined);
}

/** Deletes what an earlier process left of destroyed volumes. */
export async function sweepRemovedVolumes(workDirectory: string): Promise<void> {
  const directory = removedPath(workDirectory);
  // Not the folder itself: a volume may be on its way into it.
  for (const name of await readdir(directory).catch(() => [])) {
    await rm(join(directory, name), { recursive: true, force: true }).catch(() => {});
  }
}

/**
 * Makes each volume appear in a sandbox that nobody has used yet, owned by `account` (undefined:
 * the agent's own). The error is a sentence.
 */
export function linkVolumes(
  workDirectory: string,
  sandbox: string,
  { volumes, account }: { volumes: readonly MountedVolume[]; account: Account | undefined },
): Result<void, string> {
  for (const volume of volumes) {
    const { containerPath, persistenceId, shared } = volume;
    const isElsewhere = containerPath.startsWith("/");
    const names = isElsewhere ? [] : folderNames(containerPath);
    if (names === undefined) {
      const why = "a relative path has to stay inside the task's sandbox";
      return err(`the volume '${persistenceId}' cannot be at '${containerPath}': ${why}`);
    }
    const made = makeVolume(workDirectory, volume);
    if (!made.ok) return made;
    const link = join(sandbox, ...names);
    try {
      // A volume that several tasks have keeps the owner that its first one gave it.
      if (!shared && account !== undefined) {
        chownSync(made.value, account.userId, account.groupId);
      }
      // Outside the sandbox only a mount of the container's own can make it appear.
      if (isElsewhere) continue;
      makeFolders(sandbox, names.slice(0, -1), account);
      if (!isLinkTo(link, made.value)) symlinkSync(made.value, link);
    } catch (cause) {
      return err(`cannot put the volume '${persistenceId}' at ${link}: ${errnoOf(cause)}`);
    }
  }
  return ok(undefined);
}

/**
 * What a container is told of volumes that `linkVolumes` has made: where their folders are, and the
 * absolute paths that some are wanted at.
 */
export function volumeMounts(
  workDirectory: string,
  volumes: readonly MountedVolume[],
): Pick<ContainerSpec, "agentFolders" | "volumes"> {
  const found = volumes.flatMap((volume) => {
    const path = volumePath(workDirectory, volume);
    return path.ok ? [{ ...volume, path: path.value }] : [];
  });
  const elsewhere = found.filter(({ containerPath }) => containerPath.startsWith("/"));
  return {
    agentFolders: found.map(({ path, readOnly }) => ({ path, readOnly })),
    volumes: elsewhere.map(({ path, containerPath, readOnly }) => ({
      ...{ containerPath, readOnly },
      source: { kind: "AGENT", path },
    })),
  };
}

function isLinkTo(link: string, target: string): boolean {
  const found = lstatSync(link, { throwIfNoEntry: false });
  return found?.isSymbolicLink() === true && readlinkSync(link) === target;
}

function removedPath(workDirectory: string): string {
  return join(workDirectory, "volumes", "removed");
}

/** A role's '/' becomes a blank, which no role has: `a/b` must not lie inside `a`'s volumes. */
function volumePath(
  workDirectory: string,
  { role, persistenceId }: VolumeName,
): Result<string, string> {
  const folder = role.replaceAll("/", " ");
  const bad = [folder, persistenceId].find((name) => !isFolderName(name));
  if (bad !== undefined) return err(`'${bad}' cannot name a volume's folder`);
  return ok(join(workDirectory, "volumes", "roles", folder, persistenceId));
}
