import { expect, test } from "vitest";
import {
  linkLeaves,
  memberObjection,
  tarMember,
  zipMember,
} from "../../../../agent/shell/fetcher/members.ts";

const tar = (line: string) => {
  const member = tarMember(line);
  return "name" in member ? memberObjection(member) : member.kind;
};

test("a list of tar is read line by line, of GNU and of busybox", () => {
  expect(tarMember("-rw-r--r-- root/root  3 2026-11-21 18:02 a b.txt")).toEqual({
    kind: "FILE",
    bytes: 3,
    name: "a b.txt",
  });
  expect(tarMember("lrwxrwxrwx root/root 0 2026-11-21 18:02:26 a -> b")).toMatchObject({
    kind: "LINK",
    name: "a",
    readings: [{ name: "a", target: "b" }],
  });
  expect(tarMember("brw-r--r-- root/root 8,0 2026-11-21 18:02 disk")).toMatchObject({
    kind: "OTHER",
  });
  expect(tarMember("Vrw-r--r-- 0/0 0 1970-01-01 00:00 x--Volume Header--")).toEqual({
    kind: "UNCLEAR",
  });
});

test("a list of unzip is read past its head and its foot", () => {
  const lines = [
    "Archive:  x.zip",
    "Zip file size: 586 bytes, number of entries: 4",
    "-rw-r--r--  3.0 unx       12 tx stor 26-Nov-21 18:02 a b.txt",
    "lrwxrwxrwx  3.0 unx       11 bx stor 26-Nov-21 18:02 evil",
    "4 files, 22 bytes uncompressed, 22 bytes compressed:  0.0%",
  ];
  expect(lines.map(zipMember)).toEqual([
    { kind: "REST" },
    { kind: "REST" },
    { kind: "FILE", bytes: 12, name: "a b.txt" },
    { kind: "LINK", bytes: 11, name: "evil" },
    { kind: "REST" },
  ]);
});

test("what would leave the sandbox is refused, member and link alike", () => {
  const refused = [
    "-rw-r--r-- r/r 3 2026-11-21 18:02 /etc/passwd",
    "-rw-r--r-- r/r 3 2026-11-21 18:02 a/../../b",
    "lrwxrwxrwx r/r 0 2026-11-21 18:02 a -> /etc/passwd",
    "lrwxrwxrwx r/r 0 2026-11-21 18:02 a/b -> ../../c",
    "lrwxrwxrwx r/r 0 2026-11-21 18:02 a -> ..",
    "hrw-r--r-- r/r 0 2026-11-21 18:02 a link to ../b",
    "hrw-r--r-- r/r 0 2026-11-21 18:02 a link to /etc/shadow",
    "crw-r--r-- r/r 1,3 2026-11-21 18:02 null",
  ];
  for (const line of refused) expect(tar(line), line).toMatch(/leave the sandbox|device/);
});

test("links within the sandbox are taken", () => {
  const taken = [
    "lrwxrwxrwx r/r 0 2026-11-21 18:02 d/up -> ../a.txt",
    "lrwxrwxrwx r/r 0 2026-11-21 18:02 ./lib/x -> y/../z",
    "hrw-r--r-- r/r 0 2026-11-21 18:02 hard link to a.txt",
  ];
  for (const line of taken) expect(tar(line), line).toBeUndefined();
});

test("an arrow in a name hides no link", () => {
  // Read as `a` → `b -> /etc`, or as `a -> b` → `/etc`.
  expect(linkLeaves("a", "b -> /etc")).toBe(false);
  expect(tar("lrwxrwxrwx r/r 0 2026-11-21 18:02 a -> b -> /etc")).toMatch(/leave/);
});
