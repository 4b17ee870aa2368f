/** A work directory on a disk of its own, of a few megabytes, which the tests fill on purpose. */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { CompletedRunRow } from "../../../agent/core/rows.ts";
import { noRows } from "../../../agent/core/state.ts";
import { Checkpoint, isForRoom } from "../../../agent/shell/checkpoint.ts";
import { assert } from "../../../worker/std/assert.ts";
import type { Change } from "../../../worker/std/table.ts";
import { requirement } from "../../support/require.ts";
import { endMasters, newMaster } from "./agent-lab.ts";
import { cleanUp, startAgent, temporaryDirectory } from "./agent-process.ts";

const root = requirement("root");
const mounted: string[] = [];
afterEach(async () => {
  for (const path of mounted) rmSync(join(path, "filler"), { force: true });
  await endMasters();
  await cleanUp(() => {
    for (const path of mounted.splice(0)) execFileSync("umount", ["--lazy", path]);
  });
});

function smallDisk(megabytes: number): string {
  const path = temporaryDirectory();
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path]);
  mounted.push(path);
  return path;
}

/** To the last byte. */
function fill(path: string): void {
  const file = openSync(join(path, "filler"), "a");
  try {
    for (const length of [65_536, 1]) {
      const bytes = Buffer.alloc(length, "x");
      while (writeOrStop(file, bytes));
    }
  } finally {
    closeSync(file);
  }
}

function writeOrStop(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) > 0;
  } catch {
    return false;
  }
}

const empty = (path: string): void => rmSync(join(path, "filler"));

function rowOf(seq: number, text = "f"): CompletedRunRow {
  // Only its key and its size matter here.
  return { seq, containerId: `c${seq}`, frameworkId: text } as unknown as CompletedRunRow;
}

function put(row: CompletedRunRow): Change {
  return { table: "completedRun", key: row.containerId, before: undefined, after: row };
}

describe.skipIf(root.missing)(root.title("a checkpoint on a full disk"), () => {
  /** The room for `bytes` is kept aside by a process of its own. */
  async function reserved(path: string, bytes: number): Promise<void> {
    const { blocks, bsize } = statfsSync(path);
    const used = () => blocks * bsize - statfsSync(path).bavail * bsize;
    for (let tries = 0; used() < bytes && tries < 500; tries++) await sleep(10);
    expect(used()).toBeGreaterThanOrEqual(bytes);
  }

  test("takes commits from its reserve; then refuses one, leaves nothing of it, and takes it later", async () => {
    const path = smallDisk(8);
    const opened = Checkpoint.open(path);
    assert(opened.ok, "it opens");
    const { checkpoint } = opened.value;
    await reserved(path, 1_000_000);
    fill(path);
    fill(path);
    const rows: CompletedRunRow[] = [];
    const commit = () => {
      const row = rowOf(rows.length, "x".repeat(20_000));
      const save = () => ({ ...noRows, completedRun: [...rows, row] });
      const committed = checkpoint.commit([put(row)], { sync: true, save });
      if (committed.ok) rows.push(row);
      return committed;
    };
    let refused = commit();
    while (refused.ok) refused = commit();
    expect(rows.length).toBeGreaterThan(40);
    expect(isForRoom(refused.error)).toBe(true);
    expect(commit().ok).toBe(false);
    empty(path);
    expect(commit().ok).toBe(true);
    checkpoint.close();
    const again = Checkpoint.open(path);
    assert(again.ok, "what was refused left no torn line");
    expect(again.value.rows.completedRun).toEqual(rows);
    again.value.checkpoint.close();
  });

  test("goes on with the long journal when there is no room for a snapshot", async () => {
    const path = smallDisk(8);
    const opened = Checkpoint.open(path);
    assert(opened.ok, "it opens");
    const { checkpoint } = opened.value;
    const half = rowOf(1, "x".repeat(600_000));
    const how = { sync: true, save: () => ({ ...noRows, completedRun: [half] }) };
    expect(checkpoint.commit([put(half)], how).ok).toBe(true);
    await reserved(path, 1_600_000);
    fill(path);
    for (const row of [half, rowOf(2)]) expect(checkpoint.commit([put(row)], how).ok).toBe(true);
    expect(readdirSync(path).sort()).toEqual(["filler", "journal-0", "snapshot"]);
    checkpoint.close();
    const again = Checkpoint.open(path);
    assert(again.ok, "it opens again");
    expect(again.value.rows.completedRun.map(({ seq }) => seq)).toEqual([1, 2]);
    again.value.checkpoint.close();
  });
});

