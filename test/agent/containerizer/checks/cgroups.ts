/** What only a containerizer with cgroups promises: limits that hold. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { checkCgroups } from "../../../../agent/containerizer/cgroups/cgroups.ts";
import {
  detectHierarchy,
  directoriesOf,
} from "../../../../agent/containerizer/cgroups/hierarchy.ts";
import { describeTermination } from "../../../../agent/containerizer/containerizer.ts";
import { inLab, type Lab, MEGABYTE, output, run, start, until, within } from "../harness.ts";
import type { Checks } from "../suite.ts";

function cgroupDirectories(lab: Lab, name: string): readonly string[] {
  const hierarchy = detectHierarchy();
  assert.ok(hierarchy.ok);
  return directoriesOf(hierarchy.value, `${lab.options.cgroupRoot}${name}`);
}

const GROW = "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done";

export const cgroupChecks: Checks = {
  "memory beyond the limit is told as such, with the limit in the message": (kind) =>
    inLab(kind, async (lab) => {
      const limits = { cpusRequest: 1_000, memoryLimitBytes: 24 * MEGABYTE };
      const { termination } = await run(lab, GROW, { limits });
      assert.equal(termination.kind, "LIMITED");
      assert.deepEqual(
        { ...termination, message: "" },
        { kind: "LIMITED", reason: "MEMORY", message: "", waitStatus: 9 },
      );
      assert.match(
        describeTermination(termination),
        /^Memory limit exceeded: limit 24 MB, most used 2[34]/,
      );
    }),

  "a command that fails because a child ran out of memory is limited, one that copes is not": (
    kind,
  ) =>
    inLab(kind, async (lab) => {
      const limits = { cpusRequest: 1_000, memoryLimitBytes: 24 * MEGABYTE };
      const failed = await run(lab, `sh -c '${GROW}'; exit 9`, { limits });
      assert.equal(failed.termination.kind, "LIMITED");
      const free = await run(lab, `sh -c 'kill -9 $$'; exit 9`, { limits });
      assert.equal(free.termination.kind, "EXITED", "a kill by somebody else is no limit");
    }),

  "limits hold also for root in namespaces of its own, whatever it changes in its cgroup": (kind) =>
    inLab(kind, async (lab) => {
      const limits = { cpusRequest: 1_000, memoryLimitBytes: 24 * MEGABYTE };
      const lift = [
        "mkdir c; mount -t cgroup -o memory none c || mount -t cgroup2 none c",
        "for f in c/memory.memsw.limit_in_bytes c/memory.limit_in_bytes; do echo -1 >$f; done",
        "echo max >c/memory.max; echo lifted",
        GROW,
      ];
      const script = ["exec 2>/dev/null", ...lift].join("\n");
      const ran = await run(lab, `unshare -UrmC sh -c '${script}'`, { limits });
      assert.equal(ran.stdout, "lifted\n", "this machine lets it try");
      assert.equal(ran.termination.kind, "LIMITED");
    }),

  "the cpu cap holds, and can be raised while it runs": (kind) =>
    inLab(kind, async (lab) => {
      const limits = { cpusRequest: 100, cpusLimit: 200 };
      const spec = await start(lab, "echo up; while :; do :; done & while :; do :; done", {
        limits,
      });
      await until("the command prints", () => output(spec, "stdout") !== "");
      const rate = async (ms: number): Promise<number> => {
        const before = await lab.containerizer.usage(spec.containerId);
        await sleep(ms);
        const after = await lab.containerizer.usage(spec.containerId);
        assert.ok(before.ok && after.ok);
        const seconds = (usage: typeof after.value): number =>
          (usage.cpus_user_time_secs ?? 0) + (usage.cpus_system_time_secs ?? 0);
        const spent = seconds(after.value) - seconds(before.value);
        return spent / (after.value.timestamp - before.value.timestamp);
      };
      await sleep(200);
      const capped = await rate(1_500);
      // Only the upper bound is ours to promise: others may be using the machine.
      assert.ok(capped > 0.02 && capped < 0.3, `rate ${capped}`);
      const usage = await lab.containerizer.usage(spec.containerId);
      assert.ok(usage.ok && (usage.value.cpus_nr_throttled ?? 0) > 0);
      assert.equal(usage.value.cpus_limit, 0.2);
      assert.ok((await lab.containerizer.update(spec.containerId, { cpusRequest: 100 })).ok);
      // How fast it is now is for others on the machine to decide; nothing holds it back.
      const freed = await lab.containerizer.usage(spec.containerId);
      await sleep(500);
      const later = await lab.containerizer.usage(spec.containerId);
      assert.ok(freed.ok && later.ok);
      assert.equal(later.value.cpus_limit, undefined);
      assert.equal(later.value.cpus_nr_throttled, freed.value.cpus_nr_throttled);
    }),

  "no more processes than the pids limit come to be": (kind) =>
    inLab(kind, async (lab) => {
      const limits = { cpusRequest: 1_000, pidsLimit: 10 };
      const spec = await start(lab, "while :; do sleep 100 & done", { limits });
      await until("the limit is met", () => output(spec, "stderr") !== "");
      const usage = await lab.containerizer.usage(spec.containerId);
      // A shell that cannot fork may already have ended, and with it the container.
      if (usage.ok)
        assert.ok((usage.value.threads ?? 99) <= 10, `${usage.value.threads} processes`);
      assert.match(output(spec, "stderr"), /fork/i);
    }),

  "a fork bomb is destroyed": (kind) =>
    inLab(kind, async (lab) => {
      const limits = { cpusRequest: 100, cpusLimit: 500, pidsLimit: 200 };
      const bomb = "b() { b & b; }; while :; do b 2>/dev/null; done";
      const spec = await start(
        lab,
        `(trap '' TERM; ${bomb}) 2>/dev/null & (${bomb}) 2>/dev/null; sleep 100`,
        { limits },
      );
      await sleep(300);
      await within(10_000, lab.containerizer.destroy(spec.containerId));
      for (const directory of cgroupDirectories(lab, `/${spec.containerId}`))
        assert.ok(!existsSync(directory));
    }),

  "the memory limit can be raised while it runs": (kind) =>
    inLab(kind, async (lab) => {
      const limits = { cpusRequest: 1_000, memoryLimitBytes: 16 * MEGABYTE };
      const grow = "i=0; x=aaaaaaaaaaaaaaaa; while [ $i -lt 20 ]; do x=$x$x; i=$((i+1)); done";
      const command = `echo up; while [ ! -e go ]; do sleep 0.02; done; ${grow}; echo "\${#x}"`;
      const [raised, kept] = [
        await start(lab, command, { limits }),
        await start(lab, command, { limits }),
      ];
      const more = { ...limits, memoryLimitBytes: 128 * MEGABYTE };
      assert.ok((await lab.containerizer.update(raised.containerId, more)).ok);
      const usage = await lab.containerizer.usage(raised.containerId);
      assert.ok(usage.ok);
      assert.equal(usage.value.mem_limit_bytes, BigInt(128 * MEGABYTE));
      for (const spec of [raised, kept]) writeFileSync(`${spec.sandboxDirectory}/go`, "");
      const ends = [raised, kept].map((spec) => lab.containerizer.wait(spec.containerId));
      const [first, second] = await within(20_000, Promise.all(ends));
      assert.deepEqual(first, { kind: "EXITED", code: 0, waitStatus: 0 });
      assert.equal(output(raised, "stdout"), `up\n${16 * MEGABYTE}\n`);
      assert.equal(second?.kind, "LIMITED");
    }),

  "the command is in its cgroup, its supervisor is not": (kind) =>
    inLab(kind, async (lab) => {
      const spec = await start(
        lab,
        "cat /proc/$PPID/cgroup >outer; cat /proc/self/cgroup; sleep 60",
      );
      const { containerId } = spec;
      await until("the command prints", () => output(spec, "stdout") !== "");
      assert.match(output(spec, "stdout"), new RegExp(`/${containerId}(?:/\\.tasks)?\n`));
      const outer = readFileSync(`${spec.sandboxDirectory}/outer`, "utf8");
      assert.ok(outer !== "" && !outer.includes(containerId), outer);
    }),

  "the cgroups are gone with the last container, empty parents too": (kind) =>
    inLab(kind, async (lab) => {
      await run(lab, "true");
      for (const directory of cgroupDirectories(lab, ""))
        assert.ok(!existsSync(directory), directory);
    }),

  "check names what is missing in one sentence": async () => {
    const none = await checkCgroups("rimrock-test", "21 1 0:20 / /proc rw - proc proc rw\n");
    assert.deepEqual(none, {
      ok: false,
      error: { why: "No cgroup file system is mounted; mount cgroup2 at /sys/fs/cgroup" },
    });
    const partial = "33 25 0:28 / /nowhere/cpu rw - cgroup cgroup rw,cpu,cpuacct\n";
    const some = await checkCgroups("rimrock-test", partial);
    assert.ok(!some.ok);
    assert.match(some.error.why, /nor the v1 controllers memory, pids, freezer$/);
    const name = await checkCgroups("../up");
    assert.ok(!name.ok);
    assert.match(name.error.why, /'..\/up' is no name for a cgroup/);
  },
};
