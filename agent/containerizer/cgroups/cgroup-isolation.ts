/**
 * How a container is confined here: a cgroup of its own, `<root>/<container id>`, in v2's tree or
 * in each of v1's, and namespaces of its own. Its limits are there, its processes one level below
 * (`LEAF`). What lives inside another container has a cgroup
 * within that one's, without limits, and no namespaces.
 */
import { statSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import type { ResourceStatistics } from "../../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type {
  ContainerId,
  ContainerizerOptions,
  ContainerSpec,
  FileError,
  GpuOwners,
  LaunchError,
  ResourceLimits,
  UserRange,
} from "../containerizer.ts";
import {
  DISK_WATCH_MS,
  DiskWatch,
  diskMessage,
  diskStatistics,
  measureFolder,
} from "../disk-watch.ts";
import { GpuPool } from "../gpu-pool.ts";
import type { Isolator } from "../isolators.ts";
import { fileError } from "../supervisor/file-error.ts";
import type {
  Confined,
  Entry,
  Isolation,
  Limitation,
  Place,
  Preparation,
} from "../supervisor/isolation.ts";
import { processLimits } from "../supervisor/process-limits.ts";
import type { ProcessIdentity } from "../supervisor/records.ts";
import { type Account, ownerIn } from "../supervisor/users.ts";
import { allowDevices } from "./controllers/devices.ts";
import { killAllIn, processesIn } from "./controllers/freezer.ts";
import { controllers } from "./controllers/index.ts";
import { outOfMemory } from "./controllers/memory.ts";
import { GroupMemory } from "./group-memory.ts";
import { GroupProcesses } from "./group-processes.ts";
import { controllersOf, directoryOf, entrancesOf, type Hierarchy, LEAF } from "./hierarchy.ts";
import { joinSpace } from "./joined-space.ts";
import { applyLimits, outOfMemoryScore } from "./limits.ts";
import { SeccompFilters } from "./seccomp/filters.ts";
import type { DeviceFile } from "./space/device-folder.ts";
import { readHostFacts } from "./space/host-facts.ts";
import {
  FILTER_FILE,
  FILTER_PATH,
  filterOf,
  firstRefusal,
  newSpace,
  privilegesOf,
  type SpaceContext,
} from "./space/new-space.ts";
import { DEFAULT_CAPABILITIES } from "./space/privileges.ts";
import { realPath } from "./space/volumes.ts";
import {
  createCgroup,
  createInnerCgroup,
  createLeaf,
  removeCgroup,
  removeEmptyParents,
} from "./tree.ts";
import { USERS_FILE, USERS_PATH, UserNamespaces } from "./user-namespaces.ts";

const MEGABYTE = 1_048_576;

type Exceeded = (id: ContainerId, limitation: Limitation) => void;

export class CgroupIsolation implements Isolation {
  readonly #hierarchy: Hierarchy;
  /** Like "rimrock", or a path of several names. */
  readonly #root: string;
  readonly #space: SpaceContext;
  readonly #disk: DiskWatch;
  readonly #gpus: GpuOwners;
  readonly #groups = new GroupMemory();
  readonly #groupProcesses: GroupProcesses;
  readonly #users: UserNamespaces;
  readonly #present = new Set<ContainerId>();
  #exceeded: Exceeded | undefined;

