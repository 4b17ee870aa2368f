/** Processor time: a share under contention, and a hard cap by the kernel's bandwidth control. */
import { ok } from "../../../../worker/std/result.ts";
import { readAmount, readCgroupFile, readCounters, writeCgroupFiles } from "../cgroup-file.ts";
import type { Controller } from "./controller.ts";

const PERIOD_US = 100_000;
/** The kernel refuses less: 1 ms in a period, a hundredth of a processor. */
const QUOTA_US_MIN = 1_000;

/** 1024 shares for one processor, as Mesos gives; the kernel's least is 2. */
export function sharesOf(cpus: number): number {
  return Math.min(262_144, Math.max(2, Math.round((cpus * 1_024) / 1_000)));
}

/** 100 (the kernel's default) for one processor; the kernel takes 1 to 10000. */
export function weightOf(cpus: number): number {
  return Math.min(10_000, Math.max(1, Math.round(cpus / 10)));
}

/** Microseconds per period for thousandths of a processor: 200 → 20000. */
export function quotaOf(cpus: number): number {
  return Math.max(QUOTA_US_MIN, Math.round((cpus * PERIOD_US) / 1_000));
}

export const cpu: Controller = {
  1: {
    apply: (cgroup, { cpusRequest, cpusLimit }) =>
      writeCgroupFiles(cgroup, [
        ["cpu.shares", sharesOf(cpusRequest)],
        ["cpu.cfs_period_us", PERIOD_US],
        ["cpu.cfs_quota_us", cpusLimit === undefined ? -1 : quotaOf(cpusLimit)],
      ]),
    usage: (cgroup) => {
      const stat = readCounters(cgroup, "cpu.stat");
      if (!stat.ok) return stat;
      const quota = readAmount(cgroup, "cpu.cfs_quota_us");
      if (!quota.ok) return quota;
      return ok({
        cpus_limit: quota.value === undefined ? undefined : quota.value / PERIOD_US,
        cpus_nr_periods: stat.value.get("nr_periods"),
        cpus_nr_throttled: stat.value.get("nr_throttled"),
        cpus_throttled_time_secs: (stat.value.get("throttled_time") ?? 0) / 1e9,
      });
    },
  },
  2: {
    // cpu.max: "20000 100000", or "max 100000" for no cap.
    apply: (cgroup, { cpusRequest, cpusLimit }) =>
      writeCgroupFiles(cgroup, [
        ["cpu.weight", weightOf(cpusRequest)],
        ["cpu.max", `${cpusLimit === undefined ? "max" : quotaOf(cpusLimit)} ${PERIOD_US}`],
      ]),
    usage: (cgroup) => {
      const stat = readCounters(cgroup, "cpu.stat");
      if (!stat.ok) return stat;
      const max = readCgroupFile(cgroup, "cpu.max");
      if (!max.ok) return max;
      const [quota = "max", period] = max.value.split(" ");
      const seconds = (name: string): number => (stat.value.get(name) ?? 0) / 1e6;
      return ok({
        cpus_user_time_secs: seconds("user_usec"),
        cpus_system_time_secs: seconds("system_usec"),
        cpus_limit: quota === "max" ? undefined : Number(quota) / Number(period),
        cpus_nr_periods: stat.value.get("nr_periods"),
        cpus_nr_throttled: stat.value.get("nr_throttled"),
        cpus_throttled_time_secs: seconds("throttled_usec"),
      });
    },
  },
};
