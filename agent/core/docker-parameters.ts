/**
 * The parameters of a task's DockerInfo: long flags of `docker run`, each with what it becomes in
 * the Engine's create call. What is not in the table is refused by name, and so is what would undo
 * something that the agent is there for; what takes isolation away needs the operator's leave.
 */

import { err, ok, type Result } from "../../worker/std/result.ts";
import type { DockerOverrides } from "../containerizer/docker/spec.ts";

export interface DockerParameter {
  readonly key: string;
  readonly value: string;
}

export interface ReadParameters {
  readonly overrides: DockerOverrides;
  /** Like "the parameter 'cap-add'". */
  readonly privileges: readonly string[];
}

interface Draft {
  readonly config: Record<string, unknown>;
  readonly hostConfig: Record<string, unknown>;
  readonly endpoint: Record<string, unknown>;
  platform?: string;
}

interface Flag {
  /** The error says what a good value looks like. */
  readonly set: (draft: Draft, value: string) => Result<void, string>;
  /** Whether this value takes isolation away. */
  readonly isPrivileged?: (value: string) => boolean;
}

/** The error is a clause about the first parameter that cannot be. */
export function readParameters(
  parameters: readonly DockerParameter[],
): Result<ReadParameters, string> {
  const draft: Draft = { config: {}, hostConfig: {}, endpoint: {} };
  const privileges: string[] = [];
  for (const { key, value } of parameters) {
    const why = Object.hasOwn(refused, key) ? refused[key] : undefined;
    if (why !== undefined) return err(`the Docker parameter '${key}' is refused: ${why}`);
    const flag = Object.hasOwn(flags, key) ? flags[key] : undefined;
    if (flag === undefined) {
      return err(`there is no Docker parameter '${key}'; name a long flag of \`docker run\``);
    }
    const done = flag.set(draft, value);
    if (!done.ok) return err(`the Docker parameter '${key}' cannot be '${value}': ${done.error}`);
    if (flag.isPrivileged?.(value) === true) privileges.push(`the Docker parameter '${key}'`);
  }
  return ok({ overrides: draft, privileges });
}

const RESOURCES = "it comes from the task's resources; ask for more of them, or set `limits`";
const STREAMS = "a task reads nothing, and what it writes goes to its sandbox";
const NETWORK = "the task says it by `network` and `network_infos`";
const RESTARTS = "its framework decides what follows when a task ends";
const CHECKS = "the task says it by its `health_check`";

/** Why each is not for a task to say. */
const refused: Readonly<Record<string, string>> = {
  name: "the agent finds the container by it",
  rm: "the agent removes the container once its end is told",
  detach: STREAMS,
  attach: STREAMS,
  interactive: STREAMS,
  "sig-proxy": STREAMS,
  "detach-keys": STREAMS,
  tty: "a task has no terminal; `rimrock exec -it` gives one",
  restart: RESTARTS,
  memory: RESOURCES,
  "kernel-memory": RESOURCES,
  cpus: RESOURCES,
  "cpu-shares": RESOURCES,
  "cpu-period": RESOURCES,
  "cpu-quota": RESOURCES,
  "cpu-rt-period": RESOURCES,
  "cpu-rt-runtime": RESOURCES,
  gpus: RESOURCES,
  publish: "the task says it by `port_mappings`",
  "publish-all": "the task says it by `port_mappings`",
  network: NETWORK,
  net: NETWORK,
  link: "it reaches into another container; put both on a network of their own",
  "link-local-ip": NETWORK,
  "volumes-from": "it reaches into another container; name a volume in both",
  mount: "the task says it by `volumes`",
  pull: "the task says it by `force_pull_image`",
  privileged: "the task says it by `privileged`",
  cidfile: "no file of this machine is a task's to write",
  "env-file": "no file of this machine is a task's to read; use the command's `environment`",
  "label-file": "no file of this machine is a task's to read; use `label`",
  "cgroup-parent": "its limits would be those of a group that is not the agent's",
  "oom-kill-disable": "a task out of memory would hang and be told to nobody",
  "health-cmd": CHECKS,
  "health-interval": CHECKS,
  "health-retries": CHECKS,
  "health-start-period": CHECKS,
  "health-start-interval": CHECKS,
  "health-timeout": CHECKS,
  isolation: "it is for Windows",
};

const text =
  (place: "config" | "hostConfig" | "endpoint", member: string) =>
  (draft: Draft, value: string): Result<void, string> => {
    draft[place][member] = value;
    return ok(undefined);
  };

