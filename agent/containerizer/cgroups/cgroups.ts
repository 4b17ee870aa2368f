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
  type ContainerizerOptions,
  describeLaunchError,
  type FileError,
  type LaunchError,
  type ResourceLimits,
} from "../containerizer.ts";
import type { Confined, Entry, Isolation, Place, Preparation } from "../supervisor/isolation.ts";
import { processLimits } from "../supervisor/process-limits.ts";
import { checkSupervisor } from "../supervisor/self-test.ts";
import { SupervisedContainerizer } from "../supervisor/supervised-containerizer.ts";
import { killAllIn, processesIn } from "./controllers/freezer.ts";
import { controllerNames, controllers } from "./controllers/index.ts";
import { outOfMemory } from "./controllers/memory.ts";
import { detectHierarchy, directoriesOf, directoryOf, type Hierarchy } from "./hierarchy.ts";
import { joinSpace } from "./joined-space.ts";
import { readHostFacts } from "./space/host-facts.ts";
import { newSpace, privilegesOf, type SpaceContext } from "./space/new-space.ts";
import { DEFAULT_CAPABILITIES } from "./space/privileges.ts";
import { realPath } from "./space/volumes.ts";
import { createCgroup, createInnerCgroup, removeCgroup, removeEmptyParents } from "./tree.ts";

const MEGABYTE = 1_048_576;

export class CgroupIsolation implements Isolation {
  readonly #hierarchy: Hierarchy;
  /** Like "rimrock", or a path of several names. */
  readonly #root: string;
  readonly #space: SpaceContext;
  readonly #present = new Set<ContainerId>();

  constructor(hierarchy: Hierarchy, options: ContainerizerOptions) {
    this.#hierarchy = hierarchy;
    this.#root = options.cgroupRoot;
    this.#space = {
      facts: readHostFacts(options.isolation, hierarchy.version),
      runtimeDirectory: options.runtimeDirectory,
      hidden: realPath(options.hiddenDirectory ?? options.runtimeDirectory),
      allowedCapabilities: options.allowedCapabilities ?? DEFAULT_CAPABILITIES,
    };
  }

  prepare({ spec, account, outer }: Preparation): Result<Entry, LaunchError> {
    this.#present.add(spec.containerId);
    const name = this.#name(spec);
    const create = outer === undefined ? createCgroup : createInnerCgroup;
    const created = create(this.#hierarchy, name);
    if (!created.ok) return created;
    // What lives in another container is bounded by that one's limits.
    if (outer === undefined) {
      const applied = this.update(spec, spec.limits);
      if (!applied.ok) return applied;
    }
    const container = { spec, account, devices: [] };
    const space = outer === undefined ? newSpace(this.#space, container) : joinSpace(outer);
    if (!space.ok) return space;
    const privileges = privilegesOf(this.#space, container);
    if (!privileges.ok) return privileges;
    const resourceLimits = processLimits(spec);
    return ok({
      joinFiles: directoriesOf(this.#hierarchy, name).map((path) => `${path}/cgroup.procs`),
      privileges: privileges.value,
      ...(space.value && { space: space.value }),
      ...(resourceLimits && { resourceLimits }),
    });
  }

  update(place: Place, limits: ResourceLimits): Result<void, FileError> {
    if (place.inside !== undefined) return ok(undefined);
    return applyLimits(this.#hierarchy, this.#name(place), limits);
  }

  async usage(place: Confined): Promise<Result<ResourceStatistics, FileError>> {
    let statistics: ResourceStatistics = {
      timestamp: Date.now() / 1_000,
      processes: processesIn(this.#processDirectory(place)).length,
    };
    for (const name of controllerNames) {
      const version = controllers[name][this.#hierarchy.version];
      const usage = version?.usage(directoryOf(this.#hierarchy, name, this.#name(place)));
      // In v2 a cgroup within a container's has no controllers, and files of the processor only.
      if (usage?.ok === false && place.inside !== undefined) continue;
      if (usage?.ok === false) return usage;
      statistics = { ...statistics, ...usage?.value };
    }
    return ok(statistics);
  }

  async processes(place: Confined): Promise<readonly number[]> {
    return processesIn(this.#processDirectory(place));
  }

  async killAll(place: Confined): Promise<boolean> {
    return killAllIn(this.#hierarchy.version, this.#processDirectory(place));
  }

  limitation(place: Place): string | undefined {
    const directory = directoryOf(this.#hierarchy, "memory", this.#name(place));
    const memory = outOfMemory(this.#hierarchy.version, directory);
    if (!memory.ok || memory.value.killedProcesses === 0) return undefined;
    const { limitBytes, peakBytes } = memory.value;
    return `Memory limit exceeded: limit ${megabytes(limitBytes)}, most used ${megabytes(peakBytes)}`;
  }

  async release(place: Place): Promise<void> {
    await removeCgroup(this.#hierarchy, this.#name(place));
    this.#present.delete(place.containerId);
    if (this.#present.size === 0) removeEmptyParents(this.#hierarchy, this.#root);
  }

  #name({ containerId, inside }: Place): string {
    return [this.#root, ...(inside === undefined ? [] : [inside]), containerId].join("/");
  }

  #processDirectory(place: Place): string {
    return directoryOf(this.#hierarchy, "freezer", this.#name(place));
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
  create: (options) => {
    const hierarchy = detectHierarchy();
    // `check` has said so in one sentence before anybody comes here.
    if (!hierarchy.ok) throw new Error(hierarchy.error.why);
    const isolation = new CgroupIsolation(hierarchy.value, options);
    return new SupervisedContainerizer(options.runtimeDirectory, isolation);
  },
};
