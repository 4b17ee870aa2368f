/**
 * The `cgroups` containerizer: every container in cgroups and namespaces of its own. The command
 * enters before its first instruction; its supervisor stays outside of the cgroups. (A service
 * manager that kills an agent's whole cgroup would still take the supervisors, which are in the
 * agent's: tell it to kill the main process only.)
 */
import { err, ok, type Result } from "../../../worker/std/result.ts";
import {
  type ContainerizerModule,
  type ContainerizerOptions,
  describeLaunchError,
  type FileError,
} from "../containerizer.ts";
import { type Isolator, isolatorNames } from "../isolators.ts";
import { checkSupervisor } from "../supervisor/self-test.ts";
import { SPARE_SUPERVISORS } from "../supervisor/spares.ts";
import { SupervisedContainerizer } from "../supervisor/supervised-containerizer.ts";
import { CgroupIsolation } from "./cgroup-isolation.ts";
import { detectHierarchy } from "./hierarchy.ts";
import { describeReport, type IsolationReport, reportIsolation } from "./isolation-report.ts";
import { applyLimits } from "./limits.ts";
import { readFilter } from "./seccomp/filters.ts";
import { whyNoFilters } from "./seccomp/machine.ts";
import { DEFAULT_CAPABILITIES } from "./space/privileges.ts";
import { createCgroup, removeCgroup, removeEmptyParents } from "./tree.ts";
import { tryContainer } from "./trial.ts";

const MEGABYTE = 1_048_576;
const EVERYTHING: ReadonlySet<Isolator> = new Set(isolatorNames);

type Check = Result<void, { readonly why: string }>;

const ROOT_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.@-]*)*$/;

/** Makes and removes a cgroup with every limit set: nothing less shows that it can be done. */
export async function checkCgroups(cgroupRoot: string, mountinfo?: string): Promise<Check> {
  if (!ROOT_NAME.test(cgroupRoot)) {
    return err({ why: `'${cgroupRoot}' is no name for a cgroup; use one like rimrock` });
  }
  const hierarchy = detectHierarchy(mountinfo);
  if (!hierarchy.ok) return hierarchy;
  const name = `${cgroupRoot}/check-${process.pid}`;
  const created = createCgroup(hierarchy.value, name);
  const limits = { cpusRequest: 1_000, cpusLimit: 1_000, memoryLimitBytes: MEGABYTE, pidsLimit: 1 };
  const cgroup = { name, isolators: EVERYTHING };
  const applied = created.ok ? applyLimits(hierarchy.value, cgroup, limits) : created;
  await removeCgroup(hierarchy.value, name);
  removeEmptyParents(hierarchy.value, cgroupRoot);
  return applied.ok ? ok(undefined) : err({ why: whyRefused(applied.error) });
}

function whyRefused(error: FileError): string {
  if (error.errno === "EROFS") return `The cgroup file system is mounted read-only (${error.path})`;
  const denied = error.errno === "EACCES" || error.errno === "EPERM";
  if (denied && process.geteuid?.() !== 0) {
    return `Only root may make cgroups here (${error.path}: ${error.errno}); run the agent as root`;
  }
  return describeLaunchError(error);
}

/** What was asked for by name and is not to be had. */
function lackingOf(options: ContainerizerOptions): IsolationReport["lacking"][number] | undefined {
  if (options.isolation === undefined) return undefined;
  const report = reportIsolation(options);
  // Mesos' cgroups/all names devices, too; where a container has its own /dev it has no others.
  const isCovered = report?.works.includes("filesystem/linux") === true;
  return report?.lacking.find(({ isolator }) => isolator !== "cgroups/devices" || !isCovered);
}

/** What is meant for every container must not be missing in any. */
function checkDefaultProfile({ seccomp }: ContainerizerOptions): Check {
  if (seccomp?.defaultProfile === undefined) return ok(undefined);
  const { configDirectory, defaultProfile: name } = seccomp;
  const lacking = whyNoFilters();
  if (lacking !== undefined) {
    return err({ why: `--seccomp-profile-name asks for a filter, but ${lacking}` });
  }
  const filter = readFilter(configDirectory, name, DEFAULT_CAPABILITIES);
  return filter.ok
    ? ok(undefined)
    : err({ why: `--seccomp-profile-name ${name}: ${filter.error}` });
}

const LEAVE_OUT = "see `rimrock-agent check`, and leave out of --isolation what cannot work here";

export const cgroupsContainerizer: ContainerizerModule = {
  summary:
    "processes in cgroups (v1 or v2) and namespaces of their own: isolated, limits hold; needs root",
  check: async (options) => {
    const cgroups = await checkCgroups(options.cgroupRoot);
    if (!cgroups.ok) return cgroups;
    const supervisor = await checkSupervisor(options.runtimeDirectory);
    if (!supervisor.ok) return supervisor;
    const lacking = lackingOf(options);
    if (lacking !== undefined) {
      return err({ why: `--isolation names ${lacking.isolator}, but ${lacking.why}` });
    }
    const seccomp = checkDefaultProfile(options);
    if (!seccomp.ok) return seccomp;
    const hierarchy = detectHierarchy();
    if (!hierarchy.ok) return hierarchy;
    const tried = await tryContainer(hierarchy.value, options);
    return tried.ok ? tried : err({ why: `${tried.error.why}; ${LEAVE_OUT}` });
  },
  create: (options) => {
    const hierarchy = detectHierarchy();
    // `check` has said so in one sentence before anybody comes here.
    if (!hierarchy.ok) throw new Error(hierarchy.error.why);
    const report = reportIsolation(options);
    if (report !== undefined) options.log?.(describeReport(report));
    const isolation = new CgroupIsolation(hierarchy.value, options);
    return new SupervisedContainerizer(options.runtimeDirectory, isolation, {
      spares: SPARE_SUPERVISORS,
    });
  },
};
