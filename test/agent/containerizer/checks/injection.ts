/** Variables and arguments that shells, loaders and programs on a container's way in listen to. */
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inLab, run } from "../harness.ts";
import type { Checks } from "../suite.ts";

export const injectionChecks: Checks = {
  "variables that shells and loaders listen to are the command's, and nobody else's": (kind) =>
    inLab(kind, async (lab) => {
      const marker = join(lab.directory, "marker");
      const script = join(lab.directory, "script");
      writeFileSync(script, `: >${marker}\n`, { mode: 0o755 });
      const touch = `$(: >${marker})`;
      const environment = {
        ...{ ENV: script, BASH_ENV: script, IFS: "/", PS4: touch, PS1: touch, SHELLOPTS: "xtrace" },
        ...{ "BASH_FUNC_exec%%": `() { ${script}; }`, "BASH_FUNC_[%%": `() { ${script}; }` },
        ...{ LD_PRELOAD: "/no/such.so", GCONV_PATH: lab.directory, NODE_OPTIONS: `-r ${script}` },
        ...{ PATH: lab.directory, HOME: touch, TERM: touch, OLDPWD: touch, LC_ALL: "xx_XX" },
        ...{
          RIMROCK_ENV_0: "A=mine",
          RIMROCK_ENV_COUNT: "7",
          record: "x",
          init: "init",
          home: "x",
        },
        ...{ "a b": "blank", "x;y": "semicolon", QUOTES: `'"\\$(id)\`id\`\n'`, EMPTY: "" },
      };
      const command = { shell: false, value: "/usr/bin/env", arguments: ["env", "-0"] };
      for (const user of [undefined, "nobody"]) {
        const more = { command, environment, ...(user !== undefined && { user }) };
        const { stdout, stderr, termination } = await run(lab, "", more);
        assert.deepEqual(termination, { kind: "EXITED", code: 0, waitStatus: 0 }, stderr);
        const seen = new Set(stdout.split("\0"));
        for (const [name, value] of Object.entries(environment)) {
          assert.ok(seen.has(`${name}=${value}`), `${name} of ${stdout}`);
        }
        assert.ok(!existsSync(marker), "something ran what a variable says");
        if (process.geteuid?.() !== 0) return;
      }
    }),

  "arguments are the command's, whatever they look like": (kind) =>
    inLab(kind, async (lab) => {
      const marker = join(lab.directory, "marker");
      const words = [
        ...["-c", "--", "--help", "-", "", " ", "*", "~", "a\tb\n", "'", '"', "\\", "\\n", "%s"],
        ...[`$(: >${marker})`, `\`: >${marker}\``, `;: >${marker};`, `\n: >${marker}\n`, "$PATH"],
        ...["}", "RIMROCK_ENV_0=x", "exec", "become", "\u00e9\u{1f600}", "x".repeat(100_000)],
      ];
      const print = ["sh", "-c", 'printf "[%s]" "$@"', "sh"];
      const command = { shell: false, value: "/bin/sh", arguments: [...print, ...words] };
      const ran = await run(lab, "", { command });
      assert.equal(ran.stdout, words.map((word) => `[${word}]`).join(""));
      assert.ok(!existsSync(marker), "something ran what an argument says");
    }),
};
