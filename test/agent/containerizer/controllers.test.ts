/**
 * What is written to and read from the kernel's files, on plain files with the kernel's own text.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "vitest";
import {
  readCgroupFile,
  writeCgroupFile,
} from "../../../agent/containerizer/cgroups/cgroup-file.ts";
import { parseBlkio, parseIoStat } from "../../../agent/containerizer/cgroups/controllers/blkio.ts";
import {
  quotaOf,
  sharesOf,
  weightOf,
} from "../../../agent/containerizer/cgroups/controllers/cpu.ts";
import { allowDevices } from "../../../agent/containerizer/cgroups/controllers/devices.ts";
import { killAllIn } from "../../../agent/containerizer/cgroups/controllers/freezer.ts";
import {
  type ControllerName,
  controllers,
} from "../../../agent/containerizer/cgroups/controllers/index.ts";
import { outOfMemory } from "../../../agent/containerizer/cgroups/controllers/memory.ts";
import {
  detectHierarchy,
  directoriesOf,
  entrancesOf,
  parseMounts,
} from "../../../agent/containerizer/cgroups/hierarchy.ts";
import { outOfMemoryScore } from "../../../agent/containerizer/cgroups/limits.ts";
import { createCgroup } from "../../../agent/containerizer/cgroups/tree.ts";
import { defined } from "../../../worker/std/assert.ts";

let cgroup = "";
beforeEach(() => {
  cgroup = mkdtempSync(join(tmpdir(), "rimrock-cgroup-"));
});
afterEach(() => rmSync(cgroup, { recursive: true, force: true }));

function give(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cgroup, name), text);
}

function written(...names: readonly string[]): readonly string[] {
  return names.map((name) => readFileSync(join(cgroup, name), "utf8"));
}

function controller(name: ControllerName, version: 1 | 2) {
  return defined(controllers[name][version], `${name} has version ${version}`);
}

const LIMITS = { cpusRequest: 1_500, cpusLimit: 200, memoryLimitBytes: 33_554_432, pidsLimit: 20 };
const FREE = { cpusRequest: 1 };

describe("cpu", () => {
  test("shares and weights follow processors, within what the kernel takes", () => {
    assert.deepEqual(
      [1, 100, 1_000, 2_500, 900_000].map(sharesOf),
      [2, 102, 1_024, 2_560, 262_144],
    );
    assert.deepEqual([1, 100, 1_000, 2_500, 900_000].map(weightOf), [1, 10, 100, 250, 10_000]);
    assert.deepEqual([1, 10, 200, 2_500].map(quotaOf), [1_000, 1_000, 20_000, 250_000]);
  });

  test("v1 takes shares and a quota, -1 for none", () => {
    give({ "cpu.shares": "", "cpu.cfs_period_us": "", "cpu.cfs_quota_us": "" });
    assert.ok(controller("cpu", 1).apply(cgroup, LIMITS).ok);
    const names = ["cpu.shares", "cpu.cfs_period_us", "cpu.cfs_quota_us"];
    assert.deepEqual(written(...names), ["1536", "100000", "20000"]);
    assert.ok(controller("cpu", 1).apply(cgroup, FREE).ok);
    assert.deepEqual(written(...names), ["2", "100000", "-1"]);
  });

  test("v2 takes a weight and a maximum", () => {
    give({ "cpu.weight": "", "cpu.max": "" });
    assert.ok(controller("cpu", 2).apply(cgroup, LIMITS).ok);
    assert.deepEqual(written("cpu.weight", "cpu.max"), ["150", "20000 100000"]);
    assert.ok(controller("cpu", 2).apply(cgroup, FREE).ok);
    assert.deepEqual(written("cpu.weight", "cpu.max"), ["1", "max 100000"]);
  });

  test("v2 usage is in seconds", () => {
    give({
      "cpu.stat":
        "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 30\nnr_throttled 7\nthrottled_usec 250000\n",
      "cpu.max": "20000 100000\n",
    });
    assert.deepEqual(controller("cpu", 2).usage(cgroup), {
      ok: true,
      value: {
        cpus_user_time_secs: 1,
        cpus_system_time_secs: 0.5,
        cpus_limit: 0.2,
        cpus_nr_periods: 30,
        cpus_nr_throttled: 7,
        cpus_throttled_time_secs: 0.25,
      },
    });
  });

  test("v1 usage comes from two controllers", () => {
    give({
      "cpu.stat": "nr_periods 30\nnr_throttled 7\nthrottled_time 250000000\n",
      "cpu.cfs_quota_us": "-1\n",
      "cpuacct.stat": "user 100\nsystem 50\n",
    });
    const cpu = controller("cpu", 1).usage(cgroup);
    assert.ok(cpu.ok);
    assert.equal(cpu.value.cpus_limit, undefined);
    assert.equal(cpu.value.cpus_throttled_time_secs, 0.25);
    const spent = { cpus_user_time_secs: 1, cpus_system_time_secs: 0.5 };
    assert.deepEqual(controller("cpuacct", 1).usage(cgroup), { ok: true, value: spent });
  });
});

describe("memory", () => {
  test("v1 without swap accounting takes one limit", () => {
    give({ "memory.limit_in_bytes": "9223372036854771712\n" });
    assert.ok(controller("memory", 1).apply(cgroup, LIMITS).ok);
    assert.deepEqual(written("memory.limit_in_bytes"), ["33554432"]);
  });

  test("v1 with swap accounting limits the sum to the same", () => {
    give({ "memory.limit_in_bytes": "16777216\n", "memory.memsw.limit_in_bytes": "16777216\n" });
    assert.ok(controller("memory", 1).apply(cgroup, LIMITS).ok);
    assert.deepEqual(written("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"), [
      "33554432",
      "33554432",
    ]);
  });

  test("v2 takes a maximum without swap, and ends the whole group", () => {
    give({ "memory.max": "", "memory.oom.group": "", "memory.swap.max": "" });
    assert.ok(controller("memory", 2).apply(cgroup, LIMITS).ok);
    const names = ["memory.max", "memory.oom.group", "memory.swap.max"];
    assert.deepEqual(written(...names), ["33554432", "1", "0"]);
    assert.ok(controller("memory", 2).apply(cgroup, FREE).ok);
    assert.deepEqual(written(...names), ["max", "0", "max"]);
  });

  test("the kernel's count of kills is read in both versions", () => {
    give({
      "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
      "memory.limit_in_bytes": "33554432\n",
      "memory.max_usage_in_bytes": "33550336\n",
      "memory.events": "low 0\nhigh 0\nmax 41\noom 1\noom_kill 0\noom_group_kill 0\n",
      "memory.max": "max\n",
    });
    mkdirSync(join(cgroup, "below"));
    give({
      "below/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
      "below/memory.events": "oom_kill 3\n",
    });
    const v1 = { killedProcesses: 5, limitBytes: 33_554_432, peakBytes: 33_550_336 };
    assert.deepEqual(outOfMemory(1, cgroup, join(cgroup, "below")), { ok: true, value: v1 });
    const v2 = { killedProcesses: 0, limitBytes: undefined, peakBytes: undefined };
    assert.deepEqual(outOfMemory(2, cgroup, join(cgroup, "below")), { ok: true, value: v2 });
  });
});

test("a failed write names file, value and errno, and makes no file", () => {
  const path = join(cgroup, "pids.max");
  assert.deepEqual(controller("pids", 2).apply(cgroup, LIMITS), {
    ok: false,
    error: { code: "FILE_FAILED", operation: "write", path, value: "20", errno: "ENOENT" },
  });
  assert.equal(writeCgroupFile(cgroup, "x", 1).ok, false);
  assert.equal(readCgroupFile(cgroup, "x").ok, false);
});

test("without cgroup.kill a v2 cgroup is frozen, killed and thawed, those below it too", async () => {
  const victims = [spawn("sleep", ["1000"]), spawn("sleep", ["1000"])];
  const [first, second] = victims;
  mkdirSync(join(cgroup, "below"));
  give({
    "cgroup.procs": `${first?.pid}\n`,
    "cgroup.freeze": "0",
    "below/cgroup.procs": `${second?.pid}\n`,
  });
  const ends = Promise.all(victims.map((victim) => once(victim, "exit")));
  assert.equal(killAllIn(2, cgroup), false);
  assert.deepEqual(await ends, [
    [null, "SIGKILL"],
    [null, "SIGKILL"],
  ]);
  assert.deepEqual(written("cgroup.freeze"), ["0"]);
  give({ "cgroup.procs": "", "below/cgroup.procs": "" });
  assert.equal(killAllIn(2, cgroup), true);
});

describe("hierarchies", () => {
  const V1 = ["cpu,cpuacct", "memory", "pids", "freezer", "devices"].map(
    (name, index) =>
      `${33 + index} 25 0:${28 + index} / /sys/fs/cgroup/${name} rw,nosuid shared:9 - cgroup cgroup rw,${name}`,
  );
  const UNIFIED = (directory: string): string =>
    `42 25 0:38 / ${directory} rw,relatime - cgroup2 cgroup2 rw`;

  test("mounts are read with their options, and blanks in their paths", () => {
    const text = `21 1 0:20 / /proc rw - proc proc rw\n${V1[0]}\n${UNIFIED("/a\\040b")}\n`;
    assert.deepEqual(parseMounts(text), [
      {
        type: "cgroup",
        directory: "/sys/fs/cgroup/cpu,cpuacct",
        options: ["rw", "cpu", "cpuacct"],
      },
      { type: "cgroup2", directory: "/a b", options: ["rw"] },
    ]);
  });

  test("a hybrid machine whose v2 tree has no controllers is used as v1", () => {
    give({ "cgroup.controllers": "\n" });
    const hierarchy = detectHierarchy([...V1, UNIFIED(cgroup)].join("\n"));
    assert.ok(hierarchy.ok && hierarchy.value.version === 1);
    // Controllers mounted together share one directory.
    assert.deepEqual(
      directoriesOf(hierarchy.value, "rimrock/a"),
      ["cpu,cpuacct", "memory", "pids", "freezer", "devices"].map(
        (name) => `/sys/fs/cgroup/${name}/rimrock/a`,
      ),
    );
  });

  test("a v2 tree with the controllers is preferred", () => {
    give({ "cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma\n" });
    const hierarchy = detectHierarchy([...V1, UNIFIED(cgroup)].join("\n"));
    const controllers: readonly ControllerName[] = ["cpu", "memory", "pids", "blkio"];
    const V2 = { version: 2, root: cgroup, controllers };
    assert.deepEqual(hierarchy, { ok: true, value: V2 });
  });

  test("a process enters v1 as a thread, processors last", () => {
    give({ "cgroup.controllers": "\n" });
    const hierarchy = detectHierarchy([...V1, UNIFIED(cgroup)].join("\n"));
    assert.ok(hierarchy.ok);
    assert.deepEqual(entrancesOf(hierarchy.value, "rimrock/a", { hasLimits: true }), [
      "/sys/fs/cgroup/memory/rimrock/a/.tasks/tasks",
      "/sys/fs/cgroup/pids/rimrock/a/.tasks/tasks",
      "/sys/fs/cgroup/freezer/rimrock/a/tasks",
      "/sys/fs/cgroup/devices/rimrock/a/tasks",
      "/sys/fs/cgroup/cpu,cpuacct/rimrock/a/.tasks/tasks",
    ]);
    const inner = entrancesOf(hierarchy.value, "rimrock/a/b", { hasLimits: false });
    assert.equal(inner[0], "/sys/fs/cgroup/memory/rimrock/a/b/tasks");
  });

  test("a process enters v2's only tree as a whole", () => {
    const controllers: readonly ControllerName[] = ["cpu", "memory", "pids"];
    const hierarchy = { version: 2, root: cgroup, controllers } as const;
    assert.deepEqual(entrancesOf(hierarchy, "rimrock/a", { hasLimits: true }), [
      `${cgroup}/rimrock/a/.tasks/cgroup.procs`,
    ]);
  });

  test("controllers are handed down the v2 tree only where they are not yet", () => {
    give({ "cgroup.subtree_control": "cpu pids\n" });
    mkdirSync(join(cgroup, "rimrock"));
    writeFileSync(join(cgroup, "rimrock", "cgroup.subtree_control"), "memory cpu pids\n");
    const controllers: readonly ControllerName[] = ["cpu", "memory", "pids"];
    assert.ok(createCgroup({ version: 2, root: cgroup, controllers }, "rimrock/a").ok);
    assert.deepEqual(written("cgroup.subtree_control"), ["+memory"]);
    assert.deepEqual(written("rimrock/cgroup.subtree_control"), ["memory cpu pids\n"]);
  });
});

describe("devices", () => {
  test("everything is denied, then the harmless ones and those of the container are allowed", () => {
    give({ "devices.deny": "", "devices.allow": "" });
    assert.ok(allowDevices(cgroup, [[195, 0]]).ok);
    const [denied, allowed] = written("devices.deny", "devices.allow");
    assert.equal(denied, "a");
    // A plain file takes the rules, each a write of its own, one behind the other.
    assert.match(allowed ?? "", /^c \*:\* mb \*:\* mc 1:3 rwm.*c 195:0 rwm$/);
    assert.equal(allowDevices(join(cgroup, "gone"), []).ok, false);
  });
});

describe("disk traffic", () => {
  const read = (value: bigint) => ({ op: "READ", value }) as const;

  test("v1 has a line for each device and operation, and a sum that is no device's", () => {
    const amounts = parseBlkio("254:0 Read 4096\n254:0 Write 0\n254:0 Total 4096\nTotal 4096\n");
    const operations = [read(4096n), { op: "WRITE", value: 0n }, { op: "TOTAL", value: 4096n }];
    assert.deepEqual([...amounts], [["254:0", operations]]);
    assert.deepEqual([...parseBlkio("Total 0\n")], []);
  });

  test("v2 has a line for each device", () => {
    give({ "io.stat": "254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n" });
    assert.deepEqual(controller("blkio", 2).usage(cgroup), {
      ok: true,
      value: {
        blkio_statistics: {
          throttling: [
            {
              device: { major_number: 254n, minor_number: 0n },
              io_serviced: [read(1n), { op: "WRITE", value: 2n }, { op: "DISCARD", value: 0n }],
              io_service_bytes: [
                read(4096n),
                { op: "WRITE", value: 8192n },
                { op: "DISCARD", value: 0n },
              ],
            },
          ],
        },
      },
    });
    assert.deepEqual([...parseIoStat("").bytes], []);
  });
});

test("whoever may use more memory than it asked for is ended before others", () => {
  const score = (memoryRequestBytes?: number) =>
    outOfMemoryScore(
      { cpusRequest: 1, ...(memoryRequestBytes !== undefined && { memoryRequestBytes }) },
      1_000,
    );
  assert.deepEqual([score(), score(1), score(500), score(1_000)], [0, 999, 500, 3]);
});
