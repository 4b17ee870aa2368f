/**
 * What every containerizer promises. Free of a test runner: vitest runs it over the table of
 * containerizers on this machine, and plain Node runs it in a virtual machine with cgroup v2.
 */
import type { ContainerizerKind } from "../../../agent/containerizer/index.ts";
import { cgroupChecks } from "./checks/cgroups.ts";
import { commandChecks } from "./checks/commands.ts";
import { dockerSuite } from "./checks/docker.ts";
import { endChecks } from "./checks/ends.ts";
import { escapeChecks } from "./checks/escapes.ts";
import { groupChecks } from "./checks/groups.ts";
import { injectionChecks } from "./checks/injection.ts";
import { insideChecks } from "./checks/inside.ts";
import { recoveryChecks } from "./checks/recovery.ts";
import { refusalChecks } from "./checks/refusals.ts";
import { resourceChecks } from "./checks/resources.ts";
import { spaceChecks } from "./checks/space.ts";
import { spareChecks, sparesInSpaces } from "./checks/spares.ts";
import { streamChecks } from "./checks/streams.ts";
import { userChecks } from "./checks/users.ts";

export type Checks = Readonly<Record<string, (kind: ContainerizerKind) => Promise<void>>>;

const common: Checks = {
  ...commandChecks,
  ...endChecks,
  ...refusalChecks,
  ...recoveryChecks,
  ...insideChecks,
  ...streamChecks,
};

/** The checks of one entry of the table: what all promise, and what only it does. */
export const suites: { readonly [K in ContainerizerKind]: Checks } = {
  process: { ...common, ...spareChecks, ...injectionChecks },
  cgroups: {
    ...common,
    ...cgroupChecks,
    ...spaceChecks,
    ...groupChecks,
    ...userChecks,
    ...resourceChecks,
    ...escapeChecks,
    ...injectionChecks,
    ...spareChecks,
    ...sparesInSpaces,
  },
  docker: dockerSuite(common),
};
