/** Ends that somebody asked for, and what is left afterwards: nothing. */
import assert from "node:assert/strict";
import {
  inLab,
  newContainerId,
  output,
  processesWith,
  recordsOf,
  run,
  SLOWNESS,
  specOf,
  start,
  uniqueSleep,
  until,
  within,
} from "../harness.ts";
import type { Checks } from "../suite.ts";

/** A tree that spreads over sessions: two daemons whose parents have died, and their children. */
function spreadingTree(seconds: string): string {
  return `setsid sh -c 'sleep ${seconds} & sleep ${seconds}' & (setsid sleep ${seconds} &) ; echo up; sleep ${seconds}`;
}
const SPREAD = 4;

export const endChecks: Checks = {
  "kill sends the signal to every process of the container": (kind) =>
    inLab(kind, async (lab) => {
      // The parent waits for the child: what outlives a command is killed, before it can speak.
      const loop = "echo up; while :; do sleep 0.02; done";
      const child = `sh -c 'trap "echo child; exit" TERM; ${loop}' & child=$!`;
      const parent = `trap 'wait $child; echo parent; exit 7' TERM; ${loop}`;
      const spec = await start(lab, `${child}; ${parent}`);
      await until("both are up", () => output(spec, "stdout") === "up\nup\n");
      assert.deepEqual(await lab.containerizer.kill(spec.containerId, "SIGTERM"), {
        ok: true,
        value: undefined,
      });
      const termination = await within(5_000, lab.containerizer.wait(spec.containerId));
      assert.deepEqual(termination, { kind: "EXITED", code: 7, waitStatus: 7 << 8 });
      assert.equal(output(spec, "stdout"), "up\nup\nchild\nparent\n");
    }),

  "a kill right after the launch is not lost": (kind) =>
    inLab(kind, async (lab) => {
      const spec = await start(lab, "sleep 60");
      assert.ok((await lab.containerizer.kill(spec.containerId, "SIGTERM")).ok);
      const termination = await within(5_000, lab.containerizer.wait(spec.containerId));
      assert.deepEqual(termination, { kind: "SIGNALED", signal: "SIGTERM", waitStatus: 15 });
    }),

  "kill refuses an unknown signal, and a container that has ended": (kind) =>
    inLab(kind, async (lab) => {
      const spec = await start(lab, "true");
      const { containerId } = spec;
      await lab.containerizer.wait(containerId);
      const ended = await lab.containerizer.kill(containerId, "SIGTERM");
      assert.deepEqual(ended, { ok: false, error: { code: "CONTAINER_NOT_RUNNING", containerId } });
      const unknown = await lab.containerizer.kill(containerId, "SIGNONE");
      assert.deepEqual(unknown, {
        ok: false,
        error: { code: "SIGNAL_UNKNOWN", signal: "SIGNONE" },
      });
    }),

  "a command that kills its own process group does not take its supervisor along": (kind) =>
    inLab(kind, async (lab) => {
      const { termination } = await run(lab, "kill -9 0");
      assert.deepEqual(termination, { kind: "SIGNALED", signal: "SIGKILL", waitStatus: 9 });
    }),

  "destroy reaches descendants in other sessions, and may be repeated": (kind) =>
    inLab(kind, async (lab) => {
      const seconds = uniqueSleep();
      const spec = await start(lab, spreadingTree(seconds));
      await until("the tree is up", () => processesWith(seconds).length === SPREAD);
      const startMs = performance.now();
      await Promise.all([
        lab.containerizer.destroy(spec.containerId),
        lab.containerizer.destroy(spec.containerId),
      ]);
      const tookMs = performance.now() - startMs;
      assert.ok(tookMs < 2_000 * SLOWNESS, `took ${tookMs} ms`);
      assert.deepEqual(processesWith(seconds), []);
      const termination = await lab.containerizer.wait(spec.containerId);
      assert.deepEqual(termination, { kind: "SIGNALED", signal: "SIGKILL", waitStatus: 9 });
      await lab.containerizer.destroy(spec.containerId);
      await lab.containerizer.destroy(newContainerId());
    }),

  "destroy right after the launch leaves nothing running": (kind) =>
    inLab(kind, async (lab) => {
      const seconds = uniqueSleep();
      const specs = await Promise.all(
        Array.from({ length: 5 }, () => start(lab, `sleep ${seconds}`)),
      );
      await Promise.all(specs.map((spec) => lab.containerizer.destroy(spec.containerId)));
      assert.deepEqual(processesWith(seconds), []);
    }),

  "what a command leaves running is dead when wait resolves": (kind) =>
    inLab(kind, async (lab) => {
      const seconds = uniqueSleep();
      const { termination } = await run(
        lab,
        `(setsid sleep ${seconds} &); sleep ${seconds} & exit 5`,
      );
      assert.deepEqual(termination, { kind: "EXITED", code: 5, waitStatus: 5 << 8 });
      assert.deepEqual(processesWith(seconds), []);
    }),

  "wait answers every caller alike, during and after the run, until remove": (kind) =>
    inLab(kind, async (lab) => {
      const { containerId } = await start(lab, "sleep 0.1; exit 4");
      const [first, second] = await Promise.all([
        lab.containerizer.wait(containerId),
        lab.containerizer.wait(containerId),
      ]);
      assert.deepEqual(first, { kind: "EXITED", code: 4, waitStatus: 4 << 8 });
      assert.equal(second, first);
      assert.equal(await lab.containerizer.wait(containerId), first);
      await lab.containerizer.remove(containerId);
      await lab.containerizer.remove(containerId);
      assert.equal((await lab.containerizer.wait(containerId)).kind, "LOST");
      assert.deepEqual(recordsOf(lab), []);
    }),

  "a supervisor that is killed makes its container lost, with nothing left running": (kind) =>
    inLab(kind, async (lab) => {
      const seconds = uniqueSleep();
      const spec = specOf(lab, `sleep ${seconds}`);
      const launched = await lab.containerizer.launch(spec);
      assert.ok(launched.ok);
      await until("the command is up", () => processesWith(seconds).length === 1);
      process.kill(launched.value.pid, "SIGKILL");
      const termination = await within(5_000, lab.containerizer.wait(spec.containerId));
      assert.equal(termination.kind, "LOST");
      assert.deepEqual(processesWith(seconds), []);
    }),
};
