/** Limits that the agent holds itself, and devices that are handed out. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  controllersOf,
  detectHierarchy,
} from "../../../../agent/containerizer/cgroups/hierarchy.ts";
import {
  type ContainerizerOptions,
  describeLaunchError,
  describeTermination,
} from "../../../../agent/containerizer/containerizer.ts";
import { containerizers } from "../../../../agent/containerizer/index.ts";
import type { Isolator } from "../../../../agent/containerizer/isolators.ts";
import { inLab, type Lab, MEGABYTE, run, specOf, start, until, within } from "../harness.ts";
import type { Checks } from "../suite.ts";

/** The lab with a containerizer that was told something else. */
function labWith(lab: Lab, more: Partial<ContainerizerOptions>): Lab {
  const options = { ...lab.options, ...more };
  return { ...lab, options, containerizer: containerizers[lab.kind].create(options) };
}

const disk = { everyMs: 50, isEnforced: true };
const bounded = { limits: { cpusRequest: 100, diskLimitBytes: 2 * MEGABYTE } };
const FILL = "i=0; while :; do head -c 1048576 /dev/zero >f$i; i=$((i+1)); sleep 0.05; done";

/** Files instead of devices: what counts is who sees them. */
function gpus(lab: Lab): NonNullable<ContainerizerOptions["gpus"]> {
  return [0, 1, 2].map((minor) => {
    const files = [`nvidia${minor}`, "nvidiactl"].map((name) => ({
      name,
      path: join(lab.directory, name),
    }));
    for (const { path } of files) writeFileSync(path, path);
    return { minor, files };
  });
}

