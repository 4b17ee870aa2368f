import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { ContainerId } from "../../../../agent/containerizer/containerizer.ts";
import type { CompletedRunRow, RunRow } from "../../../../agent/core/rows.ts";
import type { AgentState } from "../../../../agent/core/state.ts";
import { sandboxPath } from "../../../../agent/shell/sandbox.ts";
import { SandboxCollector } from "../../../../agent/shell/upkeep/sandbox-collector.ts";
import type { Change } from "../../../../worker/std/table.ts";
import { requirement } from "../../../support/require.ts";

const DAY_MS = 86_400_000;
const NOW_MS = 1_000 * DAY_MS;
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** Rows that it looks at, as far as it does. */
function lab(options: { usage?: number; delayMs?: number; headroom?: number } = {}) {
  const workDirectory = mkdtempSync(join(tmpdir(), "rimrock-collector-"));
  cleanups.push(() => rmSync(workDirectory, { recursive: true, force: true }));
  const run = new Map<string, RunRow>();
  const completedRun = new Map<string, CompletedRunRow>();
  const disk = { usage: options.usage ?? 0 };
  const said: string[] = [];
  // Three tables of a state are all that it reads.
  const state = { run, completedRun, executor: new Map() } as unknown as AgentState;
  const collector = new SandboxCollector({
    workDirectory,
    metaDirectory: join(workDirectory, "meta"),
    state,
    delayMs: options.delayMs ?? 10 * DAY_MS,
    headroom: options.headroom ?? 0,
    log: (line) => said.push(line),
    nowMs: () => NOW_MS,
    diskUsage: async () => disk.usage,
  });
  const make = (containerId: string, executorId = "e"): string => {
    const place = { agentId: "a", frameworkId: "f", executorId, containerId };
    const path = sandboxPath(workDirectory, place);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "stdout"), "x");
    rmSync(join(dirname(path), "latest"), { force: true });
    symlinkSync(containerId, join(dirname(path), "latest"));
    return path;
  };
  const end = (containerId: string, daysAgo: number, more: Partial<CompletedRunRow> = {}) => {
    const row = {
      ...{ containerId, agentId: "a", frameworkId: "f", executorId: "e" },
      endedMs: NOW_MS - daysAgo * DAY_MS,
      ...more,
      // As much of a row as it reads.
    } as unknown as CompletedRunRow;
    completedRun.set(containerId, row);
    const change = { table: "completedRun", before: undefined, after: row };
    collector.follow([change as unknown as Change]);
  };
  return { workDirectory, run, collector, make, end, disk, said };
}

describe("age", () => {
  test("a sandbox goes when it is as old as allowed, and not a day before", async () => {
    const { collector, make, end } = lab();
    const [old, young] = [make("old"), make("young")];
    end("old", 10);
    end("young", 9);
    await collector.collect();
    expect([existsSync(old), existsSync(young)]).toEqual([false, true]);
    expect([collector.succeeded, collector.pending]).toEqual([1, 1]);
  });

  test("a fuller disk allows less; at the headroom nothing that ended stays", async () => {
    const { collector, make, end, disk } = lab({ headroom: 0.1 });
    const path = make("c");
    end("c", 5);
    disk.usage = 0.3;
    await collector.collect();
    expect(collector.ageAllowedMs).toBeCloseTo(6 * DAY_MS);
    expect(existsSync(path)).toBe(true);
    disk.usage = 0.4;
    await collector.collect();
    expect(existsSync(path)).toBe(false);
    const other = make("d");
    end("d", 0);
    disk.usage = 0.95;
    await collector.collect();
    expect(existsSync(other)).toBe(false);
  });

  test("the oldest goes first, and the next stays when that made room enough", async () => {
    const { collector, make, end, disk } = lab();
    const [older, newer] = [make("older"), make("newer")];
    end("newer", 3);
    end("older", 4);
    disk.usage = 0.8;
    Object.defineProperty(disk, "usage", { get: () => (existsSync(older) ? 0.8 : 0.5) });
    await collector.collect();
    expect([existsSync(older), existsSync(newer)]).toEqual([false, true]);
  });
});

describe("what stays", () => {
  test("a sandbox in which something lives", async () => {
    const { collector, make, end, run } = lab();
    const path = make("executor");
    end("done", 100, { parentId: "executor" as ContainerId });
    // The only thing it reads of a run.
    run.set("other", { parentId: "executor" } as unknown as RunRow);
    await collector.collect();
    expect(existsSync(path)).toBe(true);
    run.clear();
    await collector.collect();
    expect(existsSync(path)).toBe(false);
  });

  test("what links in it point to", async () => {
    const { collector, make, end, workDirectory } = lab();
    const path = make("c");
    const volume = join(workDirectory, "volumes/v");
    mkdirSync(volume, { recursive: true });
    writeFileSync(join(volume, "precious"), "x");
    symlinkSync(volume, join(path, "volume"));
    end("c", 100);
    await collector.collect();
    expect(existsSync(path)).toBe(false);
    expect(existsSync(join(volume, "precious"))).toBe(true);
  });

  const root = requirement("root");
  test.skipIf(root.missing)(root.title("a sandbox with something mounted in it"), async () => {
    const { collector, make, end, workDirectory, said } = lab();
    const path = make("c");
    const volume = join(workDirectory, "volumes/v w");
    mkdirSync(volume, { recursive: true });
    writeFileSync(join(volume, "precious"), "x");
    const point = join(path, "in here");
    mkdirSync(point);
    execFileSync("mount", ["--bind", volume, point]);
    cleanups.push(() => execFileSync("umount", [point]));
    end("c", 100);
    await collector.collect();
    expect(existsSync(join(volume, "precious"))).toBe(true);
    expect(collector.failed).toBe(1);
    expect(said[0]).toMatch(/cannot remove the sandbox .*: .*\/in here is mounted in it$/);
  });
});

describe("around it", () => {
  test("latest and the folders above go with the last of their sandboxes", async () => {
    const { collector, make, end, workDirectory } = lab();
    const first = make("c1");
    const second = make("c2");
    end("c1", 100);
    await collector.collect();
    expect(readdirSync(dirname(second)).sort()).toEqual(["c2", "latest"]);
    expect(existsSync(first)).toBe(false);
    end("c2", 100);
    await collector.collect();
    expect(readdirSync(join(workDirectory, "slaves"))).toEqual([]);
  });

  test("what earlier processes left is found: by its end, or by when it last changed", async () => {
    const { collector, make, end } = lab();
    const [known, unknown, fresh] = [make("known"), make("unknown", "e2"), make("fresh", "e3")];
    end("known", 9);
    const tenDaysAgo = (NOW_MS - 10 * DAY_MS) / 1_000;
    utimesSync(unknown, tenDaysAgo, tenDaysAgo);
    utimesSync(known, tenDaysAgo, tenDaysAgo);
    await collector.scan();
    expect(collector.pending).toBe(3);
    utimesSync(fresh, tenDaysAgo, tenDaysAgo);
    await collector.collect();
    expect([known, unknown, fresh].map((path) => existsSync(path))).toEqual([true, false, true]);
  });

  test("half a removal is finished by the next process", async () => {
    const { collector, workDirectory } = lab();
    const trash = join(workDirectory, "meta/trash");
    mkdirSync(join(trash, "left/deep"), { recursive: true });
    await collector.scan();
    expect(readdirSync(trash)).toEqual([]);
    expect(lstatSync(trash).isDirectory()).toBe(true);
  });
});
