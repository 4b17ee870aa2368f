/**
 * Sandboxes of containers that clients launch: `<parent's sandbox>/containers/<value>`, and
 * `<work directory>/containers/<value>` for those without a parent.
 *
 * A parent's sandbox may belong to its task's user, who can exchange any folder in it for a link at
 * any moment. So each folder is made and opened beneath the one before, held open, never by its
 * path; and what the agent, as root, gives away or opens for writing is reached the same way.
 */
import { spawn } from "node:child_process";
import {
  closeSync,
  constants,
  fchownSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { Account } from "../../containerizer/supervisor/users.ts";
import { errnoOf } from "../errno.ts";

const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

export interface NestedSandbox {
  /** With no link in it, when it was made. */
  readonly path: string;
  /** Open for appending; whoever made the sandbox closes them. */
  readonly stdout: number;
  readonly stderr: number;
}

/** `parent`: an existing folder. The error is a sentence. */
export function makeNestedSandbox(
  parent: string,
  value: string,
  account: Account | undefined,
): Result<NestedSandbox, string> {
  const held: number[] = [];
  const hold = (descriptor: number): number => {
    held.push(descriptor);
    return descriptor;
  };
  let path = parent;
  try {
    path = realpathSync(parent);
    const outer = hold(openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    const folder = hold(folderIn(outer, "containers", { mayExist: true }));
    const own = hold(folderIn(folder, value, { mayExist: false }));
    path = join(path, "containers", value);
    if (account !== undefined) fchownSync(own, account.userId, account.groupId);
    const [stdout, stderr] = [fileIn(own, "stdout", account), fileIn(own, "stderr", account)];
    return ok({ path, stdout, stderr });
  } catch (cause) {
    return err(`cannot make the sandbox of '${value}' in ${path}: ${errnoOf(cause)}`);
  } finally {
    for (const descriptor of held) closeSync(descriptor);
  }
}

function folderIn(outer: number, name: string, { mayExist }: { mayExist: boolean }): number {
  const path = `/proc/self/fd/${outer}/${name}`;
  try {
    mkdirSync(path, { mode: 0o755 });
  } catch (cause) {
    if (!mayExist || errnoOf(cause) !== "EEXIST") throw cause;
  }
  return openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

function fileIn(folder: number, name: string, account: Account | undefined): number {
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW;
  const file = openSync(`/proc/self/fd/${folder}/${name}`, flags, 0o644);
  if (account !== undefined) fchownSync(file, account.userId, account.groupId);
  return file;
}

/**
 * Takes a sandbox away that `makeNestedSandbox` made. rm(1) follows no link, however often its
 * owner exchanges folders meanwhile; Node's own function looks first and opens by path afterwards.
 * What cannot be removed stays.
 */
export async function removeNestedSandbox(path: string): Promise<void> {
  let folder: number;
  try {
    folder = openSync(dirname(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch {
    return;
  }
  // A folder further out may be another one by now.
  if (readlinkSync(`/proc/self/fd/${folder}`) === dirname(path)) {
    const argv = ["-rf", "--one-file-system", "--", `/proc/self/fd/3/${basename(path)}`];
    await new Promise<void>((resolve) => {
      const child = spawn("rm", argv, { stdio: ["ignore", "ignore", "ignore", folder] });
      child.on("error", () => resolve());
      child.on("exit", () => resolve());
    });
  }
  closeSync(folder);
}
