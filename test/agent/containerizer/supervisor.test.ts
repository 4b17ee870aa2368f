/** The supervisor on every shell that this machine has, and what is parsed on the way. */
import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { findHostTools } from "../../../agent/containerizer/supervisor/host-tools.ts";
import { instructions } from "../../../agent/containerizer/supervisor/instructions.ts";
import type { Isolation } from "../../../agent/containerizer/supervisor/isolation.ts";
import {
  parseStat,
  readMark,
  readProcess,
} from "../../../agent/containerizer/supervisor/process-table.ts";
import { parseStarted } from "../../../agent/containerizer/supervisor/records.ts";
import { parseEnded, waitStatusOf } from "../../../agent/containerizer/supervisor/script.ts";
import { checkSupervisor } from "../../../agent/containerizer/supervisor/self-test.ts";
import { SupervisedContainerizer } from "../../../agent/containerizer/supervisor/supervised-containerizer.ts";
import {
  type SupervisorKind,
  startSupervisor,
} from "../../../agent/containerizer/supervisor/supervisor.ts";
import { parsePasswd } from "../../../agent/containerizer/supervisor/users.ts";
import { defined } from "../../../worker/std/assert.ts";
import { ok } from "../../../worker/std/result.ts";
import { specOf, within } from "./harness.ts";

const unconfined: Isolation = {
  prepare: () => ok({ joinFiles: [] }),
  update: () => ok(undefined),
  usage: async () => ok({ timestamp: 0 }),
  processes: async () => [],
  killAll: async () => true,
  limitation: () => undefined,
  release: async () => {},
};

const PLAIN: SupervisorKind = { enter: [], hasInit: false, seesMachine: false, mounts: undefined };

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "rimrock-supervisor-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** `program` under the name sh: bash turns POSIX by it, busybox knows what to be. */
const shells = ["/bin/dash", "/bin/bash", "/bin/busybox", "/usr/bin/busybox"].filter((path) =>
  existsSync(path),
);

for (const program of shells) {
  describe(`supervised by ${program}`, () => {
    let shell = "";
    beforeAll(() => {
      const folder = mkdtempSync(join(directory, "shell-"));
      shell = join(folder, "sh");
      symlinkSync(program, shell);
    });

    test("the self-test passes", async () => {
      assert.deepEqual(await checkSupervisor(join(directory, "check"), shell), ok(undefined));
    });

    test("exits and signals are told apart", async () => {
      const tools = await findHostTools(shell);
      assert.ok(tools.ok);
      const runtimeDirectory = mkdtempSync(join(directory, "runtime-"));
      const containerizer = new SupervisedContainerizer(runtimeDirectory, unconfined, {
        tools: tools.value,
      });
      const end = async (command: string) => {
        const spec = specOf({ directory: runtimeDirectory }, command);
        assert.ok((await containerizer.launch(spec)).ok);
        return within(5_000, containerizer.wait(spec.containerId));
      };
      for (const code of [0, 1, 17, 129, 143, 145, 255]) {
        assert.deepEqual(await end(`exit ${code}`), {
          kind: "EXITED",
          code,
          waitStatus: code << 8,
        });
      }
      assert.deepEqual(await end("kill -TERM $$"), {
        kind: "SIGNALED",
        signal: "SIGTERM",
        waitStatus: 15,
      });
      assert.deepEqual(await end("kill -CHLD $$; exit 2"), {
        kind: "EXITED",
        code: 2,
        waitStatus: 512,
      });
      assert.deepEqual(await end("sleep 0.1; kill -PIPE $$"), {
        kind: "SIGNALED",
        signal: "SIGPIPE",
        waitStatus: 13,
      });
    });

    test("of a text that breaks off nothing is run, wherever that is", async () => {
      const tools = await findHostTools(shell);
      assert.ok(tools.ok);
      const folder = mkdtempSync(join(directory, "torn-"));
      const mark = join(folder, "mark");
      // Where the shells say what is wrong with it.
      const said = openSync(join(folder, "said"), "a");
      const streams = { stdout: said, stderr: said };
      const argv = ["/bin/sh", "-c", `: >${mark}`, "it's", "a\n}\n"];
      const text = instructions({
        entry: { joinFiles: [] },
        sandboxDirectory: folder,
        mountsFile: undefined,
        command: { exported: ["A=b", "C='\n}\n'"], argv },
      });
      const whole = text.lastIndexOf("}") + 1;
      const cuts = [0, 1, 2, 20, ...[40, 7, 3, 2, 1].map((short) => whole - short)];
      const ends = cuts.map(async (length) => {
        const record = join(folder, String(length));
        const started = await startSupervisor({
          ...{ kind: PLAIN, tools: tools.value, record },
          streams,
        });
        assert.ok(started.ok);
        started.value.tell(text.slice(0, length));
        await within(10_000, started.value.ended);
        return readFileSync(`${record}.ended`, "utf8");
      });
      for (const end of await Promise.all(ends)) {
        assert.match(
          end,
          /^refused The agent ended before it had said what to run\n[\s\S]*125 end\n$/m,
        );
      }
      assert.ok(!existsSync(mark));
      const record = join(folder, "whole");
      const started = await startSupervisor({ kind: PLAIN, tools: tools.value, record, streams });
      assert.ok(started.ok);
      started.value.tell(text.slice(0, whole));
      await within(10_000, started.value.ended);
      assert.ok(existsSync(mark), "a text that is whole runs");
      closeSync(said);
    });

    test("a command that was stopped and goes on has not ended", async () => {
      const tools = await findHostTools(shell);
      assert.ok(tools.ok);
      const runtimeDirectory = mkdtempSync(join(directory, "runtime-"));
      const containerizer = new SupervisedContainerizer(runtimeDirectory, unconfined, {
        tools: tools.value,
      });
      const command = "(sleep 0.2; kill -CONT $$) & kill -STOP $$; exit 9";
      const spec = specOf({ directory: runtimeDirectory }, command);
      assert.ok((await containerizer.launch(spec)).ok);
      const termination = await within(5_000, containerizer.wait(spec.containerId));
      assert.deepEqual(termination, { kind: "EXITED", code: 9, waitStatus: 9 << 8 });
    });
  });
}

