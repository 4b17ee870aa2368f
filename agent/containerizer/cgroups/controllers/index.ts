/** The controllers, in the order in which limits are set. Adding one: a file and a line here. */

import type { Controller } from "./controller.ts";
import { cpu } from "./cpu.ts";
import { cpuacct } from "./cpuacct.ts";
import { freezer } from "./freezer.ts";
import { memory } from "./memory.ts";
import { pids } from "./pids.ts";

export type ControllerName = "cpu" | "cpuacct" | "memory" | "pids" | "freezer";

export const controllers: { readonly [K in ControllerName]: Controller } = {
  cpu,
  cpuacct,
  memory,
  pids,
  freezer,
};

// `Object.keys` forgets that the keys are the table's own.
export const controllerNames = Object.keys(controllers) as readonly ControllerName[];
