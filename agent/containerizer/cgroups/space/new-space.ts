/**
 * The namespaces of a new container and what it sees in them; its privileges; its process limits.
 * What was asked for and cannot be given is refused, never left out.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../../../worker/std/result.ts";
import type {
  CapabilityName,
  ContainerId,
  ContainerSpec,
  LaunchError,
  RootFileSystem,
  UserRange,
} from "../../containerizer.ts";
import type { Isolator } from "../../isolators.ts";
import { findProgram } from "../../supervisor/host-tools.ts";
import type { Confined, NewSpace, Setup } from "../../supervisor/isolation.ts";
import type { ProcessIdentity } from "../../supervisor/records.ts";
import { type Account, ownerIn } from "../../supervisor/users.ts";
import { FIRST_DESCRIPTOR, openNamespaces } from "../joined-space.ts";
import type { SeccompFilters } from "../seccomp/filters.ts";
import { USERS_PATH } from "../user-namespaces.ts";
import { lookBeneath } from "./beneath.ts";
import { type DeviceFile, deviceFolder } from "./device-folder.ts";
import { type HostFacts, NAMESPACE_OPTIONS } from "./host-facts.ts";
import { type Bind, mountTables } from "./mount-table.ts";
import { capabilityNames, capabilityOptions, possibleCapabilities } from "./privileges.ts";
import { makeRootSetup } from "./root-space.ts";
import { isWithin, realPath, resolveVolumes } from "./volumes.ts";

export interface SpaceContext {
  readonly facts: HostFacts;
  readonly runtimeDirectory: string;
  /** Real path of the agent's own folder. */
  readonly hidden: string;
  readonly allowedCapabilities: readonly CapabilityName[];
  readonly seccomp: SeccompFilters;
}

export interface NewContainer {
  readonly spec: ContainerSpec;
  readonly account: Account | undefined;
  /** Besides those that every container has. */
  readonly devices: readonly DeviceFile[];
  /** A running container of its group. */
  readonly peer: Confined | undefined;
  /** The first process of the process id namespace that it has with its group. */
  readonly groupProcess?: ProcessIdentity | undefined;
  /** Users of its own. */
  readonly users?: UserRange | undefined;
}

/** Undefined: all of it is the machine's. */
export function newSpace(
  context: SpaceContext,
  container: NewContainer,
): Result<NewSpace | undefined, LaunchError> {
  const { spec, peer } = container;
  const { isolators, unshare } = context.facts;
  const setup = isolators.has("filesystem/linux") ? makeSetup(context, container) : ok(undefined);
  if (!setup.ok) return setup;
  const ownsIpc = isolators.has("namespaces/ipc") && !isMachines(spec);
  // Opened last: from here on nothing is refused, so that it is closed by whoever gets it.
  const group = joinGroup(container, ownsIpc ? peer : undefined);
  if (!group.ok) return group;
  const joined = group.value;
  const hasInit = isolators.has("namespaces/pid") && spec.sharesProcesses !== true;
  const options = [
    ...(isolators.has("filesystem/linux") ? [NAMESPACE_OPTIONS["filesystem/linux"]] : []),
    ...(hasInit ? [NAMESPACE_OPTIONS["namespaces/pid"]] : []),
    ...(ownsIpc && !joined.hasIpc ? [NAMESPACE_OPTIONS["namespaces/ipc"]] : []),
    ...(isolators.has("namespaces/uts") ? [NAMESPACE_OPTIONS["namespaces/uts"]] : []),
  ];
  if (options.length === 0 && joined.enter.length === 0) return ok(undefined);
  // Slaves see what the machine mounts and unmounts later; nothing goes the other way.
  const propagation = isolators.has("filesystem/linux") ? ["--propagation", "slave"] : [];
  const enter = [...joined.enter, unshare, ...options, ...propagation];
  const { descriptors } = joined;
  return ok({ kind: "NEW", enter, descriptors, hasInit, setup: setup.value });
}

interface GroupNamespaces {
  /** nsenter(1), if there are any. */
  readonly enter: readonly string[];
  readonly descriptors: readonly number[];
  readonly hasIpc: boolean;
}

