import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { ContainerId } from "../../../agent/containerizer/containerizer.ts";
import type { CompletedRunRow, StoredRows } from "../../../agent/core/rows.ts";
import { noRows } from "../../../agent/core/state.ts";
import { Checkpoint, describeCheckpointError } from "../../../agent/shell/checkpoint.ts";
import type { AgentId, ExecutorId, FrameworkId, TaskId } from "../../../worker/protocol/ids.ts";
import { assert } from "../../../worker/std/assert.ts";
import type { Change } from "../../../worker/std/table.ts";

const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "rimrock-checkpoint-"));
  made.push(path);
  return path;
}

function row(seq: number, frameworkId = "f"): CompletedRunRow {
  return {
    seq,
    containerId: `c${seq}` as ContainerId,
    agentId: "a" as AgentId,
    frameworkId: frameworkId as FrameworkId,
    taskId: "t" as TaskId,
    executorId: "e" as ExecutorId,
    runNumber: String(seq),
    endedMs: 1,
  };
}

const put = (one: CompletedRunRow): Change => ({
  table: "completedRun",
  key: one.containerId,
  before: undefined,
  after: one,
});
const remove = (one: CompletedRunRow): Change => ({ ...put(one), before: one, after: undefined });

function opened(path: string): { checkpoint: Checkpoint; rows: StoredRows } {
  const result = Checkpoint.open(path);
  assert(result.ok, result.ok ? "" : describeCheckpointError(result.error));
  return result.value;
}

/** Opens, commits each list of changes, closes. */
function commit(path: string, ...turns: Change[][]): void {
  const { checkpoint } = opened(path);
  for (const changes of turns) {
    const done = checkpoint.commit(changes, { sync: true, save: () => noRows });
    assert(done.ok, "the commit succeeds");
  }
  checkpoint.close();
}

/** Numbers of the rows on disk. */
function stored(path: string): number[] {
  const { checkpoint, rows } = opened(path);
  checkpoint.close();
  return rows.completedRun.map(({ seq }) => seq);
}

test("what was committed is there again, in any life", () => {
  const path = directory();
  expect(stored(path)).toEqual([]);
  commit(path, [put(row(1)), put(row(2))], [remove(row(1))]);
  commit(path, [put(row(3)), put(row(2, "other"))]);
  const { rows, checkpoint } = opened(path);
  checkpoint.close();
  expect(rows.completedRun).toEqual([row(2, "other"), row(3)]);
});

test("a commit torn at any byte is as if it never was, and the next one holds", () => {
  const path = directory();
  commit(path, [put(row(1))]);
  const journal = join(path, "journal-0");
  const whole = readFileSync(journal).length;
  commit(path, [put(row(2)), put(row(3))]);
  const bytes = readFileSync(journal);
  for (let length = whole; length < bytes.length; length++) {
    writeFileSync(journal, bytes.subarray(0, length));
    expect(stored(path), `cut at ${length}`).toEqual([1]);
    expect(readFileSync(journal).length).toBe(whole);
  }
  commit(path, [put(row(4))]);
  expect(stored(path)).toEqual([1, 4]);
});

test("a last line of rubbish, as a machine that lost power may leave, is cut off", () => {
  const path = directory();
  commit(path, [put(row(1))]);
  appendFileSync(join(path, "journal-0"), `${"\0".repeat(500)}\n`);
  expect(stored(path)).toEqual([1]);
});

test("damage before the end is refused with the place and what to do", () => {
  const path = directory();
  commit(path, [put(row(1))], [put(row(2))], [put(row(3))]);
  const journal = join(path, "journal-0");
  const text = readFileSync(journal, "utf8").split("\n");
  text[1] = (text[1] ?? "").replace('"e"', '"x"');
  writeFileSync(journal, text.join("\n"));
  const result = Checkpoint.open(path);
  expect(result).toMatchObject({ ok: false, error: { code: "DAMAGED", line: 2 } });
  assert(!result.ok, "it is refused");
  expect(describeCheckpointError(result.error)).toMatch(
    /journal-0 is damaged at line 2; .*--work-dir/,
  );
});

test("a damaged snapshot, and one of another format, are refused", () => {
  const path = directory();
  commit(path, [put(row(1))]);
  truncateSync(join(path, "snapshot"), 20);
  expect(Checkpoint.open(path)).toMatchObject({ ok: false, error: { code: "DAMAGED" } });
});

test("a long journal becomes a snapshot; what a crash on the way leaves is swept", () => {
  const path = directory();
  const { checkpoint } = opened(path);
  const rows: StoredRows = { ...noRows, completedRun: [row(1)] };
  const long = put(row(1, "x".repeat(600_000)));
  for (let turn = 0; turn < 2; turn++)
    assert(checkpoint.commit([long], { sync: true, save: () => rows }).ok, "it is kept");
  expect(readdirSync(path).sort()).toEqual(["journal-1", "snapshot"]);
  assert(checkpoint.commit([put(row(2))], { sync: true, save: () => rows }).ok, "it is kept");
  checkpoint.close();
  // A crash between the snapshot's rename and the removal of the old journal; and before the
  // rename.
  writeFileSync(join(path, "journal-0"), "old");
  writeFileSync(join(path, "snapshot.new"), "half");
  expect(stored(path)).toEqual([1, 2]);
  expect(readdirSync(path)).not.toContain("journal-0");
});

test("a folder that cannot be written is an error with its path", () => {
  const path = directory();
  mkdirSync(join(path, "snapshot"));
  expect(Checkpoint.open(path)).toMatchObject({
    ok: false,
    error: { code: "FILE_FAILED", path: join(path, "snapshot") },
  });
});
