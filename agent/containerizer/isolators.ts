/**
 * What a container can be isolated by, in Mesos' names, as `--isolation` takes them. Pure.
 */
import { err, ok, type Result } from "../../worker/std/result.ts";

export const isolators = {
  "cgroups/cpu": "processor time: shares, and a hard cap where limits ask for one",
  "cgroups/mem": "memory: a hard limit, and the kernel's word on who went beyond it",
  "cgroups/pids": "the number of processes and threads",
  "cgroups/blkio": "statistics of disk traffic",
  "cgroups/devices": "which devices may be opened (cgroup v1: in v2 it takes a compiled program)",
  "filesystem/linux":
    "mounts of its own: volumes, private /tmp and /dev, the agent's folder hidden, /sys read-only",
  "namespaces/pid": "it sees and signals its own processes only",
  "namespaces/ipc": "shared memory, semaphores and message queues of its own",
  "namespaces/uts": "a host name of its own",
  "namespaces/user": "users of its own: even its root is nobody on the machine",
  "linux/capabilities": "which of root's rights its processes can have",
  "linux/nnp": "no program gives its processes more rights than they have (no_new_privs)",
  "linux/seccomp": "which system calls its processes may make, by profiles of the operator's",
  "posix/rlimits": "limits of its processes, as rlimit_info says",
  "volume/host_path": "folders and files of the machine as volumes",
  "volume/sandbox_path": "folders of its own or its executor's sandbox as volumes",
  "disk/du": "disk space used, and a bound on it",
  "gpu/nvidia": "NVIDIA GPUs, each for one container",
} as const;

export type Isolator = keyof typeof isolators;

/** Mesos' names for what is the same here, or always the case. */
const SYNONYMS: { readonly [name: string]: readonly Isolator[] } = {
  "cgroups/all": ["cgroups/cpu", "cgroups/mem", "cgroups/pids", "cgroups/blkio", "cgroups/devices"],
  "posix/disk": ["disk/du"],
  "posix/cpu": [],
  "posix/mem": [],
  "filesystem/posix": [],
  environment_secret: [],
  // What keeps a container with an image away from the machine.
  "docker/runtime": ["filesystem/linux", "namespaces/pid", "linux/capabilities"],
};

export const isolatorNames = Object.keys(isolators) as readonly Isolator[];

/** Of no use without filesystem/linux. */
export const NEEDS_MOUNTS: readonly Isolator[] = [
  ...(["volume/host_path", "volume/sandbox_path", "namespaces/pid"] as const),
  ...(["namespaces/user", "linux/seccomp"] as const),
];

/** `text`: names with commas between them. The error is a sentence that goes behind the option's
 * name. */
export function parseIsolation(text: string): Result<ReadonlySet<Isolator>, string> {
  const chosen = new Set<Isolator>();
  for (const name of text.split(",").map((word) => word.trim())) {
    const known = isolatorNames.find((isolator) => isolator === name);
    const several = Object.hasOwn(SYNONYMS, name) ? SYNONYMS[name] : undefined;
    if (known === undefined && several === undefined) {
      const names = [...isolatorNames, ...Object.keys(SYNONYMS)].join(", ");
      return err(`names '${name}', which this agent does not have; choose from ${names}`);
    }
    for (const isolator of several ?? (known === undefined ? [] : [known])) chosen.add(isolator);
  }
  for (const name of NEEDS_MOUNTS) {
    if (chosen.has(name) && !chosen.has("filesystem/linux")) {
      return err(`has ${name} without filesystem/linux, which makes the mounts; add that`);
    }
  }
  return ok(chosen);
}
