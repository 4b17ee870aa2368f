/**
 * Containers outlive the agent. The "agent" is a process of its own (`launcher.ts`) that launches
 * and is killed by SIGKILL; the check then recovers in its place.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ContainerSpec,
  describeTermination,
} from "../../../../agent/containerizer/containerizer.ts";
import { containerizers } from "../../../../agent/containerizer/index.ts";
import {
  inLab,
  type Lab,
  newContainerId,
  output,
  processesWith,
  SLOWNESS,
  specOf,
  start,
  uniqueSleep,
  until,
  within,
} from "../harness.ts";
import { launcherCommand } from "../launcher-command.ts";
import type { Checks } from "../suite.ts";

/**
 * Launches each command in another process; resolves, with that process killed, when all are
 * started. `before` it is killed.
 */
export async function launchedByAnAgentThatDied(
  lab: Lab,
  commands: readonly string[],
  before: () => Promise<void> = async () => {},
): Promise<readonly ContainerSpec[]> {
  const specs = commands.map((command) => specOf(lab, command));
  const [file, ...argv] = await launcherCommand();
  const agent: ChildProcess = spawn(file, argv, {
    env: {
      ...process.env,
      RIMROCK_LAUNCH: JSON.stringify({ kind: lab.kind, options: lab.options, specs }),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  assert.ok(agent.stdout);
  const lines = createInterface({ input: agent.stdout })[Symbol.asyncIterator]();
  const first = await within(30_000, lines.next());
  assert.equal(first.value, "launched");
  await before();
  agent.kill("SIGKILL");
  await once(agent, "exit");
  return specs;
}

const records = (specs: readonly ContainerSpec[]) =>
  specs.map(({ containerId }) => ({ containerId }));

export const recoveryChecks: Checks = {
  "after the agent was killed, running containers are re-attached and ended ones told": (kind) =>
    inLab(kind, async (lab) => {
      const pause = `echo up; sleep ${1.5 * SLOWNESS}`;
      const running = [`${pause}; exit 143`, `${pause}; kill -TERM $$`];
      const ended = ["echo up; exit 3", "echo up; kill -KILL $$"];
      const specs = await launchedByAnAgentThatDied(lab, [...running, ...ended]);
      for (const spec of specs) await until("it is up", () => output(spec, "stdout") === "up\n");
      await sleep(100);

      const next = containerizers[kind].create(lab.options);
      const recovery = await next.recover(records(specs));
      assert.deepEqual(
        recovery.containers.map(({ state }) => state),
        ["RUNNING", "RUNNING", "ENDED", "ENDED"],
      );
      assert.deepEqual(recovery.orphans, []);
      const startMs = performance.now();
      const ends = await within(
        5_000,
        Promise.all(specs.map((spec) => next.wait(spec.containerId))),
      );
      if (SLOWNESS === 1) {
        assert.ok(performance.now() - startMs < 3_500, "the watch tells, not the slow poll");
      }
      assert.deepEqual(ends, [
        { kind: "EXITED", code: 143, waitStatus: 143 << 8 },
        { kind: "SIGNALED", signal: "SIGTERM", waitStatus: 15 },
        { kind: "EXITED", code: 3, waitStatus: 3 << 8 },
        { kind: "SIGNALED", signal: "SIGKILL", waitStatus: 9 },
      ]);
    }),

  "an end is told again by every later agent, until it is removed": (kind) =>
    inLab(kind, async (lab) => {
      const spec = await start(lab, "exit 5");
      await lab.containerizer.wait(spec.containerId);
      for (let life = 0; life < 2; life++) {
        const recovery = await containerizers[kind].create(lab.options).recover(records([spec]));
        const termination = { kind: "EXITED", code: 5, waitStatus: 5 << 8 };
        const { containerId } = spec;
        assert.deepEqual(recovery.containers, [{ containerId, state: "ENDED", termination }]);
      }
    }),

  "a re-attached container can be signalled, measured and destroyed": (kind) =>
    inLab(kind, async (lab) => {
      const seconds = uniqueSleep();
      const trap = "trap 'echo got it' TERM; echo up";
      const command = `${trap}; (setsid sleep ${seconds} &); while :; do sleep 0.02; done`;
      const specs = await launchedByAnAgentThatDied(lab, [command, command]);
      const [first, second] = specs;
      assert.ok(first && second);
      for (const spec of specs) await until("it is up", () => output(spec, "stdout") !== "");
      await until("both daemons are up", () => processesWith(seconds).length === 2);
      const next = containerizers[kind].create(lab.options);
      await next.recover(records(specs));
      const usage = await next.usage(first.containerId);
      assert.ok(usage.ok && (usage.value.processes ?? 0) >= 2);
      assert.ok((await next.kill(first.containerId, "SIGTERM")).ok);
      await until("the signal arrived", () => output(first, "stdout").includes("got it"));
      await within(3_000, next.destroy(second.containerId));
      await within(3_000, next.destroy(first.containerId));
      assert.deepEqual(processesWith(seconds), []);
      const termination = await next.wait(second.containerId);
      assert.deepEqual(termination, { kind: "SIGNALED", signal: "SIGKILL", waitStatus: 9 });
    }),

  "containers that nobody asks for any more are destroyed": (kind) =>
    inLab(kind, async (lab) => {
      const seconds = uniqueSleep();
      const [spec] = await launchedByAnAgentThatDied(lab, [
        `(setsid sleep ${seconds} &); sleep ${seconds}`,
      ]);
      assert.ok(spec);
      await until("it is up", () => processesWith(seconds).length === 2);
      const recovery = await containerizers[kind].create(lab.options).recover([]);
      assert.deepEqual(recovery, { containers: [], orphans: [spec.containerId] });
      assert.deepEqual(processesWith(seconds), []);
    }),

  "a pid that now belongs to somebody else makes the container lost": (kind) =>
    inLab(kind, async (lab) => {
      const seconds = uniqueSleep();
      const spec = specOf(lab, "true");
      const bystander = spawn("sleep", [seconds], { stdio: "ignore" });
      await once(bystander, "spawn");
      const stat = readFileSync(`/proc/${bystander.pid}/stat`, "utf8").trim();
      const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
      const fields = stat.split(" ");
      // The same pid, started a second earlier: what is left when a pid comes round again.
      fields[21] = String(Number(fields[21]) - 100);
      const started = `${bootId} ${fields.join(" ")}\n${bystander.pid}\n`;
      writeFileSync(join(lab.options.runtimeDirectory, `${spec.containerId}.started`), started);
      const recovery = await containerizers[kind].create(lab.options).recover(records([spec]));
      const [lost] = recovery.containers;
      assert.ok(lost?.state === "ENDED");
      assert.equal(
        describeTermination(lost.termination),
        "Its supervisor was killed while no agent ran",
      );
      assert.deepEqual(processesWith(seconds), [bystander.pid], "the bystander is left alone");
      bystander.kill("SIGKILL");
    }),

  "a record of an earlier boot, an empty one and none at all each say why it is lost": (kind) =>
    inLab(kind, async (lab) => {
      const [rebooted, reserved, absent] = [newContainerId(), newContainerId(), newContainerId()];
      const path = (id: string): string => join(lab.options.runtimeDirectory, `${id}.started`);
      const stat = readFileSync("/proc/self/stat", "utf8").trim();
      writeFileSync(
        path(rebooted),
        `00000000-0000-0000-0000-000000000000 ${stat}\n${process.pid}\n`,
      );
      writeFileSync(path(reserved), "");
      const known = [rebooted, reserved, absent].map((containerId) => ({ containerId }));
      const recovery = await containerizers[kind].create(lab.options).recover(known);
      const ends = recovery.containers.map((container) =>
        container.state === "ENDED" ? container.termination : undefined,
      );
      assert.deepEqual(ends, [
        { kind: "LOST", message: "The machine was restarted while it ran" },
        { kind: "NOT_STARTED", message: "The agent ended, before it started the command" },
        { kind: "LOST", message: `There is no record of it in ${lab.options.runtimeDirectory}` },
      ]);
    }),

  "records that cannot be read stop the recovery, and call nothing lost": (kind) =>
    inLab(kind, async (lab) => {
      const blocked = join(lab.directory, "blocked");
      writeFileSync(blocked, "");
      const next = containerizers[kind].create({ ...lab.options, runtimeDirectory: blocked });
      await assert.rejects(next.recover([{ containerId: newContainerId() }]), /blocked: EEXIST/);
    }),

  "a half-written end is no end": (kind) =>
    inLab(kind, async (lab) => {
      const spec = await start(lab, "sleep 0.5; exit 8");
      writeFileSync(
        join(lab.options.runtimeDirectory, `${spec.containerId}.ended`),
        "ready\n[1] + Done(1)\n14",
      );
      const termination = await within(5_000, lab.containerizer.wait(spec.containerId));
      assert.deepEqual(termination, { kind: "EXITED", code: 8, waitStatus: 8 << 8 });
    }),
};
