/** Limits of setrlimit(2), which every process of a container inherits from its first. */
import type { ContainerSpec } from "../containerizer.ts";
import { findProgram } from "./host-tools.ts";

/** A call of prlimit(1) without the process. */
export function processLimits({ processLimits: limits }: ContainerSpec): string | undefined {
  if (limits === undefined || limits.length === 0) return undefined;
  const options = limits.map(({ name, amounts }) => {
    const amount = amounts === undefined ? "unlimited" : `${amounts.soft}:${amounts.hard}`;
    return `--${name}=${amount}`;
  });
  return [findProgram("prlimit") ?? "prlimit", ...options].join(" ");
}
