/** Namespaces of process ids that containers of a group share. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ContainerSpec } from "../../../../agent/containerizer/containerizer.ts";
import { containerizers } from "../../../../agent/containerizer/index.ts";
import {
  inLab,
  type Lab,
  newContainerId,
  output,
  processesWith,
  run,
  start,
  uniqueSleep,
  until,
  within,
} from "../harness.ts";
import type { Checks } from "../suite.ts";

function groupOf(lab: Lab) {
  const outer = join(lab.directory, "group");
  mkdirSync(outer);
  const group = { id: newContainerId(), sandboxDirectory: outer };
  let count = 0;
  const member = (): Partial<ContainerSpec> => {
    const sandboxDirectory = join(outer, `task-${count++}`);
    mkdirSync(sandboxDirectory);
    return { group, sandboxDirectory };
  };
  return { id: group.id, member, sharing: () => ({ ...member(), sharesProcesses: true }) };
}

/** For each process that sleeps so long: `act`, with its folder in /proc as $p. */
const eachSleep = (seconds: string, act: string) =>
  `for p in /proc/[0-9]*; do [ "$(tr "\\0" " " 2>/dev/null <$p/cmdline)" = "sleep ${seconds} " ] ` +
  `&& ${act}; done`;
const count = (seconds: string) => `${eachSleep(seconds, "echo one")} | grep -c one`;

export const groupChecks: Checks = {
  "containers of a group that share process ids see each other's, and nobody else's": (kind) =>
    inLab(kind, async (lab) => {
      const { id, member, sharing } = groupOf(lab);
      const seconds = uniqueSleep();
      const first = await start(lab, `sleep ${seconds}; echo status $?`, sharing());
      await until("it is up", () => processesWith(seconds).length === 1);
      assert.equal((await run(lab, count(seconds), member())).stdout, "0\n");
      const kill = eachSleep(seconds, `{ kill "\${p#/proc/}"; }`);
      const command = `${count(seconds)}; ls -d /proc/[0-9]* | wc -l; ${kill}`;
      const second = await run(lab, command, sharing());
      const [found, processes] = second.stdout.split("\n");
      assert.equal(found, "1", second.stderr);
      assert.ok(Number(processes) <= 9, `${processes} processes`);
      await within(20_000, lab.containerizer.wait(first.containerId));
      // It was signalled by a task of its group.
      assert.equal(output(first, "stdout"), "status 143\n");
      assert.ok(!existsSync(join(lab.options.runtimeDirectory, `${id}.holder`)));
    }),

  "process ids of a group outlive its first container and the agent, and go with its last": (
    kind,
  ) =>
    inLab(kind, async (lab) => {
      const { id, sharing } = groupOf(lab);
      const seconds = uniqueSleep();
      const first = await start(lab, "while [ ! -e go ]; do sleep 0.02; done", sharing());
      const second = await start(lab, `sleep ${seconds}`, sharing());
      await until("it is up", () => processesWith(seconds).length === 1);
      await run(lab, "touch go", {
        inside: first.containerId,
        sandboxDirectory: first.sandboxDirectory,
      });
      const end = await within(20_000, lab.containerizer.wait(first.containerId));
      assert.deepEqual(end, { kind: "EXITED", code: 0, waitStatus: 0 });
      const next = { ...lab, containerizer: containerizers[kind].create(lab.options) };
      await next.containerizer.recover([first, second]);
      const third = await run(next, count(seconds), sharing());
      assert.equal(third.stdout, "1\n", third.stderr);
      const holder = join(lab.options.runtimeDirectory, `${id}.holder`);
      assert.ok(existsSync(holder));
      assert.equal(processesWith(holder).length, 1);
      await within(20_000, next.containerizer.destroy(second.containerId));
      assert.ok(!existsSync(holder));
      await until("the first process has gone", () => processesWith(holder).length === 0);
    }),
};
