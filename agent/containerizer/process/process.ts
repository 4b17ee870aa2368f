/**
 * The `process` containerizer: no isolation, any Linux machine, any user. It bounds nothing: limits
 * are accepted and not enforced. The entry to copy from when adding a containerizer.
 */
import type { ResourceStatistics } from "../../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type {
  ContainerizerModule,
  ContainerSpec,
  FileError,
  LaunchError,
} from "../containerizer.ts";
import {
  type Confined,
  type Entry,
  type Isolation,
  type Preparation,
  signalProcess,
} from "../supervisor/isolation.ts";
import { processLimits } from "../supervisor/process-limits.ts";
import { type ProcessStat, ProcessTable, TICKS_PER_SECOND } from "../supervisor/process-table.ts";
import { checkSupervisor } from "../supervisor/self-test.ts";
import { SPARE_SUPERVISORS } from "../supervisor/spares.ts";
import { SupervisedContainerizer } from "../supervisor/supervised-containerizer.ts";
import { isStill, membersOf } from "./members.ts";

// Every architecture that Node 20 supports on Linux runs with pages of 4 KiB unless built
// otherwise.
const PAGE_BYTES = 4_096;

class ProcessIsolation implements Isolation {
  readonly #table = new ProcessTable();

  prepare({ spec }: Preparation): Result<Entry, LaunchError> {
    const what = isolationAskedBy(spec);
    if (what !== undefined) {
      const why = "it isolates nothing; start the agent with --containerizer cgroups";
      return err({ code: "NOT_SUPPORTED", what, why });
    }
    const resourceLimits = processLimits(spec);
    return ok({ joinFiles: [], ...(resourceLimits && { resourceLimits }) });
  }

  update(): Result<void, FileError> {
    return ok(undefined);
  }

  async usage(container: Confined): Promise<Result<ResourceStatistics, FileError>> {
    const members = await this.#members(container);
    const sum = (of: (process: ProcessStat) => number): number =>
      members.reduce((total, process) => total + of(process), 0);
    return ok({
      timestamp: Date.now() / 1_000,
      cpus_user_time_secs: sum((process) => process.userTicks) / TICKS_PER_SECOND,
      cpus_system_time_secs: sum((process) => process.systemTicks) / TICKS_PER_SECOND,
      mem_rss_bytes: BigInt(sum((process) => process.residentPages) * PAGE_BYTES),
      processes: members.length,
      threads: sum((process) => process.threads),
    });
  }

  async processes(container: Confined): Promise<readonly number[]> {
    return (await this.#members(container)).map((process) => process.pid);
  }

  async killAll(container: Confined): Promise<boolean> {
    const members = await this.#members(container);
    for (const process of members) {
      if (isStill(process)) signalProcess(process.pid, "SIGKILL");
    }
    return members.length === 0;
  }

  limitation(): undefined {
    return undefined;
  }

  async release(): Promise<void> {}

  async #members(container: Confined): Promise<readonly ProcessStat[]> {
    return membersOf(container, await this.#table.snapshot());
  }
}

function isolationAskedBy(spec: ContainerSpec): string | undefined {
  const volume = spec.volumes?.[0];
  if (volume !== undefined) return `the volume at '${volume.containerPath}'`;
  if (spec.image !== undefined) return `the image '${spec.image.name}'`;
  if (spec.hostname !== undefined) return "a host name of its own";
  if (spec.capabilities !== undefined) return "capabilities";
  if (spec.seccomp?.kind === "PROFILE") return `the seccomp profile '${spec.seccomp.name}'`;
  if (spec.sharedMemory?.mode === "PRIVATE") return "shared memory of its own";
  if ((spec.gpus ?? 0) > 0) return "GPUs of its own";
  return undefined;
}

export const processContainerizer: ContainerizerModule = {
  summary: "plain processes: no isolation, limits are not enforced",
  check: (options) => checkSupervisor(options.runtimeDirectory),
  create: (options) =>
    new SupervisedContainerizer(options.runtimeDirectory, new ProcessIsolation(), {
      spares: SPARE_SUPERVISORS,
    }),
};
