/** Containers that live in another one: as sessions, checks and nested containers do. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describeTermination } from "../../../../agent/containerizer/containerizer.ts";
import { containerizers } from "../../../../agent/containerizer/index.ts";
import {
  inLab,
  newContainerId,
  output,
  processesWith,
  run,
  specOf,
  start,
  uniqueSleep,
  until,
  within,
} from "../harness.ts";
import type { Checks } from "../suite.ts";

export const insideChecks: Checks = {
  "a command inside another container is told its end like any other": (kind) =>
    inLab(kind, async (lab) => {
      const outer = await start(lab, "sleep 60");
      const { containerId: inside, sandboxDirectory } = outer;
      const code = await run(lab, "exit 143", { inside, sandboxDirectory });
      assert.deepEqual(code.termination, { kind: "EXITED", code: 143, waitStatus: 143 << 8 });
      const signal = await run(lab, "kill -TERM $$", { inside, sandboxDirectory });
      const told = { kind: "SIGNALED", signal: "SIGTERM", waitStatus: 15 };
      assert.deepEqual(signal.termination, told);
      const where = await run(lab, "pwd", { inside, sandboxDirectory });
      assert.match(where.stdout, new RegExp(`${sandboxDirectory}\n$`));
    }),

  "nothing is started inside a container that is not running": (kind) =>
    inLab(kind, async (lab) => {
      const ended = await start(lab, "true");
      await within(20_000, lab.containerizer.wait(ended.containerId));
      for (const inside of [ended.containerId, newContainerId()]) {
        const launched = await lab.containerizer.launch(specOf(lab, "echo no", { inside }));
        assert.deepEqual(launched, {
          ok: false,
          error: { code: "CONTAINER_NOT_RUNNING", containerId: inside },
        });
      }
    }),

  "what is inside ends with its container, daemons included": (kind) =>
    inLab(kind, async (lab) => {
      const seconds = uniqueSleep();
      const outer = await start(lab, "while [ ! -e go ]; do sleep 0.02; done");
      const { containerId: inside, sandboxDirectory } = outer;
      const inner = await start(lab, `(setsid sleep ${seconds} &); echo up; sleep ${seconds}`, {
        inside,
        sandboxDirectory,
      });
      await until("both are up", () => processesWith(seconds).length === 2);
      assert.ok(existsSync(sandboxDirectory));
      await run(lab, "touch go", { inside, sandboxDirectory });
      const ends = [outer, inner].map((spec) => lab.containerizer.wait(spec.containerId));
      const [first, second] = await within(20_000, Promise.all(ends));
      assert.ok(first && second);
      assert.equal(describeTermination(first), "Command exited with status 0");
      assert.equal(describeTermination(second), "Command terminated with signal SIGKILL");
      assert.deepEqual(processesWith(seconds), []);
    }),

  "a signal for a container is not one for what is inside, which ends with it": (kind) =>
    inLab(kind, async (lab) => {
      const waiting = "while [ ! -e go ]; do sleep 0.02; done";
      const outer = await start(lab, `trap "echo told" TERM; ${waiting}`);
      const { containerId: inside, sandboxDirectory } = outer;
      const command = 'trap "echo also" TERM; echo up; while :; do sleep 0.02; done';
      const inner = await start(lab, command, { inside, sandboxDirectory });
      const says = (word: string) => () => output(outer, "stdout").includes(word);
      await until("both are up", says("up"));
      assert.ok((await lab.containerizer.kill(inside, "SIGTERM")).ok);
      await until("it was told", says("told"));
      await run(lab, "touch go", { inside, sandboxDirectory });
      assert.equal((await within(20_000, lab.containerizer.wait(inside))).kind, "EXITED");
      await within(20_000, lab.containerizer.wait(inner.containerId));
      assert.ok(!says("also")());
    }),

  "a command inside that is destroyed leaves its container as it was": (kind) =>
    inLab(kind, async (lab) => {
      const seconds = uniqueSleep();
      const outer = await start(lab, "while [ ! -e go ]; do sleep 0.02; done; exit 4");
      const { containerId: inside, sandboxDirectory } = outer;
      const inner = await start(lab, `sleep ${seconds}`, { inside, sandboxDirectory });
      await until("it is up", () => processesWith(seconds).length > 0);
      await within(5_000, lab.containerizer.remove(inner.containerId));
      assert.deepEqual(processesWith(seconds), []);
      await run(lab, "touch go", { inside, sandboxDirectory });
      const end = await within(5_000, lab.containerizer.wait(inside));
      assert.deepEqual(end, { kind: "EXITED", code: 4, waitStatus: 4 << 8 });
    }),

  "after the agent was started again, what is inside is still so": (kind) =>
    inLab(kind, async (lab) => {
      const seconds = uniqueSleep();
      const outer = await start(lab, "sleep 60");
      const { containerId: inside, sandboxDirectory } = outer;
      const inner = await start(lab, `echo up; sleep ${seconds}`, { inside, sandboxDirectory });
      await until("it is up", () => output(outer, "stdout") === "up\n");
      const next = containerizers[kind].create(lab.options);
      const records = [outer, inner].map(({ containerId }) => ({ containerId }));
      const { containers } = await next.recover(records);
      assert.deepEqual(
        containers.map(({ state }) => state),
        ["RUNNING", "RUNNING"],
      );
      const usage = await next.usage(inner.containerId);
      assert.ok(usage.ok && (usage.value.processes ?? 0) >= 1, JSON.stringify(usage.ok));
      await within(5_000, next.destroy(inside));
      assert.equal((await within(5_000, next.wait(inner.containerId))).kind, "SIGNALED");
      assert.deepEqual(processesWith(seconds), []);
    }),
};
