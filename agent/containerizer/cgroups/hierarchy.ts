/**
 * Where this machine keeps its cgroups: one v2 tree that has our controllers, or a v1 tree per
 * controller. Hybrid machines mount both; what counts is who has the controllers.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { readCgroupFile } from "./cgroup-file.ts";
import { type ControllerName, controllerNames, controllers } from "./controllers/index.ts";

/** `roots`: per controller the directory above all cgroups; in v2 the same one for all. */
export type Hierarchy =
  | { readonly version: 1; readonly roots: { readonly [K in ControllerName]: string } }
  | { readonly version: 2; readonly root: string };

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

export const v2Controllers = controllerNames.filter((name) => controllers[name][2] !== undefined);
const v1Controllers = controllerNames.filter((name) => controllers[name][1] !== undefined);

/** `why`: one sentence, what is missing. */
export function detectHierarchy(
  mountinfo = readFileSync("/proc/self/mountinfo", "utf8"),
): Result<Hierarchy, { readonly why: string }> {
  const mounts = parseMounts(mountinfo);
  const unified = mounts.find((mount) => mount.type === "cgroup2");
  if (unified !== undefined) {
    const listed = readCgroupFile(unified.directory, "cgroup.controllers");
    const available = listed.ok ? listed.value.trim().split(" ") : [];
    if (v2Controllers.every((name) => available.includes(name))) {
      return ok({ version: 2, root: unified.directory });
    }
  }
  const find = (name: ControllerName): string =>
    mounts.find((mount) => mount.type === "cgroup" && mount.options.includes(name))?.directory ??
    "";
  const missing = v1Controllers.filter((name) => find(name) === "");
  if (missing.length === 0) {
    const [cpu, cpuacct] = [find("cpu"), find("cpuacct")];
    const [memory, pids, freezer] = [find("memory"), find("pids"), find("freezer")];
    return ok({ version: 1, roots: { cpu, cpuacct, memory, pids, freezer } });
  }
  if (mounts.length === 0) {
    return err({ why: "No cgroup file system is mounted; mount cgroup2 at /sys/fs/cgroup" });
  }
  const unifiedLack = `Neither a cgroup v2 tree with the controllers ${v2Controllers.join(", ")}`;
  return err({ why: `${unifiedLack} is mounted, nor the v1 controllers ${missing.join(", ")}` });
}

/** The directories of one cgroup, in every hierarchy once (v1 may mount controllers together). */
export function directoriesOf(hierarchy: Hierarchy, name: string): readonly string[] {
  if (hierarchy.version === 2) return [join(hierarchy.root, name)];
  return [...new Set(v1Controllers.map((controller) => join(hierarchy.roots[controller], name)))];
}

/** The directory in which a controller's files of one cgroup are. */
export function directoryOf(
  hierarchy: Hierarchy,
  controller: ControllerName,
  name: string,
): string {
  return join(hierarchy.version === 2 ? hierarchy.root : hierarchy.roots[controller], name);
}