/** Those that it has with its group. `peer`: whose shared memory it is to have. */
function joinGroup(
  { groupProcess }: NewContainer,
  peer: Confined | undefined,
): Result<GroupNamespaces, LaunchError> {
  const processes =
    groupProcess === undefined
      ? { options: [], descriptors: [] }
      : openNamespaces(groupProcess, ["pid"]);
  if (processes === undefined) {
    const why = "the first process of its namespace has just ended; launch it again";
    return err({ code: "NOT_SUPPORTED", what: "the process ids of its group", why });
  }
  const next = FIRST_DESCRIPTOR + processes.descriptors.length;
  const memory = openNamespaces(peer?.started?.supervisor, ["ipc"], next);
  const options = [...processes.options, ...(memory?.options ?? [])];
  const descriptors = [...processes.descriptors, ...(memory?.descriptors ?? [])];
  const nsenter = findProgram("nsenter") ?? "nsenter";
  // The supervisor stays outside of the namespace of process ids, which its children will be in.
  const enter = options.length === 0 ? [] : [nsenter, "--no-fork", ...options];
  return ok({ enter, descriptors, hasIpc: memory !== undefined });
}

/** Its shared memory is neither its own nor its group's. */
function isMachines({ sharedMemory, group }: ContainerSpec): boolean {
  return sharedMemory?.mode === "SHARED" && group === undefined;
}

const VOLUME_ISOLATOR = {
  HOST: "volume/host_path",
  AGENT: "filesystem/linux",
  SANDBOX: "volume/sandbox_path",
  GROUP: "volume/sandbox_path",
} as const;

/** What a part of the spec needs, and what it is called to whom it is refused. */
function needsOf(spec: ContainerSpec): readonly (readonly [Isolator, string])[] {
  const needs: (readonly [Isolator, string])[] = [];
  for (const { source, containerPath } of spec.volumes ?? []) {
    needs.push([VOLUME_ISOLATOR[source.kind], `the volume at '${containerPath}'`]);
  }
  if (spec.hostname !== undefined) {
    // It is set where the mounts are made.
    for (const isolator of ["namespaces/uts", "filesystem/linux"] as const) {
      needs.push([isolator, "a host name of its own"]);
    }
  }
  if (spec.capabilities !== undefined) needs.push(["linux/capabilities", "capabilities"]);
  if (spec.seccomp?.kind === "PROFILE") {
    needs.push(["linux/seccomp", `the seccomp profile '${spec.seccomp.name}'`]);
  }
  if (spec.processLimits !== undefined) needs.push(["posix/rlimits", "limits of its processes"]);
  if (spec.sharedMemory?.mode === "PRIVATE") {
    needs.push(["namespaces/ipc", "shared memory of its own"]);
    if (spec.sharedMemory.bytes !== undefined) {
      needs.push(["filesystem/linux", "a /dev/shm of its own size"]);
    }
  }
  if (spec.image !== undefined) {
    // By its processes or root's rights it could reach the machine's files after all.
    for (const isolator of ["filesystem/linux", "namespaces/pid", "linux/capabilities"] as const) {
      needs.push([isolator, `the image '${spec.image.name}'`]);
    }
  }
  if ((spec.gpus ?? 0) > 0) needs.push(["gpu/nvidia", "GPUs"]);
  return needs;
}

/** What is asked for and not to be had here. */
export function firstRefusal(
  { isolators, lacking }: HostFacts,
  spec: ContainerSpec,
): LaunchError | undefined {
  if (spec.image !== undefined && isolators.has("namespaces/user")) {
    const why = "its files would be nobody's in namespaces/user, which is in --isolation here";
    return { code: "NOT_SUPPORTED", what: `the image '${spec.image.name}'`, why };
  }
  if (spec.image !== undefined && spec.root === undefined) {
    const what = `the image '${spec.image.name}'`;
    const why = "the operator wants none; start it with --image-providers DOCKER";
    return { code: "NOT_SUPPORTED", what, why };
  }
  const need = needsOf(spec).find(([isolator]) => !isolators.has(isolator));
  if (need === undefined) return undefined;
  const [isolator, what] = need;
  const why = lacking.get(isolator) ?? whyLeftOut(isolator);
  return { code: "NOT_SUPPORTED", what, why };
}

