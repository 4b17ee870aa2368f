/**
 * The folders behind /dev/shm of groups, in the machine's own: made for a group's first container,
 * removed with its last.
 */
import { chmodSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { ContainerId } from "../containerizer.ts";
import { groupShm } from "./space/new-space.ts";

export class GroupMemory {
  readonly #members = new Map<ContainerId, Set<ContainerId>>();

  add(groupId: ContainerId, id: ContainerId): void {
    const members = this.#members.get(groupId) ?? new Set();
    this.#members.set(groupId, members.add(id));
    const folder = groupShm(groupId);
    if (existsSync(folder) || !existsSync(dirname(folder))) return;
    mkdirSync(folder);
    // Against the agent's umask.
    chmodSync(folder, 0o1777);
  }

  delete(groupId: ContainerId, id: ContainerId): void {
    const members = this.#members.get(groupId);
    members?.delete(id);
    if (members !== undefined && members.size > 0) return;
    this.#members.delete(groupId);
    rmSync(groupShm(groupId), { recursive: true, force: true });
  }
}
