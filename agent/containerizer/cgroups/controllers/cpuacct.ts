/** Processor time spent, in v1. (In v2 the cpu controller counts.) */
import { ok } from "../../../../worker/std/result.ts";
import { TICKS_PER_SECOND } from "../../supervisor/process-table.ts";
import { readCounters } from "../cgroup-file.ts";
import type { Controller } from "./controller.ts";

export const cpuacct: Controller = {
  1: {
    apply: () => ok(undefined),
    // cpuacct.stat: "user 12\nsystem 3\n", in clock ticks.
    usage: (cgroup) => {
      const stat = readCounters(cgroup, "cpuacct.stat");
      if (!stat.ok) return stat;
      const seconds = (name: string): number => (stat.value.get(name) ?? 0) / TICKS_PER_SECOND;
      return ok({ cpus_user_time_secs: seconds("user"), cpus_system_time_secs: seconds("system") });
    },
  },
  2: undefined,
};
