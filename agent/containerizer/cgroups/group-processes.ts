/**
 * Namespaces of process ids that containers of a group share. Such a namespace lives as long as its
 * first process, so that can be no container's: it is a small shell of its own, outside of all
 * cgroups, which takes up orphans and does nothing else.
 *
 *   <id>.processes     the group whose namespace the container is in
 *   <group>.holder     the first process; the shell ends within a minute after this file has gone,
 *                      so that nothing stays when the agent does not come back
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { type ContainerId, containerId, type LaunchError } from "../containerizer.ts";
import { isAlive } from "../supervisor/ends.ts";
import { fileError } from "../supervisor/file-error.ts";
import { findProgram } from "../supervisor/host-tools.ts";
import { signalProcess } from "../supervisor/isolation.ts";
import { bootId, readProcess } from "../supervisor/process-table.ts";
import type { ProcessIdentity } from "../supervisor/records.ts";

/** Its child is the first process; what it prints is that one's process id. Argument: the file. */
const HOLD = `set -f
cd /
setsid sh -c 'while sleep 60; [ -e "$1" ]; do :; done' rimrock-group "$1" \
  </dev/null >/dev/null 2>&1 &
echo "$!"`;

export class GroupProcesses {
  readonly #runtimeDirectory: string;
  readonly #members = new Map<ContainerId, Set<ContainerId>>();

  constructor(runtimeDirectory: string) {
    this.#runtimeDirectory = runtimeDirectory;
  }

  /** The first process of the group's namespace; made for the group's first container. */
  join(groupId: ContainerId, id: ContainerId): Result<ProcessIdentity, LaunchError> {
    const path = this.#pathOf(id, "processes");
    try {
      writeFileSync(path, groupId, { mode: 0o600 });
      this.#add(groupId, id);
      const known = this.#holder(groupId);
      return known === undefined ? this.#start(groupId) : ok(known);
    } catch (cause) {
      return err(fileError("write", path, cause));
    }
  }

  /** Takes up what an earlier agent process joined. */
  recover(id: ContainerId): void {
    const groupId = containerId(this.#read(this.#pathOf(id, "processes")) ?? "");
    if (groupId.ok) this.#add(groupId.value, id);
  }

  delete(id: ContainerId): void {
    for (const [groupId, members] of [...this.#members]) {
      if (!members.delete(id) || members.size > 0) continue;
      this.#members.delete(groupId);
      const holder = this.#holder(groupId);
      if (holder !== undefined) signalProcess(holder.pid, "SIGKILL");
      rmSync(this.#pathOf(groupId, "holder"), { force: true });
    }
  }

  #add(groupId: ContainerId, id: ContainerId): void {
    this.#members.set(groupId, (this.#members.get(groupId) ?? new Set()).add(id));
  }

  #start(groupId: ContainerId): Result<ProcessIdentity, LaunchError> {
    const path = this.#pathOf(groupId, "holder");
    const argv = ["--pid", findProgram("sh") ?? "sh", "-c", HOLD, "sh", path];
    const { stdout, stderr, error } = spawnSync(findProgram("unshare") ?? "unshare", argv, {
      ...{ encoding: "utf8", env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }, cwd: "/" },
    });
    const pid = Number(stdout);
    const process = pid > 0 ? readProcess(pid) : undefined;
    if (process === undefined) {
      const why = `its first process did not start (${error?.message ?? stderr.trim()})`;
      return err({ code: "NOT_SUPPORTED", what: "the process ids of its group", why });
    }
    const holder = { bootId: bootId(), pid, startTicks: process.startTicks };
    try {
      writeFileSync(path, JSON.stringify(holder), { mode: 0o600 });
      return ok(holder);
    } catch (cause) {
      signalProcess(pid, "SIGKILL");
      return err(fileError("write", path, cause));
    }
  }

  /** Undefined: there is none, or it has ended, and all of its namespace with it. */
  #holder(groupId: ContainerId): ProcessIdentity | undefined {
    const text = this.#read(this.#pathOf(groupId, "holder"));
    if (text === undefined) return undefined;
    try {
      // Written by `#start`; of a crash in between, half of it.
      const holder = JSON.parse(text) as ProcessIdentity;
      return isAlive(holder) ? holder : undefined;
    } catch {
      return undefined;
    }
  }

  #read(path: string): string | undefined {
    try {
      return readFileSync(path, "utf8");
    } catch {
      // It shares nothing.
      return undefined;
    }
  }

  #pathOf(id: ContainerId, suffix: "processes" | "holder"): string {
    return join(this.#runtimeDirectory, `${id}.${suffix}`);
  }
}
