/**
 * What tests need of the machine. A test whose need is not met is skipped and says why; with
 * RIMROCK_REQUIRE=all in the environment (or a list of names) it fails instead, so that a machine
 * that should be able to run everything cannot pass by skipping.
 *
 *   const cgroups = requirement("cgroups");
 *   describe.skipIf(cgroups.missing)(cgroups.title("the cgroups containerizer"), () => { ... });
 */
import { accessSync, constants, existsSync } from "node:fs";

export type RequirementName =
  | "root"
  | "cgroups"
  | "docker"
  | "qemu"
  | "mesos-go"
  | "debian-packages"
  | "curl"
  | "archivers";

/** Where Debian installs the sources of Go libraries. */
export const MESOS_GO_PATH = "/usr/share/gocode";

export interface Requirement {
  /** True: skip. Never true when RIMROCK_REQUIRE asks for it: then `requirement` has thrown. */
  readonly missing: boolean;
  /** `text`, and the reason for skipping when there is one. */
  title(text: string): string;
}

/** Each says in one sentence what is missing, or nothing. */
const probes: { readonly [K in RequirementName]: () => string | undefined } = {
  root: () => (process.geteuid?.() === 0 ? undefined : "needs root"),
  cgroups: () => {
    if (process.geteuid?.() !== 0) return "cgroups need root";
    const v1 = ["cpu", "memory", "pids", "freezer"].map((name) => `/sys/fs/cgroup/${name}`);
    if (!existsSync("/sys/fs/cgroup/cgroup.controllers") && !v1.every((path) => existsSync(path))) {
      return "no cgroup hierarchy is mounted at /sys/fs/cgroup";
    }
    return writable("/sys/fs/cgroup/memory") || writable("/sys/fs/cgroup")
      ? undefined
      : "/sys/fs/cgroup is read-only";
  },
  docker: () => {
    const absent = ["dockerd", "containerd", "runc", "busybox"].filter((name) => !onPath(name));
    if (absent.length > 0) {
      return `${absent.join(", ")} missing; apt-get install docker.io busybox-static`;
    }
    return probes.cgroups();
  },
  qemu: () => {
    const tools = ["qemu-system-x86_64", "cpio", "busybox", "dpkg-deb", "apt-get"];
    const absent = tools.filter((name) => !onPath(name));
    if (process.arch !== "x64") return `the guest is x86-64, this machine is ${process.arch}`;
    return absent.length === 0
      ? undefined
      : `${absent.join(", ")} missing; apt-get install qemu-system-x86 cpio busybox-static`;
  },
  "debian-packages": () => {
    const absent = ["apt-get", "dpkg-deb"].filter((name) => !onPath(name));
    if (absent.length > 0) return `${absent.join(", ")} missing`;
    const keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
    return existsSync(keys) ? undefined : `${keys} missing; apt-get install debian-archive-keyring`;
  },
  "mesos-go": () =>
    onPath("go") && existsSync(`${MESOS_GO_PATH}/src/github.com/mesos/mesos-go`)
      ? undefined
      : "mesos-go or Go missing; apt-get install golang-go golang-github-mesos-mesos-go-dev",
  curl: () => (onPath("curl") ? undefined : "curl missing; apt-get install curl"),
  archivers: () => {
    const absent = ["bzip2", "xz", "zip", "unzip", "zstd"].filter((name) => !onPath(name));
    if (absent.length === 0) return undefined;
    return `${absent.join(", ")} missing; apt-get install bzip2 xz-utils zip unzip zstd`;
  },
};

/** Throws, with the reason, when the need is not met and RIMROCK_REQUIRE demands it. */
export function requirement(name: RequirementName): Requirement {
  const why = probes[name]();
  if (why !== undefined && isDemanded(name, process.env.RIMROCK_REQUIRE ?? "")) {
    throw new Error(`RIMROCK_REQUIRE demands '${name}', but this machine has it not: ${why}`);
  }
  return {
    missing: why !== undefined,
    title: (text) => (why === undefined ? text : `${text} (skipped: ${why})`),
  };
}

/** `demand`: "all", or names separated by commas. */
export function isDemanded(name: RequirementName, demand: string): boolean {
  const demanded = demand.split(",").map((word) => word.trim());
  return demanded.includes("all") || demanded.includes(name);
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function onPath(name: string): boolean {
  const directories = (process.env.PATH ?? "").split(":");
  return [...directories, "/usr/sbin", "/sbin"].some((directory) =>
    existsSync(`${directory}/${name}`),
  );
}
