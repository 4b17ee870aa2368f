/** Commands with streams of their own, and at terminals. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { ContainerSpec } from "../../../../agent/containerizer/containerizer.ts";
import { type CommandPipes, openPipes } from "../../../../agent/shell/containers/pipes.ts";
import { inLab, type Lab, output, run, start, until, within } from "../harness.ts";
import type { Checks } from "../suite.ts";

const size = { rows: 33, columns: 101 };

async function piped(
  lab: Lab,
  command: string,
  over: Partial<ContainerSpec> = {},
): Promise<{ spec: ContainerSpec; pipes: CommandPipes }> {
  const pipes = await openPipes(lab.directory);
  assert.ok(pipes.ok, pipes.ok ? "" : pipes.error);
  const { streams } = pipes.value;
  const spec = await start(lab, command, { streams, ...over });
  pipes.value.letGo();
  return { spec, pipes: pipes.value };
}

export const streamChecks: Checks = {
  "a command with streams reads and writes them, and its sandbox stays empty": (kind) =>
    inLab(kind, async (lab) => {
      const { spec, pipes } = await piped(lab, "cat; echo told >/proc/self/fd/2; exit 3");
      pipes.stdin.end("asked");
      const [out, errors] = await within(
        10_000,
        Promise.all([text(pipes.stdout), text(pipes.stderr)]),
      );
      assert.equal(out, "asked");
      assert.equal(errors, "told\n");
      const termination = await within(10_000, lab.containerizer.wait(spec.containerId));
      assert.deepEqual(termination, { kind: "EXITED", code: 3, waitStatus: 3 << 8 });
      assert.equal(existsSync(join(spec.sandboxDirectory, "stdout")), false);
    }),

  "a command that nobody reads waits, and ends when its reader goes": (kind) =>
    inLab(kind, async (lab) => {
      const { spec, pipes } = await piped(lab, "exec cat /dev/zero");
      const usage = await lab.containerizer.usage(spec.containerId);
      assert.ok(usage.ok);
      for (const end of [pipes.stdin, pipes.stdout, pipes.stderr]) end.destroy();
      const termination = await within(10_000, lab.containerizer.wait(spec.containerId));
      assert.equal(termination.kind, "SIGNALED");
    }),

  "a terminal has its size from the first instruction, and programs hear of a new one": (kind) =>
    inLab(kind, async (lab) => {
      const command =
        "test -t 0 && test -t 1 && test -t 2 && stty size; trap 'stty size; exit 5' WINCH; " +
        "echo ready; while :; do sleep 0.05; done";
      const spec = await start(lab, command, { terminal: size });
      await until("it is ready", () => output(spec, "stdout").includes("ready"));
      const resized = await lab.containerizer.resize(spec.containerId, { rows: 7, columns: 9 });
      assert.deepEqual(resized, { ok: true, value: undefined });
      const termination = await within(10_000, lab.containerizer.wait(spec.containerId));
      assert.equal(output(spec, "stdout"), "33 101\r\nready\r\n7 9\r\n");
      assert.deepEqual(termination, { kind: "EXITED", code: 5, waitStatus: 5 << 8 });
    }),

  "what is typed at a terminal is echoed, and Ctrl-C is a signal": (kind) =>
    inLab(kind, async (lab) => {
      const command =
        "trap 'echo caught; exit 6' INT; read line; echo got $line; while :; do sleep 0.05; done";
      const { spec, pipes } = await piped(lab, command, { terminal: size });
      let seen = "";
      pipes.stdout.on("data", (piece) => {
        seen += piece;
      });
      pipes.stdin.write("hello\r");
      await until("the line is read", () => seen.includes("got hello"));
      pipes.stdin.write("\x03");
      const termination = await within(10_000, lab.containerizer.wait(spec.containerId));
      assert.deepEqual(termination, { kind: "EXITED", code: 6, waitStatus: 6 << 8 });
      assert.match(seen, /^hello\r\ngot hello\r\n\^Ccaught\r\n$/);
    }),

  "arguments and environment reach a command at a terminal untouched": (kind) =>
    inLab(kind, async (lab) => {
      const argv = ["printf", "%s|", "it's", "$HOME", "a\nb", ""];
      const ran = await run(lab, "", {
        command: { shell: false, value: "printf", arguments: argv },
        terminal: size,
      });
      assert.equal(ran.stdout, "it's|$HOME|a\r\nb||");
      const environment = { PATH: "/usr/bin:/bin", SHELL: "/no/such; echo 'shell'" };
      const told = await run(lab, 'echo "$SHELL"', { terminal: size, environment });
      assert.equal(told.stdout, "/no/such; echo 'shell'\r\n");
    }),

  "a container without a terminal cannot be given a size": (kind) =>
    inLab(kind, async (lab) => {
      const spec = await start(lab, "sleep 60");
      const { containerId } = spec;
      const error = { code: "NO_TERMINAL", containerId };
      assert.deepEqual(await lab.containerizer.resize(containerId, size), { ok: false, error });
      await lab.containerizer.destroy(containerId);
      const gone = { code: "CONTAINER_NOT_RUNNING", containerId };
      const late = await lab.containerizer.resize(containerId, size);
      assert.deepEqual(late, { ok: false, error: gone });
    }),
};
