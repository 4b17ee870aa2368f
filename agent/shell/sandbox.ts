/**
 * Sandboxes in Mesos' layout, with `latest` beside them and volumes in them:
 *
 *   <work directory>/slaves/<agent>/frameworks/<framework>/executors/<executor>/runs/<container>
 *
 * The executor of a task group has in its sandbox one for each task, and a link by the task's id:
 *
 *   .../runs/<container>/containers/<task's container>
 *   .../runs/<container>/tasks/<task id>
 *
 * A folder belongs to a task's user only where nothing of the agent's is made after the task runs:
 * an executor's sandbox stays the agent's own.
 */
import { randomUUID } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { UserRange } from "../containerizer/containerizer.ts";
import { type Account, ownerOf } from "../containerizer/supervisor/users.ts";
import type { MountedVolume } from "../core/volumes.ts";
import { errnoOf } from "./errno.ts";
import { linkVolumes } from "./volumes.ts";

/** Each is a valid folder name. */
export interface SandboxPlace {
  readonly agentId: string;
  readonly frameworkId: string;
  readonly executorId: string;
  readonly containerId: string;
}

export function sandboxPath(workDirectory: string, place: SandboxPlace): string {
  return join(runsPath(workDirectory, place), place.containerId);
}

export function taskSandboxPath(executorSandbox: string, containerId: string): string {
  return join(executorSandbox, "containers", containerId);
}

export interface SandboxContent {
  /** Owner; undefined: the agent's own. */
  readonly user: string | undefined;
  /** The ids of a container's own that the user is among; undefined: he is the machine's. */
  readonly users: UserRange | undefined;
  readonly volumes: readonly MountedVolume[];
}

/** Makes the sandbox of a command task. The error is a sentence. */
export function makeSandbox(
  workDirectory: string,
  place: SandboxPlace,
  content: SandboxContent,
): Result<string, string> {
  const path = sandboxPath(workDirectory, place);
  return guarded(path, () => {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    return fill(workDirectory, path, content);
  });
}

/** Points `latest` at a sandbox that is there. False: it points where it did, or nowhere. */
export function linkLatest(workDirectory: string, place: SandboxPlace): boolean {
  try {
    link(join(runsPath(workDirectory, place), "latest"), place.containerId);
    return true;
  } catch {
    return false;
  }
}

/** Makes the sandbox of a task group's executor, unless it is there: tasks may be at work in it. */
export function makeExecutorSandbox(
  workDirectory: string,
  place: SandboxPlace,
  content: SandboxContent,
): Result<string, string> {
  const path = sandboxPath(workDirectory, place);
  return guarded(path, () => {
    if (existsSync(join(path, "tasks"))) return ok(path);
    mkdirSync(join(path, "containers"), { recursive: true, mode: 0o755 });
    const linked = linkVolumes(workDirectory, path, {
      ...{ volumes: content.volumes, account: accountOf(content) },
    });
    if (!linked.ok) return linked;
    mkdirSync(join(path, "tasks"), { mode: 0o755 });
    link(join(runsPath(workDirectory, place), "latest"), place.containerId);
    return ok(path);
  });
}

/** Makes the sandbox of one task in its executor's. */
export function makeTaskSandbox(
  workDirectory: string,
  place: {
    readonly executorSandbox: string;
    readonly containerId: string;
    readonly taskId: string;
  },
  content: SandboxContent,
): Result<string, string> {
  const { executorSandbox, containerId, taskId } = place;
  const path = taskSandboxPath(executorSandbox, containerId);
  return guarded(path, () => {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    link(join(executorSandbox, "tasks", taskId), `../containers/${containerId}`);
    return fill(workDirectory, path, content);
  });
}

/** The folder becomes its user's own once everything of the agent's is in it. */
function fill(
  workDirectory: string,
  path: string,
  content: SandboxContent,
): Result<string, string> {
  const account = accountOf(content);
  const linked = linkVolumes(workDirectory, path, { volumes: content.volumes, account });
  if (!linked.ok) return linked;
  if (account !== undefined) chownSync(path, account.userId, account.groupId);
  // What other users run has no business in it.
  chmodSync(path, 0o700);
  return ok(path);
}

/** A user that the containerizer will refuse changes no owner here. */
function accountOf({ user, users }: SandboxContent): Account | undefined {
  const found = ownerOf(user, users);
  return found.ok ? found.value : undefined;
}

/** A rename replaces a link at once: there is no moment without it. */
function link(path: string, target: string): void {
  const fresh = join(dirname(path), `.${randomUUID()}`);
  symlinkSync(target, fresh);
  renameSync(fresh, path);
}

function guarded(path: string, make: () => Result<string, string>): Result<string, string> {
  try {
    return make();
  } catch (cause) {
    return err(`cannot make the sandbox ${path}: ${errnoOf(cause)}`);
  }
}

function runsPath(workDirectory: string, place: SandboxPlace): string {
  const { agentId, frameworkId, executorId } = place;
  const executors = ["slaves", agentId, "frameworks", frameworkId, "executors", executorId];
  return join(workDirectory, ...executors, "runs");
}
