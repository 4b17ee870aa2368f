import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { MountedVolume } from "../../../agent/core/volumes.ts";
import {
  linkVolumes,
  makeVolume,
  removeVolume,
  sweepRemovedVolumes,
  volumeMounts,
} from "../../../agent/shell/volumes.ts";
import { defined } from "../../../worker/std/assert.ts";

const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

function folders(): { work: string; sandbox: string } {
  const work = mkdtempSync(join(tmpdir(), "rimrock-volumes-"));
  made.push(work);
  const sandbox = join(work, "sandbox");
  mkdirSync(sandbox);
  return { work, sandbox };
}

function volume(containerPath: string, more: Partial<MountedVolume> = {}): MountedVolume {
  return { role: "r", persistenceId: "v", containerPath, shared: false, readOnly: false, ...more };
}

function link(work: string, sandbox: string, ...volumes: MountedVolume[]): string | undefined {
  const linked = linkVolumes(work, sandbox, { volumes, account: undefined });
  return linked.ok ? undefined : linked.error;
}

test("what one task writes to its volume, the next one reads", () => {
  const { work, sandbox } = folders();
  const next = join(work, "next");
  mkdirSync(next);
  expect(link(work, sandbox, volume("a/data"))).toBeUndefined();
  writeFileSync(join(sandbox, "a/data/file"), "kept");
  expect(link(work, next, volume("elsewhere"))).toBeUndefined();
  expect(readFileSync(join(next, "elsewhere/file"), "utf8")).toBe("kept");
  expect(readdirSync(join(work, "volumes/roles/r/v"))).toEqual(["file"]);
});

test("a role below another one has its volumes beside, not inside", () => {
  const { work, sandbox } = folders();
  link(work, sandbox, volume("data", { role: "a/b" }));
  expect(existsSync(join(work, "volumes/roles/a b/v"))).toBe(true);
});

test("a volume at an absolute path is made, and left to the container's own mounts", () => {
  const { work, sandbox } = folders();
  expect(link(work, sandbox, volume("/data"))).toBeUndefined();
  expect(readdirSync(sandbox)).toEqual([]);
  const path = join(work, "volumes/roles/r/v");
  expect(volumeMounts(work, [volume("/data"), volume("data", { readOnly: true })])).toEqual({
    agentFolders: [
      { path, readOnly: false },
      { path, readOnly: true },
    ],
    volumes: [{ containerPath: "/data", readOnly: false, source: { kind: "AGENT", path } }],
  });
});

test.each(["../data", "a/../../data", "", "."])("a volume at '%s' is refused", (path) => {
  const { work, sandbox } = folders();
  expect(link(work, sandbox, volume(path))).toMatch(/relative path has to stay inside/);
  expect(readdirSync(sandbox)).toEqual([]);
});

test("a volume below a link is refused: the link may lead anywhere", () => {
  const { work, sandbox } = folders();
  const outside = join(work, "outside");
  mkdirSync(outside);
  symlinkSync(outside, join(sandbox, "a"));
  expect(link(work, sandbox, volume("a/data"))).toMatch(/EEXIST/);
  expect(readdirSync(outside)).toEqual([]);
});

test("a volume cannot be where the sandbox has something else already", () => {
  const { work, sandbox } = folders();
  writeFileSync(join(sandbox, "data"), "");
  expect(link(work, sandbox, volume("data"))).toMatch(/EEXIST/);
});

test.each(["..", ".", "a/b", ""])("no volume is named '%s'", (persistenceId) => {
  const { work } = folders();
  expect(makeVolume(work, { role: "r", persistenceId }).ok).toBe(false);
  expect(removeVolume(work, { role: "r", persistenceId }).ok).toBe(false);
});

test("a destroyed volume is empty when it is made again, and links in it are not followed", () => {
  const { work, sandbox } = folders();
  const precious = join(work, "precious");
  mkdirSync(precious);
  writeFileSync(join(precious, "file"), "");
  link(work, sandbox, volume("data"));
  symlinkSync(precious, join(sandbox, "data/link"));
  writeFileSync(join(sandbox, "data/file"), "");
  expect(removeVolume(work, volume("data")).ok).toBe(true);
  expect(removeVolume(work, volume("data")).ok, "twice").toBe(true);
  const again = makeVolume(work, volume("data"));
  expect(again.ok && readdirSync(again.value)).toEqual([]);
  expect(readdirSync(precious)).toEqual(["file"]);
  // The dangling link of a task that has ended shows the new volume, as a mount would.
  expect(lstatSync(join(sandbox, "data")).isSymbolicLink()).toBe(true);
});

test("what a crash left of a destroyed volume is deleted at the next start", async () => {
  const { work } = folders();
  const left = join(work, "volumes/removed/x");
  mkdirSync(join(left, "deep"), { recursive: true });
  await sweepRemovedVolumes(work);
  expect(existsSync(left)).toBe(false);
});

test("a volume's owner is the task's user; a shared one keeps its own", () => {
  if (process.geteuid?.() !== 0) return;
  const { work, sandbox } = folders();
  const account = { userId: 65534, groupId: 65534 };
  const volumes = [volume("a/mine"), volume("ours", { persistenceId: "s", shared: true })];
  expect(linkVolumes(work, sandbox, { volumes, account }).ok).toBe(true);
  const owner = (id: string) =>
    defined(lstatSync(join(work, "volumes/roles/r", id), { throwIfNoEntry: false }), id).uid;
  expect([owner("v"), owner("s")]).toEqual([65534, 0]);
  expect(lstatSync(join(sandbox, "a")).uid).toBe(65534);
});
