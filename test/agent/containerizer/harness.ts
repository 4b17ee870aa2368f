/**
 * A containerizer with a folder of its own, and containers described by what matters to a check.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ContainerId,
  type Containerizer,
  type ContainerizerOptions,
  type ContainerSpec,
  type ContainerTermination,
  containerId,
  describeLaunchError,
} from "../../../agent/containerizer/containerizer.ts";
import { DOCKER_DEFAULTS } from "../../../agent/containerizer/docker/docker.ts";
import { OWNER_FILE } from "../../../agent/containerizer/docker/records.ts";
import type { DockerSpec } from "../../../agent/containerizer/docker/spec.ts";
import { type ContainerizerKind, containerizers } from "../../../agent/containerizer/index.ts";

/** Made by test/support/docker-daemon.ts, which the virtual machine's bundle does without. */
const TEST_IMAGE = "rimrock-test:1";
export const MEGABYTE = 1_048_576;
/** How many times slower than a real machine this one may be: an emulated one sets it. */
export const SLOWNESS = Number(process.env.RIMROCK_TEST_SLOWNESS ?? "1");
const PATH = "/usr/local/bin:/usr/bin:/bin";

export interface Lab {
  readonly kind: ContainerizerKind;
  readonly directory: string;
  readonly options: ContainerizerOptions;
  readonly containerizer: Containerizer;
}

/**
 * A fresh containerizer that has recovered from nothing. Destroys what it ran, whatever the check
 * did.
 */
export async function inLab(
  kind: ContainerizerKind,
  check: (lab: Lab) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "rimrock-containerizer-"));
  const options = optionsIn(directory);
  const lab = { kind, directory, options, containerizer: containerizers[kind].create(options) };
  try {
    assert.deepEqual(await lab.containerizer.recover([]), { containers: [], orphans: [] });
    await check(lab);
  } finally {
    lab.containerizer.close?.();
    await containerizers[kind].create(options).recover([]);
    // Another attempt: what ends only now may write something while it goes.
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
    rmSync(machineDirectoryOf(directory), { recursive: true, force: true });
  }
}

/** What a check puts on the machine outside of the lab's folder, which is the agent's own. */
export function machineDirectoryOf(directory: string): string {
  return `${directory}.machine`;
}

/** One cgroup per process that runs checks, so that two runs at a time do not share one. */
export function optionsIn(directory: string): ContainerizerOptions {
  return {
    runtimeDirectory: join(directory, "runtime"),
    hiddenDirectory: directory,
    cgroupRoot: `rimrock-test/${process.env.RIMROCK_TEST_CGROUP ?? process.pid}`,
    // The daemon of the test that runs; see test/support/docker-daemon.ts.
    docker: { ...DOCKER_DEFAULTS, socketPath: process.env.RIMROCK_TEST_DOCKER ?? "/nowhere" },
  };
}

/** What the runtime directory holds of containers; who the agent is to Docker is none of them. */
export function recordsOf(lab: Lab): readonly string[] {
  const names = readdirSync(lab.options.runtimeDirectory);
  return names.filter((name) => name !== OWNER_FILE && !name.startsWith("."));
}

export function newContainerId(): ContainerId {
  const id = containerId(randomUUID());
  assert.ok(id.ok);
  return id.value;
}

/** `command`: a shell command, unless `over` says otherwise. Makes the sandbox. */
export function specOf(
  lab: Pick<Lab, "directory"> & Partial<Lab>,
  command: string,
  over: Partial<ContainerSpec> = {},
): ContainerSpec {
  const id = newContainerId();
  const sandboxDirectory = join(lab.directory, `sandbox-${id}`);
  mkdirSync(sandboxDirectory);
  return {
    containerId: id,
    command: { shell: true, value: command },
    environment: { PATH },
    sandboxDirectory,
    limits: { cpusRequest: 100 },
    ...(lab.kind === "docker" && over.inside === undefined && { docker: dockerSpec() }),
    ...over,
  };
}

/** On the machine's own network: to make one takes longer than all the rest. */
export function dockerSpec(over: Partial<DockerSpec> = {}): DockerSpec {
  return {
    ...{ image: TEST_IMAGE, forcePull: false, network: { mode: "host" }, portMappings: [] },
    ...{ volumes: [], gpus: 0, privileged: false, privileges: [], labels: {} },
    overrides: { config: {}, hostConfig: {}, endpoint: {} },
    ...over,
  };
}

export async function start(
  lab: Lab,
  command: string,
  over: Partial<ContainerSpec> = {},
): Promise<ContainerSpec> {
  const spec = specOf(lab, command, over);
  const launched = await lab.containerizer.launch(spec);
  assert.ok(launched.ok, launched.ok ? "" : describeLaunchError(launched.error));
  return spec;
}

export interface Ran {
  readonly termination: ContainerTermination;
  readonly stdout: string;
  readonly stderr: string;
}

export async function run(
  lab: Lab,
  command: string,
  over: Partial<ContainerSpec> = {},
): Promise<Ran> {
  const spec = await start(lab, command, over);
  const termination = await within(20_000, lab.containerizer.wait(spec.containerId));
  return { termination, stdout: output(spec, "stdout"), stderr: output(spec, "stderr") };
}

export function output(spec: ContainerSpec, name: "stdout" | "stderr"): string {
  return readFileSync(join(spec.sandboxDirectory, name), "utf8");
}

/** `ms`: on a real machine. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const late = new AbortController();
  const timeout = sleep(ms * SLOWNESS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`nothing happened within ${ms} ms`);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    late.abort();
    timeout.catch(() => {});
  }
}

/** Waits until `condition` holds; what it is waiting for goes into the failure. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 10_000 * SLOWNESS;
  while (!condition()) {
    assert.ok(performance.now() < deadlineMs, `never happened: ${what}`);
    await sleep(5);
  }
}

/** Live processes with `text` among their arguments. */
export function processesWith(text: string): readonly number[] {
  const pids: number[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // The command line of a zombie is empty.
      const words = readFileSync(`/proc/${name}/cmdline`, "latin1").split("\0");
      if (words.includes(text)) pids.push(Number(name));
    } catch {
      // It has ended meanwhile.
    }
  }
  return pids;
}

let durations = 0;
/** A duration for sleep(1) that no other process on the machine uses: a mark to find it by. */
export function uniqueSleep(): string {
  durations += 1;
  return `${1_000_000 + (process.pid % 100_000) * 100 + durations}`;
}
