/**
 * How long a containerizer takes from the call to the command's own code: date(1), which says when
 * it looked at the clock. What an agent adds is one write of its checkpoint.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { containerId } from "../../agent/containerizer/containerizer.ts";
import { containerizers, mesosContainerizerKinds } from "../../agent/containerizer/index.ts";
import { assert } from "../../worker/std/assert.ts";
import type { Benchmark, Figure, Measured } from "./figure.ts";

const LAUNCHES = 40;
const NANOSECONDS_PER_MS = 1_000_000n;

const figures: { readonly [K in (typeof mesosContainerizerKinds)[number]]: Figure } = {
  process: {
    name: "launch → the command's first instruction, process containerizer",
    unit: "ms",
    budget: { atMost: 5 },
  },
  cgroups: {
    name: "launch → the command's first instruction, cgroups containerizer, all isolators",
    unit: "ms",
    budget: { atMost: 12 },
  },
};

export const launch: Benchmark = {
  name: "launch",
  async measure(): Promise<readonly Measured[]> {
    const measured: Measured[] = [];
    for (const kind of mesosContainerizerKinds) {
      // Without root there are no cgroups to measure; the figure is left out.
      if (kind === "cgroups" && process.geteuid?.() !== 0) continue;
      measured.push({ figure: figures[kind], samples: await samplesOf(kind) });
    }
    return measured;
  },
};

async function samplesOf(kind: keyof typeof figures): Promise<readonly number[]> {
  const directory = mkdtempSync(join(tmpdir(), "rimrock-bench-"));
  const runtimeDirectory = join(directory, "runtime");
  const options = { runtimeDirectory, cgroupRoot: "rimrock-bench", hiddenDirectory: directory };
  const containerizer = containerizers[kind].create(options);
  // Containers do not keep the process from ending.
  const hold = setInterval(() => {}, 1_000);
  try {
    await containerizer.recover([]);
    const samples: number[] = [];
    for (let count = 0; count < LAUNCHES; count++) {
      const id = containerId(`launch-${count}`);
      assert(id.ok, "the id is well formed");
      const sandboxDirectory = join(directory, id.value);
      mkdirSync(sandboxDirectory);
      const startMs = Date.now();
      const launched = await containerizer.launch({
        containerId: id.value,
        command: { shell: false, value: "date", arguments: ["date", "+%s%N"] },
        environment: { PATH: "/usr/bin:/bin" },
        sandboxDirectory,
        limits: { cpusRequest: 1_000, memoryLimitBytes: 64 * 1024 * 1024 },
      });
      assert(launched.ok, "the container is launched");
      await containerizer.wait(id.value);
      const said = readFileSync(join(sandboxDirectory, "stdout"), "utf8").trim();
      samples.push(Number(BigInt(said) / (NANOSECONDS_PER_MS / 1_000n)) / 1_000 - startMs);
      await containerizer.remove(id.value);
    }
    return samples;
  } finally {
    clearInterval(hold);
    rmSync(directory, { recursive: true, force: true });
  }
}
