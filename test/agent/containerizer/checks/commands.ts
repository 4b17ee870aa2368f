/** What a command gets, and how its own end is told. */
import assert from "node:assert/strict";
import { existsSync, realpathSync } from "node:fs";
import { containerizers } from "../../../../agent/containerizer/index.ts";
import { inLab, output, run, start, until, within } from "../harness.ts";
import type { Checks } from "../suite.ts";

const exits = (code: number) => ({ kind: "EXITED", code, waitStatus: code << 8 });

export const commandChecks: Checks = {
  "the check passes where the suite runs": (kind) =>
    inLab(kind, async (lab) => {
      assert.deepEqual(await containerizers[kind].check(lab.options), {
        ok: true,
        value: undefined,
      });
    }),

  "an exit status is told as it is, below and above 128": (kind) =>
    inLab(kind, async (lab) => {
      const codes = [0, 3, 125, 126, 127, 128, 130, 137, 141, 143, 145, 200, 255];
      const ran = await Promise.all(codes.map((code) => run(lab, `exit ${code}`)));
      assert.deepEqual(
        ran.map(({ termination }) => termination),
        codes.map(exits),
      );
    }),

  "a signal is told from the exit status that a shell would make of it": (kind) =>
    inLab(kind, async (lab) => {
      const signals = { HUP: 1, INT: 2, QUIT: 3, KILL: 9, USR1: 10, PIPE: 13, TERM: 15 };
      for (const [name, number] of Object.entries(signals)) {
        const { termination } = await run(lab, `ulimit -c 0; kill -${name} $$; sleep 5`);
        assert.deepEqual(termination, {
          kind: "SIGNALED",
          signal: `SIG${name}`,
          waitStatus: number,
        });
      }
    }),

  "stdout and stderr are appended to the sandbox's files": (kind) =>
    inLab(kind, async (lab) => {
      const ran = await run(lab, "echo one; echo two >&2; echo three");
      assert.equal(ran.stdout, "one\nthree\n");
      assert.equal(ran.stderr, "two\n");
      const killed = await run(lab, "kill -TERM $$");
      assert.equal(killed.stderr, "", "the supervisor's own remarks stay out of the task's files");
    }),

  "the environment is the spec's, whatever characters are in it": (kind) =>
    inLab(kind, async (lab) => {
      const environment = {
        PATH: "/usr/bin:/bin",
        PLAIN: "1",
        QUOTED: `it's "$HOME" \`x\` \\ *`,
        LINES: "a\nb\n",
        EMPTY: "",
        "dotted.name": "2",
        UID: "7",
        PWD: "/nowhere",
        count: "3",
        LC_ALL: "POSIX",
      };
      const spec = await start(lab, "", {
        command: { shell: false, value: "cat", arguments: ["cat", "/proc/self/environ"] },
        environment,
      });
      await within(20_000, lab.containerizer.wait(spec.containerId));
      const entries = output(spec, "stdout").split("\0").filter(Boolean);
      const expected = { ...environment, RIMROCK_CONTAINER_ID: spec.containerId };
      assert.deepEqual(
        entries.toSorted(),
        Object.entries(expected)
          .map(([name, value]) => `${name}=${value}`)
          .toSorted(),
      );
    }),

  "without shell the arguments arrive untouched, argv[0] included": (kind) =>
    inLab(kind, async (lab) => {
      const argv = ["printf", "%s|", "a b", "$HOME", "*", "", "-n", "x=y"];
      const ran = await run(lab, "", {
        command: { shell: false, value: "printf", arguments: argv },
      });
      assert.equal(ran.stdout, "a b|$HOME|*||-n|x=y|");
      // The file may have another name than argv[0], which only bash can set.
      if (!existsSync("/bin/bash")) return;
      const renamed = ["other name", "-c", 'echo "$0"'];
      const named = await run(lab, "", {
        command: { shell: false, value: "/bin/sh", arguments: renamed },
      });
      assert.equal(named.stdout, "other name\n");
    }),

  "the command runs in its sandbox, in a session of its own, with nothing to read": (kind) =>
    inLab(kind, async (lab) => {
      const spec = await start(lab, 'pwd; cat; read -r stat </proc/$$/stat; echo "$$ $stat"');
      await within(20_000, lab.containerizer.wait(spec.containerId));
      const [directory, second] = output(spec, "stdout").split("\n");
      assert.equal(directory, realpathSync(spec.sandboxDirectory));
      const words = second?.split(" ") ?? [];
      assert.equal(words[0], words[5], "process group");
      assert.equal(words[0], words[6], "session");
    }),

  "no signal is ignored or blocked when the command starts": (kind) =>
    inLab(kind, async (lab) => {
      const { stdout } = await run(lab, "grep -E 'SigIgn|SigBlk' /proc/self/status");
      assert.match(stdout, /SigBlk:\s+0+\nSigIgn:\s+0+\n/);
    }),

  "a command that does not exist ends with 127, one that cannot be executed with 126": (kind) =>
    inLab(kind, async (lab) => {
      const missing = { shell: false as const, value: "/no/such/file", arguments: [] };
      const absent = await run(lab, "", { command: missing });
      assert.deepEqual(absent.termination, exits(127));
      assert.match(absent.stderr, /\/no\/such\/file.*No such file/);
      const folder = { shell: false as const, value: "/tmp", arguments: [] };
      assert.deepEqual((await run(lab, "", { command: folder })).termination, exits(126));
      assert.deepEqual((await run(lab, "no-such-program")).termination, exits(127));
    }),

  "twenty launches at once all run": (kind) =>
    inLab(kind, async (lab) => {
      const codes = Array.from({ length: 20 }, (_, index) => index);
      const ran = await Promise.all(codes.map((code) => run(lab, `echo ${code}; exit ${code}`)));
      assert.deepEqual(
        ran.map(({ termination, stdout }) => ({ termination, stdout })),
        codes.map((code) => ({ termination: exits(code), stdout: `${code}\n` })),
      );
    }),

  "usage counts the container's processes, time and memory": (kind) =>
    inLab(kind, async (lab) => {
      const busy = "while :; do :; done";
      const spec = await start(lab, `(${busy}) & echo started; ${busy}`);
      await until("the command prints", () => output(spec, "stdout") !== "");
      const before = await lab.containerizer.usage(spec.containerId);
      await new Promise((resolve) => setTimeout(resolve, 500));
      const after = await lab.containerizer.usage(spec.containerId);
      assert.ok(before.ok && after.ok);
      assert.equal(after.value.processes, 2);
      assert.equal(after.value.threads, 2);
      const seconds = (usage: typeof after.value): number =>
        (usage.cpus_user_time_secs ?? 0) + (usage.cpus_system_time_secs ?? 0);
      const spent = seconds(after.value) - seconds(before.value);
      const passed = after.value.timestamp - before.value.timestamp;
      assert.ok(
        passed >= 0.5 && spent > 0.02 && spent < 2.2 * passed + 0.1,
        `${spent} s in ${passed} s`,
      );
      assert.ok((after.value.mem_rss_bytes ?? 0n) > 50_000n, `${after.value.mem_rss_bytes} B`);
      await lab.containerizer.remove(spec.containerId);
      const gone = await lab.containerizer.usage(spec.containerId);
      assert.deepEqual(gone, {
        ok: false,
        error: { code: "CONTAINER_NOT_RUNNING", containerId: spec.containerId },
      });
    }),
};
