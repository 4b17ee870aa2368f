/** Proves on this machine that a container can be set up as it is to be, by running one. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { defined } from "../../../worker/std/assert.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import {
  type ContainerizerOptions,
  containerId,
  describeLaunchError,
  describeTermination,
} from "../containerizer.ts";
import { SupervisedContainerizer } from "../supervisor/supervised-containerizer.ts";
import { CgroupIsolation } from "./cgroup-isolation.ts";
import type { Hierarchy } from "./hierarchy.ts";

/** `why`: one sentence, what failed. The runtime directory exists. */
export async function tryContainer(
  hierarchy: Hierarchy,
  options: ContainerizerOptions,
): Promise<Result<void, { readonly why: string }>> {
  const directory = mkdtempSync(join(options.runtimeDirectory, "check-"));
  const [runtimeDirectory, sandboxDirectory] = [join(directory, "run"), join(directory, "box")];
  for (const path of [runtimeDirectory, sandboxDirectory]) mkdirSync(path);
  const { disk: _disk, gpus: _gpus, gpuPool: _pool, ...rest } = options;
  const cgroupRoot = `${options.cgroupRoot}/check-${process.pid}`;
  const own = { ...rest, runtimeDirectory, cgroupRoot, hiddenDirectory: directory };
  const containerizer = new SupervisedContainerizer(
    runtimeDirectory,
    new CgroupIsolation(hierarchy, own),
  );
  // Supervisors do not keep the process from ending, and at this time nothing else may yet.
  const hold = setInterval(() => {}, 1_000);
  try {
    const made = containerId("trial");
    const id = defined(made.ok ? made.value : undefined, "a constant id is well formed");
    const launched = await containerizer.launch({
      containerId: id,
      command: { shell: true, value: "exit 7" },
      environment: {},
      sandboxDirectory,
      limits: { cpusRequest: 1_000 },
    });
    if (!launched.ok) return err({ why: describeLaunchError(launched.error) });
    const end = await containerizer.wait(id);
    await containerizer.remove(id);
    if (end.kind === "EXITED" && end.code === 7) return ok(undefined);
    return err({ why: `A container cannot be set up (${describeTermination(end)})` });
  } finally {
    clearInterval(hold);
    for (const path of [directory, `${runtimeDirectory}.devices`]) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}
