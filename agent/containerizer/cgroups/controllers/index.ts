/** The controllers, in the order in which limits are set. Adding one: a file and a line here. */

import { blkio } from "./blkio.ts";
import type { CgroupVersion, Controller } from "./controller.ts";
import { cpu } from "./cpu.ts";
import { cpuacct } from "./cpuacct.ts";
import { devices } from "./devices.ts";
import { freezer } from "./freezer.ts";
import { memory } from "./memory.ts";
import { pids } from "./pids.ts";

export type ControllerName =
  | "cpu"
  | "cpuacct"
  | "memory"
  | "pids"
  | "freezer"
  | "blkio"
  | "devices";

export const controllers: { readonly [K in ControllerName]: Controller } = {
  cpu,
  cpuacct,
  memory,
  pids,
  freezer,
  blkio,
  devices,
};

/** Machines are used without them, too. */
export const optionalControllers: readonly ControllerName[] = ["blkio", "devices"];

/** As the kernel calls it. */
export function kernelName(name: ControllerName, version: CgroupVersion): string {
  return name === "blkio" && version === 2 ? "io" : name;
}

// `Object.keys` forgets that the keys are the table's own.
export const controllerNames = Object.keys(controllers) as readonly ControllerName[];
