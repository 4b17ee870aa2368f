import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { expect, test } from "vitest";
import { openLogFile } from "../../agent/dev/log-file.ts";

test("a log on a full disk loses its lines and fails nobody", async () => {
  const log = openLogFile("/dev/full");
  for (let line = 0; line < 3; line++) log.write("lost\n");
  log.end();
  await expect(finished(log)).resolves.toBeUndefined();
});

test("a log goes on at the end of what is there", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "rimrock-log-")), "a.log");
  for (const line of ["one\n", "two\n"]) {
    const log = openLogFile(path);
    log.end(line);
    await finished(log);
  }
  expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
});
