/** What the kernel lets tasks be confined with. */
import { readFileSync } from "node:fs";
import { parseMounts } from "../containerizer/cgroups/hierarchy.ts";
import { whyNoUserNamespaces } from "../containerizer/cgroups/space/host-facts.ts";
import { discoverGpus } from "../discovery/gpus.ts";
import type { Check, Finding } from "./check.ts";
import { runProgram } from "./programs.ts";

export const cgroupsCheck: Check = {
  title: "cgroups",
  run: () => {
    const mounts = parseMounts(readFileSync("/proc/self/mountinfo", "utf8"));
    const unified = mounts.find(({ type }) => type === "cgroup2");
    const listed = unified && controllersOf(unified.directory);
    // A hybrid machine has a v2 tree beside v1, with what few controllers v1 does not use.
    if (unified !== undefined && listed?.includes("memory") === true) {
      return { state: "OK", detail: `v2 at ${unified.directory}: ${listed.join(", ")}` };
    }
    const known = ["cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "devices", "freezer"];
    const v1 = known.filter((name) =>
      mounts.some(({ type, options }) => type === "cgroup" && options.includes(name)),
    );
    if (v1.length > 0) return { state: "OK", detail: `v1: ${v1.join(", ")}` };
    return {
      state: "LACKING",
      detail: "none with controllers is mounted: no limit of a task can be held",
      advice: "mount cgroup2 at /sys/fs/cgroup, or delegate its controllers to this machine",
    };
  },
};

function controllersOf(folder: string): readonly string[] {
  try {
    return readFileSync(`${folder}/cgroup.controllers`, "utf8").trim().split(" ").filter(Boolean);
  } catch {
    return [];
  }
}

const NAMESPACES = ["mount", "pid", "ipc", "uts", "user"] as const;

export const namespacesCheck: Check = {
  title: "namespaces",
  run: async () => {
    const tried = await Promise.all(
      NAMESPACES.map(async (name) => {
        const more = name === "user" ? ["--map-root-user"] : name === "pid" ? ["--fork"] : [];
        const { code } = await runProgram("unshare", [`--${name}`, ...more, "true"]);
        return { name, works: code === 0 };
      }),
    );
    const works = tried.filter((one) => one.works).map(({ name }) => name);
    const lacks = tried.filter((one) => !one.works).map(({ name }) => name);
    if (lacks.length === 0) return { state: "OK", detail: works.join(", ") };
    const detail = `no ${lacks.join(", ")}${works.length === 0 ? "" : ` (but ${works.join(", ")})`}`;
    const setting = lacks.includes("user") ? whyNoUserNamespaces() : undefined;
    const allow = setting ?? "allow them in the kernel's settings";
    const advice = process.geteuid?.() === 0 ? allow : "run the agent as root";
    return { state: "LACKING", detail, advice };
  },
};

export const gpusCheck: Check = {
  title: "GPUs",
  run: async (): Promise<Finding> => {
    const question = { program: "nvidia-smi", deviceDirectory: "/dev", chosen: undefined };
    const found = await discoverGpus(question);
    if (!found.ok) return { state: "LACKING", detail: `no task gets one: ${found.error}` };
    const { code, output } = await runProgram("nvidia-smi", ["--list-gpus"]);
    const gpus = code === 0 ? output.split("\n").filter((line) => line.startsWith("GPU ")) : [];
    if (gpus.length > 0) return { state: "OK", detail: gpus.join("; ") };
    return { state: "OK", detail: "none (nvidia-smi lists no NVIDIA GPU)" };
  },
};
