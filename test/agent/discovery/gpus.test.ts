/** GPUs are found through nvidia-smi: here through a program that answers as it does. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { discoverGpus, parseMinorNumbers } from "../../../agent/discovery/gpus.ts";

const ANSWER = `
==============NVSMI LOG==============

Driver Version                            : 535.183.01
Attached GPUs                             : 2
GPU 00000000:00:1B.0
    Product Name                          : Tesla T4
    GPU UUID                              : GPU-0f1b2c3d
    Minor Number                          : 1
GPU 00000000:00:1C.0
    Minor Number                          : 0
    VBIOS Version                         : 90.04.38.00.03
`;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "rimrock-gpus-"));
  for (const name of ["nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"]) {
    writeFileSync(join(folder, name), "");
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const ask = (path: string, chosen?: readonly number[]) =>
  discoverGpus({ program: path, deviceDirectory: folder, chosen });

test("each GPU comes with its own device file and those that all share", async () => {
  const path = program("smi", `[ "$*" = -q ] && cat <<'END'\n${ANSWER}\nEND`);
  const files = (name: string) =>
    [name, "nvidiactl", "nvidia-uvm"].map((each) => ({ name: each, path: join(folder, each) }));
  expect(await ask(path)).toEqual({
    ok: true,
    value: [
      { minor: 1, uuid: "GPU-0f1b2c3d", files: files("nvidia1") },
      { minor: 0, files: files("nvidia0") },
    ],
  });
  expect(await ask(path, [0])).toEqual({
    ok: true,
    value: [{ minor: 0, files: files("nvidia0") }],
  });
  expect(await ask(path, [7])).toEqual({
    ok: false,
    error: "there is no GPU 7 on this machine (nvidia-smi knows 1, 0)",
  });
});

test("without nvidia-smi there are no GPUs; one that fails is told", async () => {
  expect(await ask("/no/such/nvidia-smi")).toEqual({ ok: true, value: [] });
  const failing = program("failing", "echo 'cannot talk to the driver' >&2; exit 9");
  expect(await ask(failing)).toMatchObject({
    ok: false,
    error: "nvidia-smi fails (cannot talk to the driver); look after the driver",
  });
});

test("an answer without GPUs names none", () => {
  expect(parseMinorNumbers("No devices were found\n")).toEqual([]);
  expect(parseMinorNumbers("    Minor Number                          : N/A\n")).toEqual([]);
});