const list =
  (place: "config" | "hostConfig" | "endpoint", member: string) =>
  (draft: Draft, value: string): Result<void, string> => {
    const before = draft[place][member];
    draft[place][member] = [...(Array.isArray(before) ? before : []), value];
    return ok(undefined);
  };

const flag =
  (place: "config" | "hostConfig", member: string) =>
  (draft: Draft, value: string): Result<void, string> => {
    if (value !== "true" && value !== "false" && value !== "") return err("write true or false");
    draft[place][member] = value !== "false";
    return ok(undefined);
  };

const whole =
  (place: "config" | "hostConfig", member: string) =>
  (draft: Draft, value: string): Result<void, string> => {
    if (!/^-?\d{1,15}$/.test(value)) return err("write a whole number");
    draft[place][member] = Number(value);
    return ok(undefined);
  };

const UNITS: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

const bytes =
  (member: string) =>
  (draft: Draft, value: string): Result<void, string> => {
    const found = /^(-1|\d{1,12})([bkmg]?)b?$/i.exec(value);
    if (found === null) return err("write a size like 512m");
    draft.hostConfig[member] = Number(found[1]) * (UNITS[(found[2] || "b").toLowerCase()] ?? 1);
    return ok(undefined);
  };

/** `key=value`, collected in a map. */
const pair =
  (place: "config" | "hostConfig", member: string, separator = "=") =>
  (draft: Draft, value: string): Result<void, string> => {
    const at = value.indexOf(separator);
    const name = at < 0 ? value : value.slice(0, at);
    if (name === "") return err(`write name${separator}value`);
    const before = draft[place][member];
    const held = typeof before === "object" && before !== null ? before : {};
    draft[place][member] = { ...held, [name]: at < 0 ? "" : value.slice(at + 1) };
    return ok(undefined);
  };

function setUlimit(draft: Draft, value: string): Result<void, string> {
  const found = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(value);
  if (found === null) return err("write one like nofile=1024:2048");
  const limit = { Name: found[1], Soft: Number(found[2]), Hard: Number(found[3] ?? found[2]) };
  const before = draft.hostConfig.Ulimits;
  draft.hostConfig.Ulimits = [...(Array.isArray(before) ? before : []), limit];
  return ok(undefined);
}

function setDevice(draft: Draft, value: string): Result<void, string> {
  const [host, inside, permissions] = value.split(":");
  if (!host?.startsWith("/")) return err("write one like /dev/fuse:/dev/fuse:rwm");
  const device = {
    PathOnHost: host,
    PathInContainer: inside || host,
    CgroupPermissions: permissions ?? "rwm",
  };
  const before = draft.hostConfig.Devices;
  draft.hostConfig.Devices = [...(Array.isArray(before) ? before : []), device];
  return ok(undefined);
}

function setExpose(draft: Draft, value: string): Result<void, string> {
  const found = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(value);
  if (found === null) return err("write a port like 8080/tcp");
  const before = draft.config.ExposedPorts;
  const held = typeof before === "object" && before !== null ? before : {};
  draft.config.ExposedPorts = { ...held, [`${found[1]}/${found[2] ?? "tcp"}`]: {} };
  return ok(undefined);
}

function setLog(draft: Draft, part: "Type" | "Config", value: unknown): Result<void, string> {
  const before = draft.hostConfig.LogConfig;
  draft.hostConfig.LogConfig = { ...(typeof before === "object" ? before : {}), [part]: value };
  return ok(undefined);
}

function setLogOption(draft: Draft, value: string): Result<void, string> {
  const at = value.indexOf("=");
  if (at < 1) return err("write name=value");
  const before = draft.hostConfig.LogConfig;
  const config = typeof before === "object" && before !== null ? { ...before } : {};
  const held = "Config" in config && typeof config.Config === "object" ? config.Config : {};
  return setLog(draft, "Config", { ...held, [value.slice(0, at)]: value.slice(at + 1) });
}

function setPlatform(draft: Draft, value: string): Result<void, string> {
  draft.platform = value;
  return ok(undefined);
}

/** One program; its arguments are the command's. An empty one takes the image's away. */
function setEntrypoint(draft: Draft, value: string): Result<void, string> {
  draft.config.Entrypoint = [value];
  return ok(undefined);
}

