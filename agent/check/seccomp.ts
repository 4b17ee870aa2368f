/** Whether filters of system calls can be applied, and the profiles for them be used. */
import { readdirSync } from "node:fs";
import { readFilter } from "../containerizer/cgroups/seccomp/filters.ts";
import { whyNoFilters } from "../containerizer/cgroups/seccomp/machine.ts";
import { DEFAULT_CAPABILITIES } from "../containerizer/cgroups/space/privileges.ts";
import type { SeccompOptions } from "../containerizer/containerizer.ts";
import { errnoOf } from "../shell/errno.ts";
import type { Check, Finding } from "./check.ts";

export const seccompCheck: Check = {
  title: "seccomp",
  run: ({ config }): Finding => {
    const { seccomp, allowedCapabilities = DEFAULT_CAPABILITIES } = config.isolation;
    const lacking = whyNoFilters();
    if (lacking !== undefined) {
      const state = seccomp?.defaultProfile === undefined ? "LACKING" : "FAILED";
      return { state, detail: `tasks that name a profile are refused: ${lacking}` };
    }
    if (seccomp === undefined) {
      return { state: "OK", detail: "works; no profiles are set up (--seccomp-config-dir)" };
    }
    return profilesFinding(seccomp, (name) =>
      readFilter(seccomp.configDirectory, name, allowedCapabilities),
    );
  },
};

function profilesFinding(
  { configDirectory, defaultProfile }: SeccompOptions,
  read: (name: string) => ReturnType<typeof readFilter>,
): Finding {
  let names: readonly string[];
  try {
    names = readdirSync(configDirectory).filter((name) => name.endsWith(".json"));
  } catch (cause) {
    const advice = "make it, or choose another with --seccomp-config-dir";
    return { state: "FAILED", detail: `${configDirectory}: ${errnoOf(cause)}`, advice };
  }
  const all = [...new Set([...names, ...(defaultProfile === undefined ? [] : [defaultProfile])])];
  const remarks = all.flatMap((name) => {
    const filter = read(name);
    if (!filter.ok) return [filter.error];
    const { unknownNames } = filter.value;
    if (unknownNames.length === 0) return [];
    return [`${name} allows what no Linux has: ${unknownNames.join(", ")}`];
  });
  const detail = [`${configDirectory}: ${all.join(", ") || "no *.json"}`, ...remarks].join("; ");
  if (defaultProfile !== undefined && !read(defaultProfile).ok) return { state: "FAILED", detail };
  return { state: remarks.length === 0 ? "OK" : "LACKING", detail };
}