function whyLeftOut(isolator: Isolator): string {
  if (isolator === "linux/seccomp") {
    return "the operator has set up no profiles (--seccomp-config-dir)";
  }
  return `the operator left ${isolator} out of --isolation`;
}

function makeSetup(context: SpaceContext, container: NewContainer): Result<Setup, LaunchError> {
  const { facts, runtimeDirectory, hidden } = context;
  const { spec, account } = container;
  if (spec.root !== undefined) return setupInRoot(context, container, spec.root);
  const { users } = container;
  const volumes = resolveVolumes({ spec, account: ownerIn(users, account), users, hidden });
  if (!volumes.ok) return volumes;
  const isLate = ({ target }: Bind): boolean =>
    target !== "/tmp" && isWithin(target, "/tmp") && !isWithin(target, spec.sandboxDirectory);
  const temporary = temporaryFolder(spec);
  if (!temporary.ok) return temporary;
  const devices = deviceFolder(runtimeDirectory, container.devices);
  if (!devices.ok) return devices;
  const shm = sharedMemoryOf(facts, spec);
  const target = join(devices.value.path, "shm");
  const foreignShm = shm.folder === undefined ? [] : [{ source: shm.folder, target }];
  const base = baseOf(spec, hidden);
  const fromBase = (bind: Bind): Bind => ({ ...bind, source: relativeTo(base, bind.source) });
  const binds = volumes.value.map(({ bind }) => fromBase(bind));
  const clash = unreachableSource(binds.filter(isLate));
  if (clash !== undefined) return err(clash);
  const mounts = mountTables({
    systemMounts: facts.systemMounts,
    readOnlyFiles: facts.readOnlyFiles.filter((path) => !isWithin(path, hidden)),
    devices: [
      ...devices.value.devices,
      ...foreignShm.map((bind) => ({ ...bind, readOnly: false })),
    ],
    deviceFolder: devices.value.path,
    sharedMemory: shm.own,
    volumes: binds.filter((bind) => !isLate(bind)),
    temporaryFolder: binds.some(({ target }) => target === "/tmp")
      ? undefined
      : relativeTo(base, temporary.value),
    volumesInTemporaryFolder: binds.filter(isLate),
    hidden,
    exposed: exposedOf(spec).map(fromBase),
    isOrdinary:
      container.devices.length === 0 &&
      foreignShm.length === 0 &&
      spec.sharedMemory === undefined &&
      spec.sharesProcesses !== true,
    ownProcesses:
      container.groupProcess !== undefined ||
      (facts.isolators.has("namespaces/pid") && spec.sharesProcesses !== true),
    guarded: facts.guarded,
  });
  return ok({
    mountProgram: facts.mount,
    statProgram: facts.stat,
    commonMounts: mounts.common,
    mounts: mounts.own,
    hostname: spec.hostname,
    baseDirectory: base,
    directory: spec.sandboxDirectory,
    ...(users && { users: { ...users, file: USERS_PATH, unshareProgram: facts.unshare } }),
    expected: volumes.value.map(({ bind, identity }) => ({ path: bind.target, identity })),
  });
}

function setupInRoot(
  { facts, runtimeDirectory, hidden }: SpaceContext,
  { spec, account, devices: more }: NewContainer,
  root: RootFileSystem,
): Result<Setup, LaunchError> {
  const devices = deviceFolder(runtimeDirectory, more);
  if (!devices.ok) return devices;
  const sharedMemory = sharedMemoryOf(facts, spec);
  return makeRootSetup({
    ...{ facts, hidden, spec, account, root, sharedMemory },
    devices: devices.value,
  });
}

/** What is behind /dev/shm: a file system of its own, or a folder of the machine's. */
function sharedMemoryOf(
  { isolators }: HostFacts,
  spec: ContainerSpec,
): {
  readonly own?: { readonly bytes: number | undefined };
  readonly folder?: string;
} {
  const { group, sharedMemory } = spec;
  if (sharedMemory?.mode === "PRIVATE") return { own: { bytes: sharedMemory.bytes } };
  if (!isolators.has("namespaces/ipc") || isMachines(spec)) {
    return existsSync(MACHINE_SHM) ? { folder: MACHINE_SHM } : {};
  }
  return group === undefined ? { own: { bytes: undefined } } : { folder: groupShm(group.id) };
}

