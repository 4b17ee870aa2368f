/** Makes and removes the directories of cgroups, with the parents that they need. */
import { mkdirSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { FileError } from "../containerizer.ts";
import { errnoOf, fileError } from "../supervisor/file-error.ts";
import { readCgroupFile, writeCgroupFile } from "./cgroup-file.ts";
import { cgroupsIn } from "./controllers/freezer.ts";
import { kernelName } from "./controllers/index.ts";
import { directoriesOf, directoryOf, type Hierarchy, leavesOf } from "./hierarchy.ts";

/** Another agent may remove an empty parent between our mkdir and the child's. */
const CREATE_TRIES = 3;
/** rmdir says EBUSY until the kernel has let go of the last process. */
const REMOVE_TRIES = 100;
const REMOVE_PAUSE_MS = 5;

/** `name`: like "rimrock/<container id>". */
export function createCgroup(hierarchy: Hierarchy, name: string): Result<void, FileError> {
  let failure: FileError | undefined;
  for (let tries = 0; tries < CREATE_TRIES; tries++) {
    failure = tryCreate(hierarchy, name);
    if (failure?.errno !== "ENOENT") break;
  }
  return failure === undefined ? ok(undefined) : err(failure);
}

function tryCreate(hierarchy: Hierarchy, name: string): FileError | undefined {
  for (const directory of directoriesOf(hierarchy, name)) {
    try {
      if (hierarchy.version === 2) {
        mkdirSync(dirname(directory), { recursive: true });
        const delegated = delegate(hierarchy, name);
        if (!delegated.ok) return delegated.error;
      }
      makeWithParents(directory);
    } catch (cause) {
      if (errnoOf(cause) !== "EEXIST") return fileError("create the cgroup", directory, cause);
    }
  }
  const shared = shareProcessors(hierarchy, name);
  return shared.ok ? undefined : shared.error;
}

/** The parents are there already but for the first container's. */
function makeWithParents(directory: string): void {
  try {
    mkdirSync(directory);
  } catch (cause) {
    if (errnoOf(cause) !== "ENOENT") throw cause;
    mkdirSync(dirname(directory), { recursive: true });
    mkdirSync(directory);
  }
}

/**
 * Nothing may enter a cgroup of v1's cpuset before it has processors and memory nodes. The ones
 * above a container's are told to hand them on to what is made in them.
 */
function shareProcessors(hierarchy: Hierarchy, name: string): Result<void, FileError> {
  const others = hierarchy.version === 1 ? hierarchy.others : [];
  for (const root of others) {
    const present = readCgroupFile(join(root, name), "cpuset.cpus");
    // Another tree than cpuset's has no such file.
    if (!present.ok || present.value.trim() !== "") continue;
    const shared = shareDownTo(root, name);
    if (!shared.ok) return shared;
  }
  return ok(undefined);
}

function shareDownTo(root: string, name: string): Result<void, FileError> {
  let parent = root;
  for (const part of name.split("/")) {
    const directory = join(parent, part);
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      const own = readCgroupFile(directory, file);
      if (!own.ok) return own;
      if (own.value.trim() !== "") continue;
      const all = readCgroupFile(parent, file);
      const written = all.ok ? writeCgroupFile(directory, file, all.value.trim()) : all;
      if (!written.ok) return written;
    }
    const handsOn = writeCgroupFile(directory, "cgroup.clone_children", 1);
    if (!handsOn.ok) return handsOn;
    parent = directory;
  }
  return ok(undefined);
}

/**
 * What the container's processes are in. Made when its limits are set: v1's devices take none any
 * more once there is something below.
 */
export function createLeaf(hierarchy: Hierarchy, name: string): Result<void, FileError> {
  const counted = hierarchy.version === 1 ? countBelow(hierarchy, name) : ok(undefined);
  if (!counted.ok) return counted;
  for (const directory of leavesOf(hierarchy, name)) {
    try {
      mkdirSync(directory);
    } catch (cause) {
      if (errnoOf(cause) === "EEXIST") continue;
      return err(fileError("create the cgroup", directory, cause));
    }
  }
  return ok(undefined);
}

/** Before Linux 5.11 v1 counts the memory of what is below only where that is said. */
function countBelow(hierarchy: Hierarchy, name: string): Result<void, FileError> {
  const directory = directoryOf(hierarchy, "memory", name);
  const counts = readCgroupFile(directory, COUNT_BELOW);
  if (!counts.ok || counts.value.trim() === "1") return ok(undefined);
  return writeCgroupFile(directory, COUNT_BELOW, 1);
}

const COUNT_BELOW = "memory.use_hierarchy";

/**
 * A cgroup in that of a running container. It gets no controllers (v2 has none for it where the one
 * above has processes): it bounds nothing by itself, and tells who belongs to it.
 */
export function createInnerCgroup(hierarchy: Hierarchy, name: string): Result<void, FileError> {
  for (const directory of directoriesOf(hierarchy, name)) {
    try {
      mkdirSync(directory);
    } catch (cause) {
      if (errnoOf(cause) === "EEXIST") continue;
      return err(fileError("create the cgroup", directory, cause));
    }
  }
  return shareProcessors(hierarchy, name);
}

/** In v2 every level above must hand the controllers down: "+cpu +memory +pids". */
function delegate(
  hierarchy: Hierarchy & { readonly version: 2 },
  name: string,
): Result<void, FileError> {
  let parent = hierarchy.root;
  const wanted = hierarchy.controllers.map((controller) => kernelName(controller, 2));
  for (const part of name.split("/")) {
    const enabled = readCgroupFile(parent, "cgroup.subtree_control");
    if (!enabled.ok) return enabled;
    const present = enabled.value.trim().split(" ");
    const absent = wanted.filter((controller) => !present.includes(controller));
    if (absent.length > 0) {
      const value = absent.map((controller) => `+${controller}`).join(" ");
      const written = writeCgroupFile(parent, "cgroup.subtree_control", value);
      if (!written.ok) return written;
    }
    parent = join(parent, part);
  }
  return ok(undefined);
}

/** Succeeds when it is gone already. What cannot be removed for half a second is left, empty. */
export async function removeCgroup(hierarchy: Hierarchy, name: string): Promise<void> {
  for (const directory of directoriesOf(hierarchy, name)) {
    for (let tries = 0; tries < REMOVE_TRIES && !cgroupsIn(directory).every(removed); tries++) {
      await sleep(REMOVE_PAUSE_MS);
    }
  }
}

/** Removes the parents of containers' cgroups, as far as they are empty. `name`: like "rimrock". */
export function removeEmptyParents(hierarchy: Hierarchy, name: string): void {
  for (const directory of directoriesOf(hierarchy, name)) {
    let parent = directory;
    for (const _part of name.split("/")) {
      if (!removed(parent)) break;
      parent = dirname(parent);
    }
  }
}

function removed(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (cause) {
    return errnoOf(cause) === "ENOENT";
  }
}
