/** Proves on this machine what the supervisor relies on, by running it. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { defined } from "../../../worker/std/assert.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import {
  type ContainerTermination,
  containerId,
  describeLaunchError,
  describeTermination,
} from "../containerizer.ts";
import { findHostTools, type HostTools } from "./host-tools.ts";
import type { Isolation } from "./isolation.ts";
import { Records } from "./records.ts";
import { SupervisedContainerizer } from "./supervised-containerizer.ts";

/** What the names of its folders begin with. */
const FOLDER = "check-";

type Check = Result<void, { readonly why: string }>;

/**
 * Whether a supervised containerizer can work with this runtime directory. `shell` as in
 * `findHostTools`.
 */
export async function checkSupervisor(runtimeDirectory: string, shell?: string): Promise<Check> {
  const created = new Records(runtimeDirectory).createDirectory();
  if (!created.ok) return err({ why: describeLaunchError(created.error) });
  const tools = await findHostTools(shell);
  if (!tools.ok) return tools;
  let directory: string;
  try {
    // A crash in the middle of it may have left one.
    for (const name of readdirSync(runtimeDirectory)) {
      if (name.startsWith(FOLDER)) rmSync(join(runtimeDirectory, name), { recursive: true });
    }
    directory = mkdtempSync(join(runtimeDirectory, FOLDER));
  } catch (cause) {
    return err({ why: `Failed to write to ${runtimeDirectory}: ${String(cause)}` });
  }
  // Supervisors do not keep the process from ending, and at this time nothing else may yet.
  const hold = setInterval(() => {}, 1_000);
  try {
    const [exited, signaled] = await Promise.all([
      end(directory, tools.value, "exit 143"),
      end(directory, tools.value, "kill -TERM $$"),
    ]);
    if (exited.kind === "EXITED" && exited.code === 143 && signaled.kind === "SIGNALED") {
      return ok(undefined);
    }
    const seen = `${describeTermination(exited)}; ${describeTermination(signaled)}`;
    const { sh } = tools.value;
    return err({
      why: `${sh} cannot tell exit status 143 from SIGTERM (saw: ${seen}); install dash as ${sh}`,
    });
  } finally {
    clearInterval(hold);
    rmSync(directory, { recursive: true, force: true });
  }
}

async function end(
  directory: string,
  tools: HostTools,
  value: string,
): Promise<ContainerTermination> {
  const runtimeDirectory = mkdtempSync(join(directory, "run-"));
  const containerizer = new SupervisedContainerizer(runtimeDirectory, unconfined, { tools });
  const id = containerId("check");
  const launched = await containerizer.launch({
    containerId: defined(id.ok ? id.value : undefined, "a constant id is well formed"),
    command: { shell: true, value },
    environment: {},
    sandboxDirectory: runtimeDirectory,
    limits: { cpusRequest: 1_000 },
  });
  if (!launched.ok) return { kind: "NOT_STARTED", message: describeLaunchError(launched.error) };
  return containerizer.wait(defined(id.ok ? id.value : undefined, "a constant id is well formed"));
}

/** The commands of the test leave nothing behind, so nothing needs to be found. */
const unconfined: Isolation = {
  prepare: () => ok({ joinFiles: [] }),
  update: () => ok(undefined),
  usage: async () => ok({ timestamp: 0 }),
  processes: async () => [],
  killAll: async () => true,
  limitation: () => undefined,
  release: async () => {},
};