const MACHINE_SHM = "/dev/shm";

/** The shared memory of a group; made for its first container, gone with its last. */
export function groupShm(groupId: ContainerId): string {
  return join(MACHINE_SHM, `rimrock-${groupId}`);
}

/** Its sandbox, or that of its group with its own in it; its persistent volumes. */
function exposedOf(spec: ContainerSpec): readonly Bind[] {
  const sandbox = spec.group?.sandboxDirectory ?? spec.sandboxDirectory;
  const folders = [{ path: sandbox, readOnly: false }, ...(spec.agentFolders ?? [])];
  return folders.map(({ path, readOnly }) => ({ source: path, target: path, readOnly }));
}

/** A folder of the sandbox, so that it counts and goes with it. A group shares one. */
function temporaryFolder(spec: ContainerSpec): Result<string, LaunchError> {
  const sandbox = spec.group?.sandboxDirectory ?? spec.sandboxDirectory;
  const made = lookBeneath(sandbox, [".tmp"], { kind: "FOLDER", account: undefined, mode: 0o1777 });
  const path = join(sandbox, ".tmp");
  if (!made.ok) return err({ code: "SANDBOX_UNUSABLE", path, errno: made.error });
  return ok(path);
}

/** `late`: to be mounted in the container's own /tmp, which covers the machine's by then. */
function unreachableSource(late: readonly Bind[]): LaunchError | undefined {
  const clash = late.find(({ source }) => isWithin(source, "/tmp"));
  if (clash === undefined) return undefined;
  const why = "host path and container path are both in /tmp, which is the container's own";
  return { code: "VOLUME_REFUSED", containerPath: clash.target, why };
}

/** A folder that leads to the sandbox past what is mounted over the way to it. */
function baseOf(spec: ContainerSpec, hidden: string): string {
  const sandbox = realPath(spec.group?.sandboxDirectory ?? spec.sandboxDirectory);
  return isWithin(sandbox, hidden) ? hidden : sandbox;
}

function relativeTo(base: string, path: string): string {
  const real = realPath(path);
  return isWithin(real, base) ? real.slice(base.length + 1) : real;
}

/** Where a container sees its filter. */
export const FILTER_FILE: Omit<DeviceFile, "path"> = { name: ".seccomp", isReadOnly: true };
export const FILTER_PATH = `/dev/${FILTER_FILE.name}`;

/** The file with its filter of system calls; undefined: it has none. */
export function filterOf(
  { facts, seccomp, allowedCapabilities: allowed }: SpaceContext,
  { spec, account }: Owned,
): Result<string | undefined, LaunchError> {
  if (!facts.isolators.has("linux/seccomp")) return ok(undefined);
  const isBound = facts.isolators.has("linux/capabilities");
  const rights = { allowed, asked: spec.capabilities, isRoot: isRoot(account) };
  return seccomp.make(spec, isBound ? possibleCapabilities(rights) : capabilityNames);
}

type Owned = Pick<NewContainer, "spec" | "account">;

function isRoot(account: Account | undefined): boolean {
  return account === undefined || account.userId === 0;
}

/** As options of setpriv(1). */
export function privilegesOf(
  { facts, allowedCapabilities }: SpaceContext,
  { spec, account }: Owned,
): Result<readonly string[], LaunchError> {
  const options: string[] = [];
  if (facts.isolators.has("linux/capabilities") && process.geteuid?.() === 0) {
    const capabilities = capabilityOptions({
      allowed: allowedCapabilities,
      asked: spec.capabilities,
      isRoot: isRoot(account),
      lastNumber: facts.lastCapability,
    });
    if (!capabilities.ok) {
      return err({ code: "NOT_SUPPORTED", what: "capabilities", why: capabilities.error });
    }
    options.push(...capabilities.value);
  }
  if (facts.isolators.has("linux/nnp")) options.push("--no-new-privs");
  return ok(options);
}
