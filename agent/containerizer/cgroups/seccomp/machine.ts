/** Whether this machine can load filters of system calls. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { findProgram } from "../../supervisor/host-tools.ts";
import { architectureHere } from "./filters.ts";

const ACTIONS = "/proc/sys/kernel/seccomp/actions_avail";

/** A sentence without its full stop, with what to do; undefined: it can. */
export function whyNoFilters(): string | undefined {
  if (architectureHere() === undefined) return `there are no filters for ${process.arch}`;
  if (!hasKernelFilters()) return "the kernel has no seccomp filters";
  const setpriv = findProgram("setpriv");
  if (setpriv === undefined) return "the program setpriv is missing; install util-linux";
  const { stdout } = spawnSync(setpriv, ["--help"], { encoding: "utf8", env: {} });
  if (stdout.includes("--seccomp-filter")) return undefined;
  return (
    `${setpriv} cannot load a filter; ` +
    "install util-linux 2.40 or later (as Debian 13 and Ubuntu 24.10 have)"
  );
}

function hasKernelFilters(): boolean {
  try {
    return readFileSync(ACTIONS, "utf8").includes("errno");
  } catch {
    return false;
  }
}
