/** What a cgroup controller is to us: it takes limits and tells usage, one way per version. */
import type { ResourceStatistics } from "../../../../worker/protocol/v1/mesos.ts";
import type { Result } from "../../../../worker/std/result.ts";
import type { FileError, ResourceLimits } from "../../containerizer.ts";

export type CgroupVersion = 1 | 2;

export interface ControllerVersion {
  /** `cgroup`: the container's directory in this controller's hierarchy. */
  apply(cgroup: string, limits: ResourceLimits): Result<void, FileError>;
  usage(cgroup: string): Result<Partial<ResourceStatistics>, FileError>;
}

/** Undefined: that version has no such controller; another one, or the core, does its work. */
export type Controller = { readonly [V in CgroupVersion]: ControllerVersion | undefined };
