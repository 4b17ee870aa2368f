/**
 * What a task's ContainerInfo of type MESOS asks for, as parts of a container's spec, or why this
 * agent cannot give it. Whether the machine can is the containerizer's to say. Sources: Mesos'
 * include/mesos/v1/mesos.proto (LinuxInfo, RLimitInfo, Volume), docs/container-volume.md,
 * docs/linux_capabilities.md, docs/posix_rlimits.md.
 */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type {
  CapabilityName,
  CapabilitySets,
  ContainerSpec,
  ProcessLimit,
  VolumeMount,
} from "../containerizer/containerizer.ts";

const BYTES_PER_MEGABYTE = 1024n * 1024n;

export type MesosContainerParts = Pick<
  ContainerSpec,
  | "hostname"
  | "volumes"
  | "capabilities"
  | "processLimits"
  | "seccomp"
  | "sharesProcesses"
  | "sharedMemory"
>;

/** `isNested`: it is of a task in a group. */
export interface ContainerPlace {
  readonly isNested: boolean;
}

/** `container` passed `mesosContainerObstacle`. */
export function mesosContainerParts(
  container: mesos.ContainerInfo | undefined,
): MesosContainerParts {
  if (container === undefined) return {};
  const { hostname, volumes = [], linux_info, rlimit_info } = container;
  const capabilities = capabilitiesOf(linux_info);
  const sharedMemory = sharedMemoryOf(linux_info);
  const seccomp = seccompOf(linux_info?.seccomp);
  return {
    ...(hostname !== undefined && { hostname }),
    ...(volumes.length > 0 && { volumes: volumes.map(volumeMount) }),
    ...(capabilities !== undefined && { capabilities }),
    ...(rlimit_info !== undefined && {
      processLimits: (rlimit_info.rlimits ?? []).flatMap((limit) => processLimit(limit) ?? []),
    }),
    ...(seccomp !== undefined && { seccomp }),
    ...(linux_info?.share_pid_namespace === true && { sharesProcesses: true }),
    ...(sharedMemory !== undefined && { sharedMemory }),
  };
}

/** The sentence says what the task has to change; undefined: nothing. */
export function mesosContainerObstacle(
  container: mesos.ContainerInfo,
  { isNested }: ContainerPlace,
): string | undefined {
  const { hostname, volumes = [], linux_info, rlimit_info } = container;
  if (hostname !== undefined && !HOSTNAME.test(hostname)) {
    return `the container's \`hostname\` '${hostname}' is none; use letters, digits, '-' and '.'`;
  }
  for (const volume of volumes) {
    const why = volumeObstacle(volume, isNested);
    if (why !== undefined) return `the volume at '${volume.container_path}' ${why}`;
  }
  return linuxObstacle(linux_info, isNested) ?? rlimitObstacle(rlimit_info);
}

const HOSTNAME = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/;

function volumeMount({ container_path, mode, host_path, source }: mesos.Volume): VolumeMount {
  const fields = { containerPath: container_path, readOnly: mode === "RO" };
  const sandbox = source?.sandbox_path;
  if (sandbox !== undefined) {
    const kind = sandbox.type === "PARENT" ? "GROUP" : "SANDBOX";
    return { ...fields, source: { kind, path: sandbox.path } };
  }
  const path = source?.host_path?.path ?? host_path ?? "";
  // As in Mesos, a relative host path begins in the sandbox.
  return { ...fields, source: { kind: path.startsWith("/") ? "HOST" : "SANDBOX", path } };
}

function volumeObstacle(volume: mesos.Volume, isNested: boolean): string | undefined {
  const { source, host_path, image } = volume;
  if (volume.container_path === "") return "has no `container_path`";
  if (image !== undefined) return "has an `image`, which this agent's MESOS containers cannot use";
  if (source === undefined) {
    return host_path === undefined ? "has neither a `source` nor a `host_path`" : undefined;
  }
  if (host_path !== undefined) return "has a `host_path` and a `source`; leave one out";
  switch (source.type) {
    case "HOST_PATH":
      if (source.host_path === undefined) return "has no `source.host_path`";
      if (source.host_path.mount_propagation?.mode === "BIDIRECTIONAL") {
        return "asks for BIDIRECTIONAL mount propagation; nothing leaves a container here";
      }
      return undefined;
    case "SANDBOX_PATH":
      if (source.sandbox_path === undefined) return "has no `source.sandbox_path`";
      if (source.sandbox_path.type !== "PARENT") return undefined;
      return isNested ? undefined : "is of the PARENT's sandbox, and only a group's tasks have one";
    default:
      return `has a source of type ${source.type ?? "UNKNOWN"}; use HOST_PATH or SANDBOX_PATH`;
  }
}

