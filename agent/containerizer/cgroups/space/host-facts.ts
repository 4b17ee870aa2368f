/** What of this machine decides how containers are set up; looked at once. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import type { ContainerizerOptions } from "../../containerizer.ts";
import { type Isolator, isolatorNames, NEEDS_MOUNTS } from "../../isolators.ts";
import { findProgram } from "../../supervisor/host-tools.ts";

import type { CgroupVersion } from "../controllers/controller.ts";
import { unescapePath } from "../hierarchy.ts";
import { whyNoFilters } from "../seccomp/machine.ts";
import type { HostMount } from "./mount-table.ts";

export interface HostFacts {
  /** Of those that were wanted, what works. */
  readonly isolators: ReadonlySet<Isolator>;
  /** Why the others do not, in a sentence without its full stop. */
  readonly lacking: ReadonlyMap<Isolator, string>;
  readonly unshare: string;
  readonly mount: string;
  readonly stat: string;
  readonly systemMounts: readonly HostMount[];
  readonly guarded: readonly string[];
  readonly readOnlyFiles: readonly string[];
  readonly lastCapability: number;
}

/** Options of unshare(1), by what needs them. */
export const NAMESPACE_OPTIONS = {
  "filesystem/linux": "--mount",
  "namespaces/pid": "--pid",
  "namespaces/ipc": "--ipc",
  "namespaces/uts": "--uts",
  "namespaces/user": "--user",
} as const;

/** By these root changes the machine as a whole. */
const GUARDED = ["sys", "sysrq-trigger", "irq", "bus", "fs"];
const HELPERS = [
  ...["sh", "bash", "env", "setsid", "setpriv", "prlimit", "script", "stty", "stat"],
  ...["unshare", "nsenter", "mount"],
];

/**
 * Disk space is measured only where it is asked for: looking through every sandbox over and over
 * costs more than most machines have to gain by it.
 */
function isWanted(name: Isolator, options: ContainerizerOptions): boolean {
  const { isolation, disk, seccomp } = options;
  // What tasks find of the machine's files would be another's.
  if (name === "namespaces/user") return isolation?.has(name) === true;
  if (name === "linux/seccomp" && isolation === undefined) return seccomp !== undefined;
  if (name === "disk/du" && isolation === undefined) return disk?.isEnforced === true;
  return isolation === undefined || isolation.has(name);
}

export function readHostFacts(options: ContainerizerOptions, version: CgroupVersion): HostFacts {
  const lacking = new Map<Isolator, string>();
  const asked = isolatorNames.filter((name) => isWanted(name, options));
  for (const [name, why] of [...missingPrograms(), ...forbiddenNamespaces(asked)]) {
    lacking.set(name, why);
  }
  if ((options.gpus ?? []).length === 0) lacking.set("gpu/nvidia", "nvidia-smi lists no GPU");
  if (version === 2) {
    const why =
      "cgroup v2 takes a compiled program for it; only a /dev of its own keeps devices away";
    lacking.set("cgroups/devices", why);
  }
  if (asked.includes("namespaces/user") && options.users === undefined) {
    lacking.set("namespaces/user", "--user-namespace-ids does not say whose ids are its users'");
  }
  if (asked.includes("linux/seccomp")) {
    const why = whyNoSeccomp(options);
    if (why !== undefined) lacking.set("linux/seccomp", why);
  }
  if (lacking.has("filesystem/linux") || !asked.includes("filesystem/linux")) {
    const why = "it needs filesystem/linux";
    for (const name of NEEDS_MOUNTS) {
      if (!lacking.has(name)) lacking.set(name, why);
    }
  }
  return {
    isolators: new Set(asked.filter((name) => !lacking.has(name))),
    lacking: new Map([...lacking].filter(([name]) => asked.includes(name))),
    unshare: findProgram("unshare") ?? "",
    mount: findProgram("mount") ?? "",
    stat: findProgram("stat") ?? "",
    systemMounts: systemMounts(readFileSync("/proc/self/mountinfo", "utf8")),
    guarded: GUARDED.map((name) => `/proc/${name}`).filter((path) => existsSync(path)),
    readOnlyFiles: ownPrograms(),
    lastCapability: Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8")),
  };
}

const PROGRAMS: { readonly [K in Isolator]?: readonly string[] } = {
  "filesystem/linux": ["unshare", "mount", "stat"],
  "namespaces/pid": ["unshare"],
  "namespaces/ipc": ["unshare"],
  "namespaces/uts": ["unshare"],
  "namespaces/user": ["unshare", "nsenter", "sleep"],
  "linux/capabilities": ["setpriv"],
  "linux/nnp": ["setpriv"],
  "posix/rlimits": ["prlimit"],
  "disk/du": ["du"],
};

function missingPrograms(): [Isolator, string][] {
  return isolatorNames.flatMap((name): [Isolator, string][] => {
    const missing = PROGRAMS[name]?.find((program) => findProgram(program) === undefined);
    return missing === undefined ? [] : [[name, `the program ${missing} is missing`]];
  });
}

function whyNoSeccomp({ seccomp }: ContainerizerOptions): string | undefined {
  if (seccomp === undefined) return "--seccomp-config-dir does not say where profiles are";
  return whyNoFilters();
}

/** The setting by which root, too, is kept from making one; undefined: it is not that. */
export function whyNoUserNamespaces(): string | undefined {
  const path = "/proc/sys/user/max_user_namespaces";
  if (!existsSync(path)) return "the kernel has no user namespaces";
  if (Number(readFileSync(path, "utf8")) > 0) return undefined;
  return "user.max_user_namespaces is 0; allow some, as with sysctl user.max_user_namespaces=10000";
}

/** Tries them, all at once and, if that fails, one by one. */
function forbiddenNamespaces(asked: readonly Isolator[]): [Isolator, string][] {
  const unshare = findProgram("unshare");
  // The keys are the table's own.
  const names = (Object.keys(NAMESPACE_OPTIONS) as (keyof typeof NAMESPACE_OPTIONS)[]).filter(
    (name) => asked.includes(name),
  );
  if (unshare === undefined || names.length === 0) return [];
  const refusal = (tried: typeof names): string | undefined => {
    const options = tried.map((name) => NAMESPACE_OPTIONS[name]);
    const argv = [...options, "--fork", findProgram("env") ?? "true", "true"];
    const { status, stderr } = spawnSync(unshare, argv, { encoding: "utf8", env: {} });
    return status === 0 ? undefined : `the kernel refuses it (${stderr.trim()})`;
  };
  if (refusal(names) === undefined) return [];
  return names.flatMap((name): [Isolator, string][] => {
    const refused = refusal([name]);
    if (refused === undefined) return [];
    const setting = name === "namespaces/user" ? whyNoUserNamespaces() : undefined;
    return [[name, setting ?? refused]];
  });
}

/** Lines as in `parseMounts`: the mounts at and beneath /sys. */
export function systemMounts(mountinfo: string): readonly HostMount[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [, , , , path = "", options = ""] = line.split(" ");
    if (path !== "/sys" && !path.startsWith("/sys/")) return [];
    return [{ path: unescapePath(path), options: options.split(",") }];
  });
}

/** What runs with the agent's rights: itself, and what starts containers. */
function ownPrograms(): readonly string[] {
  const helpers = HELPERS.map((name) => findProgram(name)).filter((path) => path !== undefined);
  const own = [process.execPath, ...process.argv.slice(1, 2)];
  const real = [...own, ...helpers].flatMap((path) => {
    try {
      const file = realpathSync(path);
      return statSync(file).isFile() ? [file] : [];
    } catch {
      return [];
    }
  });
  return [...new Set(real)];
}