describe.skipIf(root.missing)(root.title("an agent on a full disk"), () => {
  async function agentOnSmallDisk() {
    const master = await newMaster();
    const workDirectory = smallDisk(8);
    const more = ["--containerizer", "process", "--gc-disk-headroom", "0"];
    const args = ["--master", master.url, "--work-dir", workDirectory, ...more];
    const agent = await startAgent(args);
    await master.until("the agent registers", () => master.registrations[0]);
    return { master, workDirectory, args, agent };
  }

  test("ends tasks, tells of it and hears of acknowledgements; what needs room fails and says why", async () => {
    const { master, workDirectory, agent } = await agentOnSmallDisk();
    master.run("killed", "exec sleep 1000");
    master.run("ends", "sleep 1; exit 3");
    await master.state("killed", "TASK_RUNNING");
    await master.state("ends", "TASK_RUNNING");
    fill(workDirectory);
    const ids = { framework_id: { value: "f1" }, task_id: { value: "killed" } };
    master.send({ type: "KILL_TASK", kill_task: { ...ids, run_number: 1n } });
    await master.state("killed", "TASK_KILLED");
    expect((await master.state("ends", "TASK_FAILED")).message).toMatch(/exited with status 3/);
    // What the two have left behind them is room again.
    const records = () => readdirSync(join(workDirectory, "meta/runtime"));
    const areGone = () => records().every((name) => name.startsWith(".")) || undefined;
    await master.until("their records go", areGone);
    fill(workDirectory);
    master.run("new", "echo data >file || exit 9");
    const { message } = await master.state("new", "TASK_FAILED");
    expect(message).toMatch(/before it started|ENOSPC|exited with status 9/);
    empty(workDirectory);
    master.run("later", "true");
    await master.state("later", "TASK_FINISHED");
    expect(agent.child.exitCode).toBe(null);
  });

  test("starts on it, and finds its tasks", async () => {
    const { master, workDirectory, args, agent } = await agentOnSmallDisk();
    const gate = join(temporaryDirectory(), "gate");
    master.run("t1", `while [ ! -e ${gate} ]; do sleep 0.1; done; exit 4`);
    await master.state("t1", "TASK_RUNNING");
    agent.child.kill("SIGKILL");
    await agent.ended;
    fill(workDirectory);
    const next = await startAgent(args);
    await master.until("it registers", () => master.registrations[1]);
    expect(next.log()).toMatch(/recovered 1 running of 1 tasks/);
    writeFileSync(gate, "");
    expect((await master.state("t1", "TASK_FAILED")).message).toMatch(/exited with status 4/);
  });

  test("waits when nothing can be written down any more, goes on by itself, and runs nothing twice", async () => {
    const { master, workDirectory, agent } = await agentOnSmallDisk();
    const ran = join(temporaryDirectory(), "ran");
    master.run("t1", `echo t1 >> ${ran}; exec sleep 1000`);
    await master.state("t1", "TASK_RUNNING");
    fill(workDirectory);
    // More than the reserve: what cannot be launched is written down too.
    const label = { key: "k", value: "x".repeat(20_000) };
    for (let at = 0; at < 70; at++) {
      master.run(`big${at}`, `echo big${at} >> ${ran}`, { labels: { labels: [label] } });
    }
    await master.until(
      "it waits",
      () => /waits for room on the disk/.test(agent.log()) || undefined,
    );
    const before = master.acknowledged;
    await sleep(1_500);
    expect(master.acknowledged).toBe(before);
    expect(agent.log().match(/waits for room/g)).toHaveLength(1);
    empty(workDirectory);
    for (let at = 0; at < 70; at++) {
      await master.until(
        `big${at} ends`,
        () => /TASK_(FINISHED|FAILED)/.test(master.statesOf(`big${at}`).at(-1) ?? "") || undefined,
      );
    }
    expect(agent.log()).toMatch(/there is room on the disk again/);
    expect(master.statesOf("t1")).toEqual(["TASK_STARTING", "TASK_RUNNING"]);
    const lines = readFileSync(ran, "utf8").trim().split("\n");
    expect(new Set(lines).size).toBe(lines.length);
    for (let at = 0; at < 70; at++) {
      const finished = master.statesOf(`big${at}`).at(-1) === "TASK_FINISHED";
      expect(lines.includes(`big${at}`), `big${at}`).toBe(finished);
    }
    expect(agent.child.exitCode).toBe(null);
  });

  test("ends when it is told to while it waits", async () => {
    const { master, workDirectory, agent } = await agentOnSmallDisk();
    fill(workDirectory);
    const label = { key: "k", value: "x".repeat(300_000) };
    for (let at = 0; at < 5; at++) master.run(`t${at}`, "true", { labels: { labels: [label] } });
    await master.until(
      "it waits",
      () => /waits for room on the disk/.test(agent.log()) || undefined,
    );
    agent.child.kill("SIGTERM");
    expect(await agent.ended).toEqual([0, null]);
  });
});