function linuxObstacle(info: mesos.LinuxInfo | undefined, isNested: boolean): string | undefined {
  if (info === undefined) return undefined;
  const { capability_info, bounding_capabilities, effective_capabilities, seccomp } = info;
  if (capability_info !== undefined && effective_capabilities !== undefined) {
    return "`capability_info` is the old name of `effective_capabilities`; leave one out";
  }
  const sets = [capability_info, bounding_capabilities, effective_capabilities];
  if (sets.some((set) => set?.capabilities?.includes("UNKNOWN"))) {
    return "a capability in `linux_info` is UNKNOWN to this agent; name those of capabilities(7)";
  }
  if (seccomp?.profile_name !== undefined && seccomp.unconfined === true) {
    return "`seccomp` has a `profile_name` and is `unconfined`; leave one out";
  }
  if (seccomp?.profile_name === "") return "`seccomp.profile_name` is empty; name a profile";
  if (info.share_cgroups === false && !isNested) {
    return "only a group's tasks choose `share_cgroups`; leave it out";
  }
  if (info.ipc_mode === "UNKNOWN") return "`ipc_mode` is UNKNOWN; use PRIVATE or SHARE_PARENT";
  if (info.shm_size !== undefined && info.ipc_mode !== "PRIVATE") {
    return "`shm_size` is for a container with the `ipc_mode` PRIVATE; set that too";
  }
  return undefined;
}

/** Undefined: the operator's own profile, as for a container that says nothing. */
function seccompOf(info: mesos.SeccompInfo | undefined): ContainerSpec["seccomp"] {
  if (info?.unconfined === true) return { kind: "UNCONFINED" };
  return info?.profile_name === undefined
    ? undefined
    : { kind: "PROFILE", name: info.profile_name };
}

function capabilitiesOf(info: mesos.LinuxInfo | undefined): CapabilitySets | undefined {
  const effective = info?.effective_capabilities ?? info?.capability_info;
  const bounding = info?.bounding_capabilities;
  if (effective === undefined && bounding === undefined) return undefined;
  return {
    ...(effective !== undefined && { effective: namesOf(effective) }),
    ...(bounding !== undefined && { bounding: namesOf(bounding) }),
  };
}

function namesOf({ capabilities = [] }: mesos.CapabilityInfo): readonly CapabilityName[] {
  return capabilities.flatMap((name) => (name === "UNKNOWN" ? [] : [name]));
}

function sharedMemoryOf(info: mesos.LinuxInfo | undefined): ContainerSpec["sharedMemory"] {
  if (info?.ipc_mode === "SHARE_PARENT") return { mode: "SHARED" };
  if (info?.ipc_mode !== "PRIVATE") return undefined;
  if (info.shm_size === undefined) return { mode: "PRIVATE" };
  return { mode: "PRIVATE", bytes: Number(BigInt(info.shm_size) * BYTES_PER_MEGABYTE) };
}

/** Undefined: of a type that this agent does not know. */
function processLimit({ type, soft, hard }: mesos.RLimitInfoRLimit): ProcessLimit | undefined {
  if (type === undefined || type === "UNKNOWN") return undefined;
  const name = type.slice("RLMT_".length).toLowerCase();
  return soft === undefined || hard === undefined ? { name } : { name, amounts: { soft, hard } };
}

function rlimitObstacle(info: mesos.RLimitInfo | undefined): string | undefined {
  const seen = new Set<string>();
  for (const { type = "UNKNOWN", soft, hard } of info?.rlimits ?? []) {
    if (type === "UNKNOWN") return "a limit in `rlimit_info` has no `type` that this agent knows";
    if (seen.has(type)) return `\`rlimit_info\` has ${type} twice; leave one out`;
    seen.add(type);
    if ((soft === undefined) !== (hard === undefined)) {
      return `${type} in \`rlimit_info\` has one of \`soft\` and \`hard\`; set both, or none for no limit`;
    }
    if (soft !== undefined && hard !== undefined && soft > hard) {
      return `${type} in \`rlimit_info\` has a \`soft\` limit above the \`hard\` one`;
    }
  }
  return undefined;
}
