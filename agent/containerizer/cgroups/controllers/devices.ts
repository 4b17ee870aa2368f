/**
 * Which devices may be opened: v1's whitelist. In v2 that takes a program for the kernel, which
 * nothing on a machine without a compiler can make; there a /dev of the container's own, and no
 * right to make device files, are what keeps devices away.
 */
import { ok, type Result } from "../../../../worker/std/result.ts";
import type { FileError } from "../../containerizer.ts";
import { writeCgroupFile, writeCgroupLines } from "../cgroup-file.ts";
import type { Controller } from "./controller.ts";

export const devices: Controller = {
  1: { apply: () => ok(undefined), usage: () => ok({}) },
  2: undefined,
};

/** Like Mesos: any may be made, these may be used. (See the kernel's devices.txt for numbers.) */
const ALWAYS = [
  ...["c *:* m", "b *:* m"],
  ...["c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm"],
  // The terminal of a process, and those that script(1) makes.
  ...["c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm"],
];

/** `more`: character devices as major and minor number. */
export function allowDevices(
  cgroup: string,
  more: readonly (readonly [major: number, minor: number])[],
): Result<void, FileError> {
  const denied = writeCgroupFile(cgroup, "devices.deny", "a");
  if (!denied.ok) return denied;
  const further = more.map(([major, minor]) => `c ${major}:${minor} rwm`);
  return writeCgroupLines(cgroup, "devices.allow", [...ALWAYS, ...further]);
}
