/** Launches that cannot be, each with an error that says why; nothing of them stays. */
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ContainerSpec,
  containerId,
  describeLaunchError,
} from "../../../../agent/containerizer/containerizer.ts";
import { inLab, type Lab, output, recordsOf, run, specOf, start, within } from "../harness.ts";
import type { Checks } from "../suite.ts";

async function refusal(lab: Lab, over: Partial<ContainerSpec>): Promise<string> {
  const spec = specOf(lab, "true", over);
  const launched = await lab.containerizer.launch(spec);
  assert.ok(!launched.ok, "the launch must be refused");
  assert.deepEqual(recordsOf(lab), [], "no record stays");
  assert.equal((await lab.containerizer.wait(spec.containerId)).kind, "LOST");
  return describeLaunchError(launched.error);
}

export const refusalChecks: Checks = {
  "a sandbox that cannot be written to refuses the launch": (kind) =>
    inLab(kind, async (lab) => {
      const file = join(lab.directory, "file");
      writeFileSync(file, "");
      assert.match(await refusal(lab, { sandboxDirectory: file }), /sandbox .*file.*ENOTDIR/);
      const absent = join(lab.directory, "absent");
      assert.match(await refusal(lab, { sandboxDirectory: absent }), /sandbox .*absent.*ENOENT/);
      assert.match(await refusal(lab, { sandboxDirectory: "relative" }), /absolute/);
    }),

  "an output file that is a link is not written through": (kind) =>
    inLab(kind, async (lab) => {
      const sandboxDirectory = join(lab.directory, "trap");
      mkdirSync(sandboxDirectory);
      symlinkSync("/etc/rimrock-must-not-exist", join(sandboxDirectory, "stdout"));
      assert.match(await refusal(lab, { sandboxDirectory }), /ELOOP/);
    }),

  "an empty command, a NUL byte and a name with an equals sign are refused": (kind) =>
    inLab(kind, async (lab) => {
      assert.match(await refusal(lab, { command: { shell: true, value: "" } }), /empty/);
      const nul = { shell: false as const, value: "echo", arguments: ["echo", "a\0b"] };
      assert.match(await refusal(lab, { command: nul }), /NUL/);
      assert.match(await refusal(lab, { environment: { "a=b": "c" } }), /'a=b'/);
    }),

  "an argument longer than the kernel takes is refused with the kernel's word": (kind) =>
    inLab(kind, async (lab) => {
      const value = `: ${"x".repeat(200_000)}`;
      assert.match(await refusal(lab, { command: { shell: true, value } }), /E2BIG/);
    }),

  "an unknown user refuses the launch": (kind) =>
    inLab(kind, async (lab) => {
      assert.match(
        await refusal(lab, { user: "no-such-user" }),
        /No user 'no-such-user' in \/etc\/passwd/,
      );
    }),

  "a known user runs the command and owns its sandbox, when the agent is root": (kind) =>
    inLab(kind, async (lab) => {
      if (process.geteuid?.() !== 0) {
        assert.match(await refusal(lab, { user: "root" }), /Only an agent that runs as root/);
        return;
      }
      const { chmodSync } = await import("node:fs");
      chmodSync(lab.directory, 0o755);
      // What a root process would load on the way must not come from the task.
      const environment = { PATH: "/usr/bin:/bin", LD_PRELOAD: "/no/such/library.so" };
      const spec = await start(lab, "id -u; touch mine; echo $LD_PRELOAD; kill -TERM $$", {
        user: "nobody",
        environment,
      });
      const termination = await within(5_000, lab.containerizer.wait(spec.containerId));
      assert.deepEqual(termination, { kind: "SIGNALED", signal: "SIGTERM", waitStatus: 15 });
      assert.equal(output(spec, "stdout"), "65534\n/no/such/library.so\n");
    }),

  "a container id is used once at a time": (kind) =>
    inLab(kind, async (lab) => {
      const spec = await start(lab, "exit 6");
      const again = await lab.containerizer.launch(spec);
      assert.deepEqual(again, {
        ok: false,
        error: { code: "CONTAINER_EXISTS", containerId: spec.containerId },
      });
      assert.equal((await lab.containerizer.wait(spec.containerId)).kind, "EXITED");
      await lab.containerizer.remove(spec.containerId);
      assert.ok((await lab.containerizer.launch(spec)).ok);
      assert.equal((await lab.containerizer.wait(spec.containerId)).kind, "EXITED");
    }),

  "a container id that is no file name is malformed": async () => {
    for (const text of ["", ".", "..", "a/b", "-x", "a b", "x".repeat(129)]) {
      assert.equal(containerId(text).ok, false, JSON.stringify(text));
    }
    assert.ok(containerId("b3f2c9a0-7d1e-4a53-9d55-1f1a0f1d2c3b").ok);
  },

  "update refuses a container that is not running, and takes limits of one that is": (kind) =>
    inLab(kind, async (lab) => {
      const { containerId: id } = await start(lab, "sleep 60");
      const limits = {
        cpusRequest: 500,
        cpusLimit: 500,
        memoryLimitBytes: 64 * 1_048_576,
        pidsLimit: 50,
      };
      assert.deepEqual(await lab.containerizer.update(id, limits), { ok: true, value: undefined });
      assert.deepEqual(await lab.containerizer.update(id, { cpusRequest: 1_000 }), {
        ok: true,
        value: undefined,
      });
      await lab.containerizer.destroy(id);
      const late = await lab.containerizer.update(id, limits);
      assert.deepEqual(late, {
        ok: false,
        error: { code: "CONTAINER_NOT_RUNNING", containerId: id },
      });
    }),

  "output of a second run in the same sandbox is appended": (kind) =>
    inLab(kind, async (lab) => {
      const first = await start(lab, "echo one");
      await lab.containerizer.wait(first.containerId);
      const { sandboxDirectory } = first;
      const second = await run(lab, "echo two", { sandboxDirectory });
      assert.equal(second.termination.kind, "EXITED");
      assert.equal(output(first, "stdout"), "one\ntwo\n");
    }),
};
