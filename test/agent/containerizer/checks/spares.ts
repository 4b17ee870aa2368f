/** Supervisors that are started before they are needed. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerSpec } from "../../../../agent/containerizer/containerizer.ts";
import { containerizers } from "../../../../agent/containerizer/index.ts";
import { signalProcess } from "../../../../agent/containerizer/supervisor/isolation.ts";
import { readProcess } from "../../../../agent/containerizer/supervisor/process-table.ts";
import { SPARE_SUPERVISORS } from "../../../../agent/containerizer/supervisor/spares.ts";
import {
  inLab,
  type Lab,
  output,
  processesWith,
  run,
  SLOWNESS,
  specOf,
  start,
  uniqueSleep,
  until,
  within,
} from "../harness.ts";
import type { Checks } from "../suite.ts";
import { launchedByAnAgentThatDied } from "./recovery.ts";

const folderOf = (lab: Lab): string => join(lab.options.runtimeDirectory, ".spares");

/** Paths of the records of spares that have said all that they say before they are used. */
function spares(lab: Lab): readonly string[] {
  if (!existsSync(folderOf(lab))) return [];
  const records = readdirSync(folderOf(lab)).filter((name) => name.endsWith(".started"));
  return records
    .map((name) => join(folderOf(lab), name))
    .filter((path) => existsSync(path) && readFileSync(path, "utf8").split("\n").length === 3)
    .filter((path) => !existsSync(path.replace(/started$/, "mounts")))
    .map((path) => path.replace(/\.started$/, ""));
}

async function untilSparesWait(lab: Lab): Promise<void> {
  await until("spares wait", () => spares(lab).length === SPARE_SUPERVISORS);
  // The agent looks at the last one's record after it is written.
  await sleep(100 * SLOWNESS);
}

const pidOf = (record: string): number =>
  Number(readFileSync(`${record}.started`, "utf8").split(" ")[1]);

interface Launch {
  readonly spec: ContainerSpec;
  readonly isOnSpare: boolean;
}

const TRIES = 10;

/** Launches it until that is on a spare: somebody may mount something on the machine meanwhile. */
async function launchOnSpare(...launch: Parameters<typeof launchLater>): Promise<ContainerSpec> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { spec, isOnSpare } = await launchLater(...launch);
    if (isOnSpare) return spec;
    await launch[0].containerizer.remove(spec.containerId);
  }
  throw new Error(`not one of ${TRIES} launches was on a spare`);
}

/** Launches it when spares are waiting. `before`: what is done to them. */
async function launchLater(
  lab: Lab,
  command: string,
  before: () => void | Promise<void> = () => {},
  over: Partial<ContainerSpec> = {},
): Promise<Launch> {
  await run(lab, "true");
  await untilSparesWait(lab);
  const waiting = spares(lab).map(pidOf);
  await before();
  const spec = specOf(lab, command, over);
  const launched = await lab.containerizer.launch(spec);
  assert.ok(launched.ok);
  return { spec, isOnSpare: waiting.includes(launched.value.pid) };
}

async function endOf(lab: Lab, { containerId }: ContainerSpec): Promise<unknown> {
  return await within(20_000, lab.containerizer.wait(containerId));
}

/** The descriptors of any child of this process: its own, and what was left open to this one. */
function inherited(): readonly string[] {
  const stdio = ["ignore", "pipe", "ignore"] as const;
  const list = execFileSync("sh", ["-c", "ls /proc/$$/fd"], {
    encoding: "utf8",
    stdio: [...stdio],
  });
  return list.trim().split("\n");
}

/** Returns when they are dead, whether or not anybody has taken note of it. */
function kill(pids: readonly number[]): void {
  for (const pid of pids) process.kill(pid, "SIGKILL");
  while (pids.some((pid) => !["Z", undefined].includes(readProcess(pid)?.state)));
}

const exits = (code: number) => ({ kind: "EXITED", code, waitStatus: code << 8 });