export const resourceChecks: Checks = {
  "a sandbox that grows beyond its disk ends the container, with both amounts in the message": (
    kind,
  ) =>
    inLab(kind, async (lab) => {
      const { termination } = await run(labWith(lab, { disk }), FILL, bounded);
      assert.ok(termination.kind === "LIMITED" && termination.reason === "DISK");
      assert.match(
        describeTermination(termination),
        /^Disk limit exceeded: limit 2 MB, used (?:[2-9]|\d\d)[\d.]* MB$/,
      );
    }),

  "disk use is told where it is measured, and bounds nothing where that is not wanted": (kind) =>
    inLab(kind, async (lab) => {
      const isolation: ReadonlySet<Isolator> = new Set(["disk/du", "filesystem/linux"]);
      const watching = labWith(lab, { isolation, disk: { everyMs: 50, isEnforced: false } });
      const spec = await start(watching, "head -c 4194304 /dev/zero >f; sleep 60", bounded);
      const deadlineMs = performance.now() + 10_000;
      for (;;) {
        const usage = await watching.containerizer.usage(spec.containerId);
        assert.ok(usage.ok, "it runs on");
        assert.equal(usage.value.disk_limit_bytes, BigInt(2 * MEGABYTE));
        if ((usage.value.disk_used_bytes ?? 0n) >= BigInt(4 * MEGABYTE)) break;
        assert.ok(performance.now() < deadlineMs, `${usage.value.disk_used_bytes} bytes`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }),

  "a disk limit holds after the agent was started again, and so does its reason": (kind) =>
    inLab(kind, async (lab) => {
      const first = labWith(lab, { disk: { everyMs: 3_600_000, isEnforced: true } });
      const spec = await start(first, FILL, bounded);
      const next = labWith(lab, { disk });
      const { containerId } = spec;
      await next.containerizer.recover([{ containerId }]);
      const end = await within(10_000, next.containerizer.wait(containerId));
      assert.equal(end.kind, "LIMITED");
      const last = labWith(lab, { disk });
      const { containers } = await last.containerizer.recover([{ containerId }]);
      assert.deepEqual(containers, [{ containerId, state: "ENDED", termination: end }]);
    }),

  "a file that is deleted in time does no harm, nor does one outside the sandbox": (kind) =>
    inLab(kind, async (lab) => {
      const command =
        "for i in 1 2 3 4 5 6; do head -c 1048576 /dev/zero >f; rm f; sleep 0.05; done";
      const { termination } = await run(labWith(lab, { disk }), command, bounded);
      assert.equal(termination.kind, "EXITED");
    }),

  "a container that may burst keeps what it asked for, and goes first when memory runs out": (
    kind,
  ) =>
    inLab(kind, async (lab) => {
      const limits = { cpusRequest: 100, memoryRequestBytes: 40 * MEGABYTE };
      const spec = await start(lab, "cat /proc/self/oom_score_adj; sleep 60", { limits });
      const stdout = join(spec.sandboxDirectory, "stdout");
      await until("it prints", () => readFileSync(stdout, "utf8") !== "");
      const score = Number(readFileSync(stdout, "utf8"));
      assert.ok(score > 900 && score < 1_000, `${score}`);
      const usage = await lab.containerizer.usage(spec.containerId);
      assert.ok(usage.ok);
      assert.equal(usage.value.mem_soft_limit_bytes, BigInt(40 * MEGABYTE));
      const steady = await run(lab, "cat /proc/self/oom_score_adj");
      assert.equal(steady.stdout, readFileSync("/proc/self/oom_score_adj", "utf8"));
    }),

  "a container that names no bound on processes still gets a share of the machine's only": (kind) =>
    inLab(kind, async (lab) => {
      const { stdout } = await run(
        lab,
        "find /sys/fs/cgroup -path *$RIMROCK_CONTAINER_ID/pids.max -exec cat {} +",
      );
      const most = Number(readFileSync("/proc/sys/kernel/pid_max", "utf8"));
      assert.ok(Number(stdout) > 100 && Number(stdout) < most / 5, stdout);
    }),

  "a device that is nobody's business cannot be opened, by root neither": (kind) =>
    inLab(kind, async (lab) => {
      const read = "head -c 1 /dev/kmsg";
      assert.match((await run(lab, read)).stderr, /No such file/);
      const hierarchy = detectHierarchy();
      assert.ok(hierarchy.ok);
      if (!controllersOf(hierarchy.value).includes("devices")) return;
      // The machine's own /dev, with the kernel's list of what may be opened in it.
      const isolation: ReadonlySet<Isolator> = new Set(["cgroups/devices"]);
      const listed = await run(
        labWith(lab, { isolation }),
        `${read}; echo x >/dev/null && echo ok`,
      );
      assert.match(listed.stderr, /Operation not permitted/);
      assert.equal(listed.stdout, "ok\n");
    }),

  "each container sees its own GPUs only, and gets none that another one has": (kind) =>
    inLab(kind, async (lab) => {
      const own = labWith(lab, { gpus: gpus(lab) });
      const list = "cd /dev; echo nvidia*; cat nvidia*";
      const first = await start(own, `${list}; while [ ! -e $MESOS/go ]; do sleep 0.02; done`, {
        gpus: 2,
        environment: { PATH: "/usr/bin:/bin", MESOS: "/no/such" },
      });
      const stdout = join(first.sandboxDirectory, "stdout");
      await until(
        "it prints",
        () =>
          readFileSync(stdout, "utf8").includes("nvidiactl/") === false &&
          readFileSync(stdout, "utf8") !== "",
      );
      assert.match(readFileSync(stdout, "utf8"), /^nvidia0 nvidia1 nvidiactl\n/);
      const none = await run(own, "cd /dev; echo nvidia*");
      assert.equal(none.stdout, "nvidia*\n");
      const last = await run(own, list, { gpus: 1 });
      assert.match(last.stdout, /^nvidia2 nvidiactl\n/);
      const more = await own.containerizer.launch(specOf(own, "true", { gpus: 2 }));
      assert.ok(!more.ok);
      assert.match(describeLaunchError(more.error), /2 GPUs: 1 of 3 are free/);
      // The next agent process knows who has them.
      const next = labWith(own, {});
      await next.containerizer.recover([{ containerId: first.containerId }]);
      const again = await run(next, list, { gpus: 1 });
      assert.match(again.stdout, /^nvidia2 nvidiactl\n/);
      await next.containerizer.remove(first.containerId);
      const free = await run(next, list, { gpus: 3 });
      assert.match(free.stdout, /^nvidia0 nvidia1 nvidia2 nvidiactl\n/);
    }),

  "without GPUs a task that wants some is refused": (kind) =>
    inLab(kind, async (lab) => {
      const launched = await lab.containerizer.launch(specOf(lab, "true", { gpus: 1 }));
      assert.ok(!launched.ok);
      assert.match(describeLaunchError(launched.error), /GPUs: nvidia-smi lists no GPU/);
    }),

  "an isolation that this machine does not have stops the agent, with its name": (kind) =>
    inLab(kind, async (lab) => {
      const isolation: ReadonlySet<Isolator> = new Set(["cgroups/cpu", "gpu/nvidia"]);
      const checked = await containerizers[kind].check({ ...lab.options, isolation });
      const why = "--isolation names gpu/nvidia, but nvidia-smi lists no GPU";
      assert.deepEqual(checked, { ok: false, error: { why } });
    }),

  "what the operator left out of the isolation is not applied, and refused where asked for": (
    kind,
  ) =>
    inLab(kind, async (lab) => {
      const isolation: ReadonlySet<Isolator> = new Set(["cgroups/cpu"]);
      const open = labWith(lab, { isolation });
      const ran = await run(open, "cat /proc/1/comm; grep NoNewPrivs /proc/self/status", {
        limits: { cpusRequest: 100, memoryLimitBytes: MEGABYTE },
      });
      assert.equal(ran.stdout, `${readFileSync("/proc/1/comm", "utf8")}NoNewPrivs:\t0\n`);
      assert.equal(ran.termination.kind, "EXITED", "no memory limit");
      const launched = await open.containerizer.launch(specOf(open, "true", { hostname: "x" }));
      assert.ok(!launched.ok);
      assert.match(describeLaunchError(launched.error), /left namespaces\/uts out of --isolation/);
    }),
};
