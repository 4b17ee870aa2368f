/**
 * The `cgroups` containerizer: every container in a cgroup of its own, `<root>/<container id>`, in
 * v2's tree or in each of v1's. The command enters before its first instruction; its supervisor
 * stays outside. (A service manager that kills an agent's whole cgroup would still take the
 * supervisors, which are in the agent's: tell it to kill the main process only.)
 */
import type { ResourceStatistics } from "../../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import {
  type ContainerId,
  type ContainerizerModule,
  describeLaunchError,
  type FileError,
  type ResourceLimits,
} from "../containerizer.ts";
import type { Confined, Isolation } from "../supervisor/isolation.ts";
import { checkSupervisor } from "../supervisor/self-test.ts";
import { SupervisedContainerizer } from "../supervisor/supervised-containerizer.ts";
import { killAllIn, processesIn } from "./controllers/freezer.ts";
import { controllerNames, controllers } from "./controllers/index.ts";
import { outOfMemory } from "./controllers/memory.ts";
import { detectHierarchy, directoriesOf, directoryOf, type Hierarchy } from "./hierarchy.ts";
import { createCgroup, removeCgroup, removeEmptyParents } from "./tree.ts";

const MEGABYTE = 1_048_576;

export class CgroupIsolation implements Isolation {
  readonly #hierarchy: Hierarchy;
  readonly #root: string;
  readonly #present = new Set<ContainerId>();

  /** `root`: like "rimrock", or a path of several names. */
  constructor(hierarchy: Hierarchy, root: string) {
    this.#hierarchy = hierarchy;
    this.#root = root;
  }

  prepare(id: ContainerId, limits: ResourceLimits): Result<readonly string[], FileError> {
    this.#present.add(id);
    const name = this.#name(id);
    const created = createCgroup(this.#hierarchy, name);
    if (!created.ok) return created;
    const applied = this.update(id, limits);
    if (!applied.ok) return applied;
    return ok(directoriesOf(this.#hierarchy, name).map((directory) => `${directory}/cgroup.procs`));
  }

  update(id: ContainerId, limits: ResourceLimits): Result<void, FileError> {
    return applyLimits(this.#hierarchy, this.#name(id), limits);
  }

  async usage({ containerId }: Confined): Promise<Result<ResourceStatistics, FileError>> {
    let statistics: ResourceStatistics = {
      timestamp: Date.now() / 1_000,
      processes: processesIn(this.#processDirectory(containerId)).length,
    };
    for (const name of controllerNames) {
      const version = controllers[name][this.#hierarchy.version];
      const usage = version?.usage(directoryOf(this.#hierarchy, name, this.#name(containerId)));
      if (usage?.ok === false) return usage;
      statistics = { ...statistics, ...usage?.value };
    }
    return ok(statistics);
  }

  async processes({ containerId }: Confined): Promise<readonly number[]> {
    return processesIn(this.#processDirectory(containerId));
  }

  async killAll({ containerId }: Confined): Promise<boolean> {
    return killAllIn(this.#hierarchy.version, this.#processDirectory(containerId));
  }

  limitation(id: ContainerId): string | undefined {
    const directory = directoryOf(this.#hierarchy, "memory", this.#name(id));
    const memory = outOfMemory(this.#hierarchy.version, directory);
    if (!memory.ok || memory.value.killedProcesses === 0) return undefined;
    const { limitBytes, peakBytes } = memory.value;
    return `Memory limit exceeded: limit ${megabytes(limitBytes)}, most used ${megabytes(peakBytes)}`;
  }

  async release(id: ContainerId): Promise<void> {
    await removeCgroup(this.#hierarchy, this.#name(id));
    this.#present.delete(id);
    if (this.#present.size === 0) removeEmptyParents(this.#hierarchy, this.#root);
  }

  #name(id: ContainerId): string {
    return `${this.#root}/${id}`;
  }

  #processDirectory(id: ContainerId): string {
    return directoryOf(this.#hierarchy, "freezer", this.#name(id));
  }
}

function applyLimits(
  hierarchy: Hierarchy,
  name: string,
  limits: ResourceLimits,
): Result<void, FileError> {
  for (const controller of controllerNames) {
    const version = controllers[controller][hierarchy.version];
    const applied = version?.apply(directoryOf(hierarchy, controller, name), limits);
    if (applied?.ok === false) return applied;
  }
  return ok(undefined);
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? "unknown" : `${Number((bytes / MEGABYTE).toFixed(1))} MB`;
}

type Check = Result<void, { readonly why: string }>;

const ROOT_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.@-]*)*$/;

/** Makes and removes a cgroup with every limit set: nothing less shows that it can be done. */
export async function checkCgroups(cgroupRoot: string, mountinfo?: string): Promise<Check> {
  if (!ROOT_NAME.test(cgroupRoot)) {
    return err({ why: `'${cgroupRoot}' is no name for a cgroup; use one like rimrock` });
  }
  const hierarchy = detectHierarchy(mountinfo);
  if (!hierarchy.ok) return hierarchy;
  const name = `${cgroupRoot}/check-${process.pid}`;
  const created = createCgroup(hierarchy.value, name);
  const limits = { cpusRequest: 1_000, cpusLimit: 1_000, memoryLimitBytes: MEGABYTE, pidsLimit: 1 };
  const applied = created.ok ? applyLimits(hierarchy.value, name, limits) : created;
  await removeCgroup(hierarchy.value, name);
  removeEmptyParents(hierarchy.value, cgroupRoot);
  return applied.ok ? ok(undefined) : err({ why: whyRefused(applied.error) });
}

function whyRefused(error: FileError): string {
  if (error.errno === "EROFS") return `The cgroup file system is mounted read-only (${error.path})`;
  const denied = error.errno === "EACCES" || error.errno === "EPERM";
  if (denied && process.geteuid?.() !== 0) {
    return `Only root may make cgroups here (${error.path}: ${error.errno}); run the agent as root`;
  }
  return describeLaunchError(error);
}

export const cgroupsContainerizer: ContainerizerModule = {
  summary: "processes in cgroups v1 or v2: cpu, memory and pids limits are enforced; needs root",
  check: async ({ cgroupRoot, runtimeDirectory }) => {
    const cgroups = await checkCgroups(cgroupRoot);
    return cgroups.ok ? checkSupervisor(runtimeDirectory) : cgroups;
  },
  create: ({ cgroupRoot, runtimeDirectory }) => {
    const hierarchy = detectHierarchy();
    // `check` has said so in one sentence before anybody comes here.
    if (!hierarchy.ok) throw new Error(hierarchy.error.why);
    return new SupervisedContainerizer(
      runtimeDirectory,
      new CgroupIsolation(hierarchy.value, cgroupRoot),
    );
  },
};
