/** The number of processes and threads. */
import { ok } from "../../../../worker/std/result.ts";
import { readAmount, writeCgroupFile } from "../cgroup-file.ts";
import type { Controller, ControllerVersion } from "./controller.ts";

// The files are the same in both versions.
const version: ControllerVersion = {
  apply: (cgroup, { pidsLimit }) => writeCgroupFile(cgroup, "pids.max", pidsLimit ?? "max"),
  usage: (cgroup) => {
    const current = readAmount(cgroup, "pids.current");
    return current.ok ? ok({ threads: current.value }) : current;
  },
};

export const pids: Controller = { 1: version, 2: version };
