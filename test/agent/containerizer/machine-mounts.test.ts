/** When a copy of the machine's mounts is as good as a new one. */
import { expect, test } from "vitest";
import { isFollowed } from "../../../agent/containerizer/supervisor/machine-mounts.ts";

const ROOT = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda rw";
const DATA = "30 22 8:2 / /data rw,relatime shared:7 - ext4 /dev/vdb rw";
const ALONE = "31 22 0:40 / /alone rw,relatime - tmpfs tmpfs rw";
const mounts = (...lines: readonly string[]): string => `${lines.join("\n")}\n`;
const before = mounts(ROOT, DATA, ALONE);

test("a copy follows what is mounted on, and unmounted from, a shared mount", () => {
  expect(isFollowed(before, before)).toBe(true);
  const late = "40 22 0:41 / /late rw - tmpfs tmpfs rw";
  const inLate = "41 30 0:42 / /data/late rw shared:9 - tmpfs tmpfs rw";
  const inNew = "42 41 0:43 / /data/late/more rw - tmpfs tmpfs rw";
  expect(isFollowed(before, mounts(ROOT, DATA, ALONE, late, inLate, inNew))).toBe(true);
  expect(isFollowed(before, mounts(ROOT, ALONE))).toBe(true);
});

test("a copy does not follow what happens on a mount that is not shared", () => {
  const late = "40 31 0:41 / /alone/late rw - tmpfs tmpfs rw";
  expect(isFollowed(before, mounts(ROOT, DATA, ALONE, late))).toBe(false);
  expect(isFollowed(mounts(ROOT, DATA, ALONE, late), before)).toBe(false);
});

test("a copy keeps the options that a mount had, and shares those of its file system", () => {
  const readOnly = DATA.replace("rw,relatime", "ro,relatime");
  expect(isFollowed(before, mounts(ROOT, readOnly, ALONE))).toBe(false);
  const readOnlyAll = DATA.replace("/dev/vdb rw", "/dev/vdb ro");
  expect(isFollowed(before, mounts(ROOT, readOnlyAll, ALONE))).toBe(true);
  expect(isFollowed(before, mounts(ROOT, DATA.replace("shared:7 ", ""), ALONE))).toBe(false);
});
