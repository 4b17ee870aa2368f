/**
 * Where this machine keeps its cgroups: one v2 tree that has our controllers, or a v1 tree per
 * controller. Hybrid machines mount both; what counts is who has the controllers.
 */
import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";
import { defined } from "../../../worker/std/assert.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { readCgroupFile } from "./cgroup-file.ts";
import {
  type ControllerName,
  controllerNames,
  controllers,
  kernelName,
  optionalControllers,
} from "./controllers/index.ts";

/**
 * `roots`: per controller the directory above all cgroups; in v2 the same one for all. Optional
 * controllers may be missing. `others`: the v1 trees that nothing of ours is in. A container has a
 * cgroup in each of them, too: whoever makes a user and a cgroup namespace of his own may mount any
 * v1 tree, from his own cgroup down, and from the top of one the whole machine is told what to do
 * (`release_agent`).
 */
export type Hierarchy =
  | {
      readonly version: 1;
      readonly roots: ReadonlyMap<ControllerName, string>;
      readonly others: readonly string[];
    }
  | {
      readonly version: 2;
      readonly root: string;
      readonly controllers: readonly ControllerName[];
    };

export interface CgroupMount {
  readonly type: "cgroup" | "cgroup2";
  readonly directory: string;
  /** Of v1: its controllers, among other options. */
  readonly options: readonly string[];
}

/**
 * `33 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct`
 * `42 25 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw`
 */
export function parseMounts(mountinfo: string): readonly CgroupMount[] {
  const mounts: CgroupMount[] = [];
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [type, , options = ""] = after.split(" ");
    const directory = before.split(" ")[4];
    if ((type !== "cgroup" && type !== "cgroup2") || directory === undefined) continue;
    mounts.push({ type, directory: unescapePath(directory), options: options.split(",") });
  }
  return mounts;
}

/** Blanks in a path are written `\040`. */
export function unescapePath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_match, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

const v2Controllers = controllerNames.filter((name) => controllers[name][2] !== undefined);
const v1Controllers = controllerNames.filter((name) => controllers[name][1] !== undefined);

function isNeeded(name: ControllerName): boolean {
  return !optionalControllers.includes(name);
}

/** `why`: one sentence, what is missing. */
export function detectHierarchy(
  mountinfo = readFileSync("/proc/self/mountinfo", "utf8"),
): Result<Hierarchy, { readonly why: string }> {
  const mounts = parseMounts(mountinfo);
  const unified = mounts.find((mount) => mount.type === "cgroup2");
  if (unified !== undefined) {
    const listed = readCgroupFile(unified.directory, "cgroup.controllers");
    const available = listed.ok ? listed.value.trim().split(" ") : [];
    const usable = v2Controllers.filter((name) => available.includes(kernelName(name, 2)));
    if (v2Controllers.filter(isNeeded).every((name) => usable.includes(name))) {
      return ok({ version: 2, root: unified.directory, controllers: usable });
    }
  }
  const roots = new Map<ControllerName, string>();
  for (const name of v1Controllers) {
    const mount = mounts.find(({ type, options }) => type === "cgroup" && options.includes(name));
    if (mount !== undefined) roots.set(name, mount.directory);
  }
  const missing = v1Controllers.filter((name) => isNeeded(name) && !roots.has(name));
  if (missing.length === 0) return ok({ version: 1, roots, others: otherTrees(mounts, roots) });
  if (mounts.length === 0) {
    return err({ why: "No cgroup file system is mounted; mount cgroup2 at /sys/fs/cgroup" });
  }
  const needed = v2Controllers.filter(isNeeded).join(", ");
  const unifiedLack = `Neither a cgroup v2 tree with the controllers ${needed} is mounted`;
  return err({ why: `${unifiedLack}, nor the v1 controllers ${missing.join(", ")}` });
}

function otherTrees(
  mounts: readonly CgroupMount[],
  roots: ReadonlyMap<ControllerName, string>,
): readonly string[] {
  const known = new Set(roots.values());
  const ofVersion1 = mounts.filter(({ type }) => type === "cgroup");
  return ofVersion1.map(({ directory }) => directory).filter((at) => !known.has(at) && isOurs(at));
}

/** One that we may not make cgroups in is as far away from containers. */
function isOurs(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Those that this machine has. */
export function controllersOf(hierarchy: Hierarchy): readonly ControllerName[] {
  return hierarchy.version === 2 ? hierarchy.controllers : [...hierarchy.roots.keys()];
}

/** The directories of one cgroup, in every hierarchy once (v1 may mount controllers together). */
export function directoriesOf(hierarchy: Hierarchy, name: string): readonly string[] {
  if (hierarchy.version === 2) return [join(hierarchy.root, name)];
  const roots = new Set([...hierarchy.roots.values(), ...hierarchy.others]);
  return [...roots].map((root) => join(root, name));
}

/** Where a controller's files of one cgroup are. The machine has the controller. */
export function directoryOf(
  hierarchy: Hierarchy,
  controller: ControllerName,
  name: string,
): string {
  if (hierarchy.version === 2) return join(hierarchy.root, name);
  return join(defined(hierarchy.roots.get(controller), "the machine has the controller"), name);
}

/**
 * What a process without threads writes 0 to in order to enter a cgroup. In v1 that moves a thread,
 * for which the kernel does not first wait for all processors (`cgroup_procs_write_start`, since
 * Linux 5.6: 10 ms saved); v2 has no such file for it.
 */
const ENTRANCE = { 1: "tasks", 2: "cgroup.procs" } as const;

/**
 * The cgroup in a container's own that its processes are in, where that one has limits. Whoever
 * makes a user and a cgroup namespace of his own may mount the tree from his own cgroup down, and
 * change what he finds there as far as the files are his: the limits are one level above. No
 * container's id begins with a point.
 */
export const LEAF = ".tasks";
const LIMITED: readonly ControllerName[] = ["cpu", "memory", "pids"];

/** Where a container's own processes are, in every hierarchy that has limits. */
export function leavesOf(hierarchy: Hierarchy, name: string): readonly string[] {
  if (hierarchy.version === 2) return [join(hierarchy.root, name, LEAF)];
  const limited = LIMITED.flatMap((controller) => hierarchy.roots.get(controller) ?? []);
  return [...new Set(limited)].map((root) => join(root, name, LEAF));
}

/** For all of a container's cgroups; last the one from which on it has its share of processors. */
export function entrancesOf(
  hierarchy: Hierarchy,
  name: string,
  { hasLimits }: { readonly hasLimits: boolean },
): readonly string[] {
  const leaves = new Set(hasLimits ? leavesOf(hierarchy, name) : []);
  const own = (directory: string): string => {
    const leaf = join(directory, LEAF);
    return leaves.has(leaf) ? leaf : directory;
  };
  const last = directoryOf(hierarchy, "cpu", name);
  const others = directoriesOf(hierarchy, name).filter((directory) => directory !== last);
  return [...others, last].map((directory) => join(own(directory), ENTRANCE[hierarchy.version]));
}