export const spareChecks: Checks = {
  "a launch takes a supervisor that waits, and its command has nothing of it": (kind) =>
    inLab(kind, async (lab) => {
      const command = "ls /proc/$$/fd; cat; pwd; env; exit 7";
      const spec = await launchOnSpare(lab, command);
      assert.deepEqual(await endOf(lab, spec), exits(7));
      const lines = output(spec, "stdout").split("\n").filter(Boolean);
      const environment = [...Object.entries(spec.environment), ["PWD", spec.sandboxDirectory]];
      environment.push(["RIMROCK_CONTAINER_ID", spec.containerId]);
      const said = environment.map((entry) => entry.join("="));
      assert.deepEqual(
        // The shell of the command makes PWD, and some make more of the kind.
        lines.filter((line) => !/^(?:_|SHLVL|OLDPWD)=/.test(line)).toSorted(),
        [...inherited(), spec.sandboxDirectory, ...said].toSorted(),
      );
      assert.equal(output(spec, "stderr"), "");
    }),

  "whatever is in arguments and variables arrives by way of one that waits": (kind) =>
    inLab(kind, async (lab) => {
      const ascii = Array.from({ length: 127 }, (_, code) => String.fromCharCode(code + 1));
      const wide = Array.from({ length: 1_024 }, (_, code) => String.fromCodePoint(code + 128));
      const odd = ["'", "''\\''", "\n}\n", "\\", "$(exit 1)", "`", '"', "END\n", "é\u{1f600}"];
      const words = [ascii.join(""), wide.join(""), ...odd, "x".repeat(130_000)];
      const argv = ["printf", "%s\\0", ...words];
      const spec = await launchOnSpare(lab, "", undefined, {
        command: { shell: false, value: "printf", arguments: argv },
        environment: { PATH: "/usr/bin:/bin", WORDS: words.slice(0, -1).join("") },
      });
      assert.deepEqual(await endOf(lab, spec), exits(0));
      assert.deepEqual(output(spec, "stdout").split("\0").slice(0, -1), words);
    }),

  "a spare that is killed is replaced, and the launch goes on without it": (kind) =>
    inLab(kind, async (lab) => {
      const { spec, isOnSpare } = await launchLater(lab, "exit 3", () => {
        kill(spares(lab).map(pidOf));
      });
      assert.ok(!isOnSpare);
      assert.deepEqual(await endOf(lab, spec), exits(3));
      await untilSparesWait(lab);
    }),

  "a spare that stands still starts its command all the same, and tells its end": (kind) =>
    inLab(kind, async (lab) => {
      const stopped = new Set<number>();
      const spec = await launchOnSpare(lab, "echo here; exit 5", () => {
        for (const pid of spares(lab).map(pidOf)) {
          stopped.add(pid);
          process.kill(pid, "SIGSTOP");
        }
      });
      await until("the command runs", () => output(spec, "stdout") === "here\n");
      for (const pid of stopped) signalProcess(pid, "SIGCONT");
      assert.deepEqual(await endOf(lab, spec), exits(5));
    }),

  "what is in the sandbox already is appended to, by another supervisor": (kind) =>
    inLab(kind, async (lab) => {
      await run(lab, "true");
      await untilSparesWait(lab);
      const waiting = spares(lab).map(pidOf);
      const spec = specOf(lab, "echo later");
      writeFileSync(join(spec.sandboxDirectory, "stdout"), "before\n");
      const launched = await lab.containerizer.launch(spec);
      assert.ok(launched.ok && !waiting.includes(launched.value.pid));
      assert.deepEqual(await endOf(lab, spec), exits(0));
      assert.equal(output(spec, "stdout"), "before\nlater\n");
    }),

  "spares end when they are closed, and leave nothing": (kind) =>
    inLab(kind, async (lab) => {
      const seconds = uniqueSleep();
      const spec = await launchOnSpare(lab, `exec sleep ${seconds}`);
      await untilSparesWait(lab);
      const pids = spares(lab).map(pidOf);
      lab.containerizer.close?.();
      await until("spares end", () => pids.every((pid) => !existsSync(`/proc/${pid}`)));
      await until("their files go", () => readdirSync(folderOf(lab)).length === 0);
      assert.equal(processesWith(seconds).length, 1, "containers go on");
      await lab.containerizer.destroy(spec.containerId);
    }),

  "an agent that is killed leaves no spare, and its container": (kind) =>
    inLab(kind, async (lab) => {
      const seconds = uniqueSleep();
      const commands = [`exec sleep ${seconds}`, `exec sleep ${seconds}`];
      const specs = await launchedByAnAgentThatDied(lab, commands, () => untilSparesWait(lab));
      await until("they are up", () => processesWith(seconds).length === 2);
      const mine = (): readonly string[] =>
        readdirSync("/proc").filter((name) => {
          if (!/^\d+$/.test(name)) return false;
          try {
            const words = readFileSync(`/proc/${name}/cmdline`, "latin1");
            return words.includes("rimrock-command") && words.includes(lab.directory);
          } catch {
            return false;
          }
        });
      // A container is its supervisor and, where process ids are its own, the first of them.
      const each = kind === "cgroups" ? 2 : 1;
      await until("spares end", () => mine().length === each * specs.length);
      const next = containerizers[kind].create(lab.options);
      const known = specs.map(({ containerId }) => ({ containerId }));
      const recovery = await next.recover(known);
      assert.deepEqual(
        recovery.containers.map(({ state }) => state),
        ["RUNNING", "RUNNING"],
      );
      assert.deepEqual(readdirSync(folderOf(lab)), []);
      for (const { containerId } of specs) await next.remove(containerId);
      next.close?.();
    }),
};

export const sparesInSpaces: Checks = {
  "what the machine mounts after a spare was made is there in the next container": (kind) =>
    inLab(kind, async (lab) => {
      // A container has a /tmp of its own; the virtual machine lacks this one.
      mkdirSync("/var/tmp", { recursive: true });
      const place = mkdtempSync("/var/tmp/rimrock-test-");
      const mount = (): void => {
        execFileSync("mount", ["-t", "tmpfs", "rimrock-test", place]);
        writeFileSync(join(place, "fresh"), "mounted\n");
      };
      try {
        const { spec } = await launchLater(lab, `cat ${place}/fresh`, mount);
        assert.deepEqual(await endOf(lab, spec), exits(0));
        assert.equal(output(spec, "stdout"), "mounted\n");
      } finally {
        execFileSync("umount", ["-l", place]);
        rmSync(place, { recursive: true });
      }
    }),

  "a container with memory of its own size is none of the common kind": (kind) =>
    inLab(kind, async (lab) => {
      const size = "df -P /dev/shm | tail -1 | { read -r name blocks rest; echo $blocks; }";
      const sharedMemory = { mode: "PRIVATE", bytes: 4 * 1_048_576 } as const;
      const { spec, isOnSpare } = await launchLater(lab, size, undefined, { sharedMemory });
      assert.ok(!isOnSpare);
      assert.deepEqual(await endOf(lab, spec), exits(0));
      assert.equal(output(spec, "stdout"), "4096\n");
      const other = await start(lab, size);
      await endOf(lab, other);
      assert.notEqual(output(other, "stdout"), "4096\n");
    }),
};