function setAddress(version: 4 | 6) {
  return (draft: Draft, value: string): Result<void, string> => {
    const before = draft.endpoint.IPAMConfig;
    const held = typeof before === "object" ? before : {};
    draft.endpoint.IPAMConfig = { ...held, [`IPv${version}Address`]: value };
    return ok(undefined);
  };
}

const always = (): boolean => true;
const ofOthers = (value: string): boolean => value === "host" || value.startsWith("container:");
const isLoosened = (value: string): boolean => !/^no-new-privileges([:=]true)?$/.test(value);

const flags: Readonly<Record<string, Flag>> = {
  "add-host": { set: list("hostConfig", "ExtraHosts") },
  "blkio-weight": { set: whole("hostConfig", "BlkioWeight") },
  "cap-add": { set: list("hostConfig", "CapAdd"), isPrivileged: always },
  "cap-drop": { set: list("hostConfig", "CapDrop") },
  cgroupns: { set: text("hostConfig", "CgroupnsMode"), isPrivileged: ofOthers },
  "cpuset-cpus": { set: text("hostConfig", "CpusetCpus") },
  "cpuset-mems": { set: text("hostConfig", "CpusetMems") },
  device: { set: setDevice, isPrivileged: always },
  "device-cgroup-rule": {
    set: list("hostConfig", "DeviceCgroupRules"),
    isPrivileged: always,
  },
  dns: { set: list("hostConfig", "Dns") },
  "dns-opt": { set: list("hostConfig", "DnsOptions") },
  "dns-option": { set: list("hostConfig", "DnsOptions") },
  "dns-search": { set: list("hostConfig", "DnsSearch") },
  domainname: { set: text("config", "Domainname") },
  entrypoint: { set: setEntrypoint },
  env: { set: list("config", "Env") },
  expose: { set: setExpose },
  "group-add": { set: list("hostConfig", "GroupAdd") },
  hostname: { set: text("config", "Hostname") },
  init: { set: flag("hostConfig", "Init") },
  ip: { set: setAddress(4) },
  ip6: { set: setAddress(6) },
  ipc: { set: text("hostConfig", "IpcMode"), isPrivileged: ofOthers },
  label: { set: pair("config", "Labels") },
  "log-driver": { set: (draft, value) => setLog(draft, "Type", value) },
  "log-opt": { set: setLogOption },
  "mac-address": { set: text("config", "MacAddress") },
  "memory-reservation": { set: bytes("MemoryReservation") },
  "memory-swap": { set: bytes("MemorySwap") },
  "memory-swappiness": { set: whole("hostConfig", "MemorySwappiness") },
  "net-alias": { set: list("endpoint", "Aliases") },
  "network-alias": { set: list("endpoint", "Aliases") },
  "no-healthcheck": {
    set: (draft) => {
      draft.config.Healthcheck = { Test: ["NONE"] };
      return ok(undefined);
    },
  },
  "oom-score-adj": {
    set: whole("hostConfig", "OomScoreAdj"),
    isPrivileged: (value) => value.startsWith("-"),
  },
  pid: { set: text("hostConfig", "PidMode"), isPrivileged: ofOthers },
  "pids-limit": { set: whole("hostConfig", "PidsLimit") },
  platform: { set: setPlatform },
  "read-only": { set: flag("hostConfig", "ReadonlyRootfs") },
  runtime: { set: text("hostConfig", "Runtime") },
  "security-opt": { set: list("hostConfig", "SecurityOpt"), isPrivileged: isLoosened },
  "shm-size": { set: bytes("ShmSize") },
  "stop-signal": { set: text("config", "StopSignal") },
  "stop-timeout": { set: whole("config", "StopTimeout") },
  "storage-opt": { set: pair("hostConfig", "StorageOpt") },
  sysctl: { set: pair("hostConfig", "Sysctls") },
  tmpfs: { set: pair("hostConfig", "Tmpfs", ":") },
  ulimit: { set: setUlimit },
  user: { set: text("config", "User") },
  userns: { set: text("hostConfig", "UsernsMode"), isPrivileged: ofOthers },
  uts: { set: text("hostConfig", "UTSMode"), isPrivileged: ofOthers },
  volume: { set: list("hostConfig", "Binds") },
  "volume-driver": { set: text("hostConfig", "VolumeDriver") },
  workdir: { set: text("config", "WorkingDir") },
};

/** For the docs: every parameter there is. */
export const dockerParameterNames: readonly string[] = Object.keys(flags);