test("a shell that cannot tell exits from signals fails the self-test", async () => {
  const { chmodSync, writeFileSync } = await import("node:fs");
  const shell = join(directory, "poor-sh");
  // It reports every job as done, as a shell without a job table would.
  const script = `#!/bin/sh\ncase $2 in *supervisor*|record=*) shift; s=$1; shift\nexec /bin/sh -c "$(printf '%s' "$s" | sed 's/^  jobs >.*/  echo "[1] + Done" >"$record.ended"/')" "$@";; *) exec /bin/sh "$@";; esac\n`;
  writeFileSync(shell, script);
  chmodSync(shell, 0o755);
  const checked = await checkSupervisor(join(directory, "check"), shell);
  assert.ok(!checked.ok);
  assert.match(checked.error.why, /cannot tell exit status 143 from SIGTERM .*; install dash/);
});

test("the report of every shell is read, and only when it is whole", () => {
  const ends = [
    ["[1] + Done(143)                  \n143 end\n", { kind: "EXITED", code: 143 }],
    ['[1]+  Exit 143                run "$@"\n143 end\n', { kind: "EXITED", code: 143 }],
    ["[1] + Done                       \n0 end\n", { kind: "EXITED", code: 0 }],
    // bash's second wait for what has ended before the first one knows nothing.
    ['[1]+  Done(127)               begin "$@"\n145 end\n', { kind: "EXITED", code: 127 }],
    ['[1]+  Exit 145                begin "$@"\n127 end\n', { kind: "EXITED", code: 145 }],
    [
      '[1]+  Terminated              run "$@"\n143 end\n',
      { kind: "SIGNALED", signal: 15, coreDumped: false },
    ],
    [
      "[1] + Segmentation fault (core dumped) \n139 end\n",
      { kind: "SIGNALED", signal: 11, coreDumped: true },
    ],
    ["[1] + Done(143)  \n14", undefined],
    ["[1] + Done(143)  \n143 end", undefined],
    ["", undefined],
  ] as const;
  for (const [text, end] of ends) assert.deepEqual(parseEnded(text), end, text);
  assert.equal(waitStatusOf({ kind: "SIGNALED", signal: 11, coreDumped: true }), 139);
  assert.equal(waitStatusOf({ kind: "EXITED", code: 3 }), 768);
});

const STAT =
  "7825 (a) b (c) S 1 7825 7825 0 -1 4194560 1 0 0 0 12 3 4 5 20 0 2 0 98765 2637824 1007 18446744073709551615";

test("a process' line is read even when its name has brackets and blanks", () => {
  const stat = parseStat(STAT);
  assert.deepEqual(stat, {
    pid: 7825,
    state: "S",
    parentPid: 1,
    groupId: 7825,
    sessionId: 7825,
    userTicks: 16,
    systemTicks: 8,
    threads: 2,
    startTicks: 98765,
    residentPages: 1007,
  });
  assert.equal(parseStat("7825 (cut"), undefined);
});

test("a started record without its last line end does not trust the number in it", () => {
  const supervisor = { bootId: "b-1", pid: 7825, startTicks: 98765 };
  assert.deepEqual(parseStarted(`b-1 ${STAT}\n7826\n`), { supervisor, commandPid: 7826 });
  assert.deepEqual(parseStarted(`b-1 ${STAT}\n78`), { supervisor, commandPid: undefined });
  assert.equal(parseStarted(`b-1 ${STAT}`), undefined);
  assert.equal(parseStarted(""), undefined);
});

test("this process is found in the table, unmarked", () => {
  const own = defined(readProcess(process.pid), "this process exists");
  assert.equal(own.parentPid, process.ppid);
  assert.equal(readMark(process.pid), undefined);
  assert.equal(readProcess(2 ** 22 + 1), undefined);
});

test("accounts are found by whole name", () => {
  const passwd =
    "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";
  assert.deepEqual(parsePasswd(passwd, "nobody"), { userId: 65534, groupId: 65533 });
  assert.deepEqual(parsePasswd(passwd, "root"), { userId: 0, groupId: 0 });
  assert.equal(parsePasswd(passwd, "no"), undefined);
});
