/** What another machine calls its files leads nowhere but where it was asked for. */
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fetchFile } from "../../../agent/cli/fetch-file.ts";
import { makeFolder, PART_SUFFIX, pathIn } from "../../../agent/cli/local-folder.ts";
import { Operator } from "../../../worker/sdk/operator.ts";
import { FakeFiles } from "../fake-files.ts";
import { MASTER_URL } from "../fake-master.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "rimrock-get-"));

test.each(["..", ".", "", "a/b", "/etc/passwd", "a\0b"])("a file called %j is refused", (name) => {
  expect(pathIn("here", name).ok).toBe(false);
});

test("a folder that is a link here, or a file, is not written into", () => {
  const here = folder();
  symlinkSync("/tmp", join(here, "link"));
  writeFileSync(join(here, "file"), "");
  expect(makeFolder(join(here, "link"))).toMatchObject({ ok: false });
  expect(makeFolder(join(here, "file"))).toMatchObject({ ok: false });
  expect(makeFolder(join(here, "new/inner"))).toMatchObject({ ok: true });
});

function fetching(content: string) {
  const files = new FakeFiles();
  files.write("/f", content);
  const operator = new Operator({ master: MASTER_URL, transport: files.transport });
  const to = join(folder(), "f");
  const size = BigInt(content.length);
  const file = { path: "/f", size, mode: 0o100640, mtime: { nanoseconds: 5_000_000_000n } };
  const fetch = (force = false) =>
    fetchFile(operator, { agentId: "A1", file, to, force }, () => {});
  return { fetch, to };
}

test("a file comes whole, and a second time not at all", async () => {
  const content = "x".repeat(200_000);
  const { fetch, to } = fetching(content);
  expect(await fetch()).toEqual({ ok: true, value: { bytes: 200_000, wasHere: false } });
  expect(readFileSync(to, "utf8")).toBe(content);
  expect(await fetch()).toEqual({ ok: true, value: { bytes: 0, wasHere: true } });
});

test("what was broken off goes on, unless it is not how the file begins", async () => {
  const content = Array.from({ length: 30_000 }, (_, at) => at).join(" ");
  const { fetch, to } = fetching(content);
  writeFileSync(`${to}${PART_SUFFIX}`, content.slice(0, 100_000));
  const resumed = await fetch();
  expect(resumed).toEqual({ ok: true, value: { bytes: content.length - 100_000, wasHere: false } });
  expect(readFileSync(to, "utf8")).toBe(content);
  writeFileSync(`${to}${PART_SUFFIX}`, "something else");
  expect(await fetch(true)).toEqual({ ok: true, value: { bytes: content.length, wasHere: false } });
  expect(readFileSync(to, "utf8")).toBe(content);
});

test("a file that is here and differs stays, unless it may be replaced", async () => {
  const { fetch, to } = fetching("theirs");
  writeFileSync(to, "mine");
  expect(await fetch()).toMatchObject({ ok: false, error: expect.stringContaining("--force") });
  expect(readFileSync(to, "utf8")).toBe("mine");
  await fetch(true);
  expect(readFileSync(to, "utf8")).toBe("theirs");
});

test("a link in the file's place is replaced, and what it leads to stays", async () => {
  const { fetch, to } = fetching("theirs");
  const victim = join(folder(), "victim");
  writeFileSync(victim, "mine");
  symlinkSync(victim, to);
  expect(await fetch()).toMatchObject({ ok: false });
  await fetch(true);
  expect([readFileSync(to, "utf8"), readFileSync(victim, "utf8")]).toEqual(["theirs", "mine"]);
  mkdirSync(`${to}-2`);
  symlinkSync(victim, `${to}${PART_SUFFIX}`);
  expect(await fetch(true)).toMatchObject({ ok: false });
  expect(readFileSync(victim, "utf8")).toBe("mine");
});