  constructor(hierarchy: Hierarchy, options: ContainerizerOptions) {
    const { runtimeDirectory, disk } = options;
    this.#hierarchy = hierarchy;
    this.#root = options.cgroupRoot;
    this.#space = {
      facts: readHostFacts(options, hierarchy.version),
      runtimeDirectory,
      hidden: realPath(options.hiddenDirectory ?? runtimeDirectory),
      seccomp: new SeccompFilters(runtimeDirectory, options.seccomp),
      allowedCapabilities: options.allowedCapabilities ?? DEFAULT_CAPABILITIES,
    };
    const { isolators } = this.#space.facts;
    const users = isolators.has("namespaces/user") ? options.users : undefined;
    this.#users = new UserNamespaces(runtimeDirectory, users);
    this.#groupProcesses = new GroupProcesses(runtimeDirectory);
    this.#gpus = options.gpuPool ?? new GpuPool(runtimeDirectory, options.gpus ?? []);
    const everyMs = disk?.everyMs ?? DISK_WATCH_MS;
    const isEnforced = disk?.isEnforced === true;
    this.#disk = new DiskWatch({
      runtimeDirectory,
      everyMs,
      measure: (_id, sandboxDirectory) => measureFolder(sandboxDirectory),
      exceeded: isEnforced
        ? (id, used) => this.#exceeded?.(id, { reason: "DISK", message: diskMessage(used) })
        : undefined,
    });
  }

  tellLimits(exceeded: Exceeded): void {
    this.#exceeded = exceeded;
  }

  recovered({ containerId, inside, groupId }: Place): void {
    this.#present.add(containerId);
    if (groupId !== undefined) this.#groups.add(groupId, containerId);
    if (inside !== undefined) return;
    this.#groupProcesses.recover(containerId);
    this.#gpus.recover(containerId);
    if (this.#has("disk/du")) this.#disk.recover(containerId);
  }

  prepare({ spec, account, outer, peer }: Preparation): Result<Entry, LaunchError> {
    this.#present.add(spec.containerId);
    const { group } = spec;
    if (outer === undefined && group !== undefined) this.#groups.add(group.id, spec.containerId);
    const refused = outer === undefined ? firstRefusal(this.#space.facts, spec) : undefined;
    if (refused !== undefined) return err(refused);
    const files = outer === undefined ? this.#confine(spec) : this.#enclose(spec);
    if (!files.ok) return files;
    const filter = this.#filter({ spec, account, outer });
    if (!filter.ok) return filter;
    const filterFiles = filter.value === undefined ? [] : [{ ...FILTER_FILE, path: filter.value }];
    const groupProcess = outer === undefined ? this.#joinProcesses(spec) : ok(undefined);
    if (!groupProcess.ok) return groupProcess;
    const users =
      outer === undefined ? this.#users.make(spec, account) : ok(this.#users.of(outer.containerId));
    if (!users.ok) return users;
    const usersFiles = users.value === undefined ? [] : [USERS_FILE];
    const container = {
      ...{ spec, account, peer, groupProcess: groupProcess.value, users: users.value },
      devices: [...files.value, ...filterFiles, ...usersFiles],
    };
    const privileges = privilegesOf(this.#space, container);
    if (!privileges.ok) return privileges;
    // Last, because it opens descriptors that are closed with the entry.
    const space = outer === undefined ? newSpace(this.#space, container) : joinSpace(outer);
    if (!space.ok) return space;
    const resourceLimits = processLimits(spec);
    const name = this.#name(spec);
    const score = outOfMemoryScore(spec.limits, totalmem());
    return ok({
      joinFiles: entrancesOf(this.#hierarchy, name, { hasLimits: outer === undefined }),
      privileges: privileges.value,
      ...(space.value && { space: space.value }),
      ...(filter.value !== undefined && { seccompFilter: FILTER_PATH }),
      ...this.#usersOf(account, users.value),
      ...(resourceLimits && { resourceLimits }),
      ...(outer === undefined && score !== 0 && { oomScoreAdjust: score }),
    });
  }

  update(place: Place, limits: ResourceLimits): Result<void, FileError> {
    if (place.inside !== undefined) return ok(undefined);
    if (limits.diskLimitBytes !== undefined) {
      this.#disk.setLimit(place.containerId, limits.diskLimitBytes);
    }
    const { isolators } = this.#space.facts;
    return applyLimits(this.#hierarchy, { name: this.#name(place), isolators }, limits);
  }

  async usage(place: Confined): Promise<Result<ResourceStatistics, FileError>> {
    let statistics: ResourceStatistics = {
      timestamp: Date.now() / 1_000,
      processes: processesIn(this.#processDirectory(place)).length,
    };
    for (const name of controllersOf(this.#hierarchy)) {
      const version = controllers[name][this.#hierarchy.version];
      const usage = version?.usage(directoryOf(this.#hierarchy, name, this.#name(place)));
      // In v2 a cgroup within a container's has no controllers, and files of the processor only.
      if (usage?.ok === false && place.inside !== undefined) continue;
      if (usage?.ok === false) return usage;
      statistics = { ...statistics, ...usage?.value };
    }
    return ok({ ...statistics, ...diskStatistics(this.#disk.usage(place.containerId)) });
  }

  async processes(place: Confined): Promise<readonly number[]> {
    return processesIn(this.#processDirectory(place));
  }

  async killAll(place: Confined): Promise<boolean> {
    return killAllIn(this.#hierarchy.version, this.#processDirectory(place));
  }

  limitation(place: Place): Limitation | undefined {
    const directory = directoryOf(this.#hierarchy, "memory", this.#name(place));
    const memory = outOfMemory(this.#hierarchy.version, directory, join(directory, LEAF));
    if (!memory.ok || memory.value.killedProcesses === 0) return undefined;
    const { limitBytes, peakBytes } = memory.value;
    const used = `limit ${megabytes(limitBytes)}, most used ${megabytes(peakBytes)}`;
    return { reason: "MEMORY", message: `Memory limit exceeded: ${used}` };
  }

  async release(place: Place): Promise<void> {
    const { containerId, groupId } = place;
    if (groupId !== undefined) this.#groups.delete(groupId, containerId);
    this.#disk.delete(containerId);
    this.#groupProcesses.delete(containerId);
    this.#gpus.release(containerId);
    await removeCgroup(this.#hierarchy, this.#name(place));
    this.#present.delete(containerId);
    if (this.#present.size === 0) removeEmptyParents(this.#hierarchy, this.#root);
  }

  /** The cgroup of a container of its own, with its limits. Its value: what it has of devices. */
  #confine(spec: ContainerSpec): Result<readonly DeviceFile[], LaunchError> {
    const created = createCgroup(this.#hierarchy, this.#name(spec));
    if (!created.ok) return created;
    const applied = this.update(spec, spec.limits);
    if (!applied.ok) return applied;
    const gpus = this.#gpus.take(spec.containerId, spec.gpus ?? 0);
    if (!gpus.ok) return gpus;
    const files = new Map(gpus.value.flatMap((gpu) => gpu.files.map((file) => [file.name, file])));
    const restricted = this.#restrictDevices(spec, [...files.values()]);
    if (!restricted.ok) return restricted;
    const leaf = createLeaf(this.#hierarchy, this.#name(spec));
    if (!leaf.ok) return leaf;
    const watched = this.#watchDisk(spec);
    return watched.ok ? ok([...files.values()]) : watched;
  }

  /** The cgroup of a container in another one, whose limits are that one's. */
  #enclose(spec: ContainerSpec): Result<readonly DeviceFile[], LaunchError> {
    const created = createInnerCgroup(this.#hierarchy, this.#name(spec));
    return created.ok ? ok([]) : created;
  }

  #usersOf(
    account: Account | undefined,
    users: UserRange | undefined,
  ): Pick<Entry, "owner" | "userNamespace"> {
    const owner = users === undefined ? undefined : ownerIn(users, account);
    return owner === undefined ? {} : { owner, userNamespace: USERS_PATH };
  }

  /** The first process of its group's namespace, where it wants to be in that. */
  #joinProcesses(spec: ContainerSpec): Result<ProcessIdentity | undefined, LaunchError> {
    const { group, sharesProcesses, containerId } = spec;
    const isShared = sharesProcesses === true && this.#has("namespaces/pid");
    if (!isShared || group === undefined) return ok(undefined);
    return this.#groupProcesses.join(group.id, containerId);
  }

  /** Its own, or that of the container which it is in: the file with it. */
  #filter({
    spec,
    account,
    outer,
  }: Pick<Preparation, "spec" | "account" | "outer">): Result<string | undefined, LaunchError> {
    if (outer === undefined) return filterOf(this.#space, { spec, account });
    if (spec.seccomp !== undefined) {
      const why = "it has the one of the container that it is in; leave `seccomp` out";
      return err({ code: "NOT_SUPPORTED", what: "a seccomp profile of its own", why });
    }
    return ok(this.#space.seccomp.fileOf(outer.containerId));
  }

  #restrictDevices(place: Place, files: readonly DeviceFile[]): Result<void, FileError> {
    const hasController = controllersOf(this.#hierarchy).includes("devices");
    if (!hasController || !this.#has("cgroups/devices")) return ok(undefined);
    const directory = directoryOf(this.#hierarchy, "devices", this.#name(place));
    const numbers = files.flatMap(({ path }): (readonly [number, number])[] => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat?.isCharacterDevice() ? [numbersOf(stat.rdev)] : [];
    });
    return allowDevices(directory, numbers);
  }

  #watchDisk(spec: ContainerSpec): Result<void, FileError> {
    const { containerId, sandboxDirectory, limits, root } = spec;
    const { diskLimitBytes: limitBytes } = limits;
    if (limitBytes === undefined || !this.#has("disk/du")) return ok(undefined);
    try {
      this.#disk.add(containerId, {
        ...{ sandboxDirectory, limitBytes },
        ...(root !== undefined && { changesDirectory: join(root.folder, "upper") }),
      });
      return ok(undefined);
    } catch (cause) {
      return err(fileError("write", `${this.#space.runtimeDirectory}/${containerId}.disk`, cause));
    }
  }

  #has(isolator: Isolator): boolean {
    return this.#space.facts.isolators.has(isolator);
  }

  #name({ containerId, inside }: Place): string {
    return [this.#root, ...(inside === undefined ? [] : [inside]), containerId].join("/");
  }

  #processDirectory(place: Place): string {
    return directoryOf(this.#hierarchy, "freezer", this.#name(place));
  }
}

/** As Linux packs them: 12 bits and the rest of the major number around those of the minor one. */
function numbersOf(device: number): readonly [major: number, minor: number] {
  const bits = BigInt(device);
  const major = ((bits >> 8n) & 0xfffn) | ((bits >> 32n) & ~0xfffn);
  const minor = (bits & 0xffn) | ((bits >> 12n) & ~0xffn & 0xffffffffn);
  return [Number(major), Number(minor)];
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? "unknown" : `${Number((bytes / MEGABYTE).toFixed(1))} MB`;
}
