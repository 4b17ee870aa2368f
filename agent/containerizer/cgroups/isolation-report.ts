/** What containers are isolated by on this machine, and what of that is not to be had. */
import type { ContainerizerOptions } from "../containerizer.ts";
import type { Isolator } from "../isolators.ts";
import { detectHierarchy } from "./hierarchy.ts";
import { readHostFacts } from "./space/host-facts.ts";

export interface IsolationReport {
  readonly works: readonly Isolator[];
  /** With the reason, a sentence without its full stop. */
  readonly lacking: readonly { readonly isolator: Isolator; readonly why: string }[];
}

/** Undefined: there are no cgroups to begin with. Tries programs, so it takes milliseconds. */
export function reportIsolation(options: ContainerizerOptions): IsolationReport | undefined {
  const hierarchy = detectHierarchy();
  if (!hierarchy.ok) return undefined;
  const { isolators, lacking } = readHostFacts(options, hierarchy.value.version);
  return {
    works: [...isolators],
    lacking: [...lacking].map(([isolator, why]) => ({ isolator, why })),
  };
}

/** One line for the agent's log. */
export function describeReport({ works, lacking }: IsolationReport): string {
  const without = lacking.map(({ isolator, why }) => `${isolator} (${why})`).join("; ");
  const end = without === "" ? "" : `; not by ${without}`;
  return `containers are isolated by ${works.join(", ")}${end}`;
}
