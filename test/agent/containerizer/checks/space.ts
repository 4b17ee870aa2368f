/** What a container sees and may do: namespaces, mounts, privileges, limits of its processes. */
import assert from "node:assert/strict";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ContainerSpec, VolumeMount } from "../../../../agent/containerizer/containerizer.ts";
import { describeLaunchError } from "../../../../agent/containerizer/containerizer.ts";
import { containerizers } from "../../../../agent/containerizer/index.ts";
import {
  inLab,
  type Lab,
  machineDirectoryOf,
  newContainerId,
  run,
  specOf,
  start,
  until,
  within,
} from "../harness.ts";
import type { Checks } from "../suite.ts";

const host = (path: string, containerPath: string, readOnly = false): VolumeMount => ({
  containerPath,
  readOnly,
  source: { kind: "HOST", path },
});

async function refusal(lab: Lab, over: Partial<ContainerSpec>): Promise<string> {
  const launched = await lab.containerizer.launch(specOf(lab, "echo started", over));
  assert.ok(!launched.ok, "the launch must be refused");
  return describeLaunchError(launched.error);
}

/** A folder of the machine outside the agent's own, as an operator has. */
function machineFolder(lab: Lab): string {
  const path = machineDirectoryOf(lab.directory);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "file"), "data\n");
  return path;
}

export const spaceChecks: Checks = {
  "a container sees and signals its own processes only": (kind) =>
    inLab(kind, async (lab) => {
      const command = 'ls -d /proc/[0-9]* | wc -l; kill -0 "$0" 2>&1; cat /proc/1/comm';
      const ran = await run(lab, "", {
        command: {
          shell: false,
          value: "/bin/sh",
          arguments: ["sh", "-c", command, String(process.pid)],
        },
      });
      const [count = "", refused = "", first] = ran.stdout.split("\n").filter(Boolean);
      assert.ok(Number(count) <= 5, `${count} processes`);
      assert.match(refused, /No such process/);
      assert.equal(first, "sh");
    }),

  "the host name is the container's own": (kind) =>
    inLab(kind, async (lab) => {
      const before = readFileSync("/proc/sys/kernel/hostname", "utf8");
      const ran = await run(lab, "cat /proc/sys/kernel/hostname", { hostname: "box-7.example" });
      assert.equal(ran.stdout, "box-7.example\n");
      assert.equal(readFileSync("/proc/sys/kernel/hostname", "utf8"), before);
      const none = await run(lab, "cat /proc/sys/kernel/hostname");
      assert.equal(none.stdout, before);
    }),

  "/tmp begins empty, belongs to everybody, and stays in the sandbox": (kind) =>
    inLab(kind, async (lab) => {
      const spec = await start(
        lab,
        "ls -A /tmp | grep -v rimrock; stat -c %a /tmp; echo x >/tmp/mine",
      );
      await within(20_000, lab.containerizer.wait(spec.containerId));
      assert.equal(readFileSync(join(spec.sandboxDirectory, "stdout"), "utf8"), "1777\n");
      assert.equal(readFileSync(join(spec.sandboxDirectory, ".tmp/mine"), "utf8"), "x\n");
    }),

  "the agent's folder is empty but for the container's own sandbox": (kind) =>
    inLab(kind, async (lab) => {
      writeFileSync(join(lab.directory, "token"), "secret");
      const other = await start(lab, "echo private >note; sleep 60");
      const ran = await run(lab, `ls -A ${lab.directory}; cat ${lab.directory}/token`);
      const names = ran.stdout.trim().split("\n");
      assert.equal(names.length, 1, ran.stdout);
      assert.match(names[0] ?? "", /^sandbox-/);
      assert.match(ran.stderr, /token.*No such file/);
      const peek = `cat ${other.sandboxDirectory}/note; cat /proc/1/root${lab.directory}/token`;
      const peeked = await run(lab, peek);
      assert.equal(peeked.stdout, "");
      // The way up from the sandbox leads into the hidden folder, not around it.
      const up = await run(lab, "ls -A ..; cd ..; cat token");
      assert.match(up.stdout, /^sandbox-[^\n]*\n$/);
    }),

  "/sys, cgroups and the kernel's settings cannot be written, by root neither": (kind) =>
    inLab(kind, async (lab) => {
      const writes = [
        "echo 1 >/proc/sys/kernel/panic",
        "echo core >/proc/sys/kernel/core_pattern",
        'for f in $(find /sys/fs/cgroup -name cgroup.procs | head -n 3); do echo $$ >"$f"; done',
        "mount -o remount,rw /sys",
        "umount /proc",
        "mknod block b 254 0",
      ];
      for (const write of writes) {
        const ran = await run(lab, `${write} && echo done`);
        assert.equal(ran.stdout, "", write);
        assert.match(ran.stderr, /Read-only|ermission|denied|permitted|superuser/, write);
      }
    }),

  "the programs that start containers cannot be changed": (kind) =>
    inLab(kind, async (lab) => {
      // Opened for appending and closed again: where it is not refused, nothing is changed.
      const files = ["/bin/sh", "/usr/bin/env", process.execPath];
      for (const file of files) {
        const ran = await run(lab, `true >>"$(readlink -f ${file})" && echo done`);
        assert.equal(ran.stdout, "", file);
      }
      const self = await run(lab, "true >>/proc/self/exe && echo done");
      assert.equal(self.stdout, "");
    }),

  "of devices a container has the harmless ones and terminals": (kind) =>
    inLab(kind, async (lab) => {
      const ran = await run(lab, "ls /dev; echo x >/dev/null; head -c 2 /dev/zero | wc -c");
      assert.equal(
        ran.stdout,
        "fd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n2\n",
      );
      const out = await run(lab, "echo out >/dev/stdout; ls /dev/pts; echo x >/dev/shm/y");
      assert.equal(out.stdout, "out\nptmx\n");
    }),

  "what one container does to its /dev no other one sees, also where both are root's": (kind) =>
    inLab(kind, async (lab) => {
      const deeds = ["echo x >/dev/note", "ln -sf /etc/passwd /dev/ptmx", "rm -f /dev/full"];
      for (const deed of deeds) {
        const ran = await run(lab, `${deed} && echo done`);
        assert.equal(ran.stdout, "", deed);
      }
      const other = await run(lab, "cat /dev/note; readlink /dev/ptmx; echo x 2>&1 >/dev/full");
      assert.match(other.stdout, /^pts\/ptmx\n.*(?:No space left|I\/O error)/i);
    }),

  "shared memory is its own, of the size that was asked for": (kind) =>
    inLab(kind, async (lab) => {
      const sharedMemory = { mode: "PRIVATE", bytes: 8 * 1_048_576 } as const;
      const ran = await run(
        lab,
        "df -k /dev/shm | awk 'END { print $2 }'; readlink /proc/self/ns/ipc",
        {
          sharedMemory,
        },
      );
      const [size, space] = ran.stdout.split("\n");
      assert.equal(size, "8192");
      const shared = await run(lab, "readlink /proc/self/ns/ipc", {
        sharedMemory: { mode: "SHARED" },
      });
      assert.notEqual(shared.stdout, `${space}\n`);
    }),

  "a process cannot gain rights, and root has only harmless ones": (kind) =>
    inLab(kind, async (lab) => {
      const status = "grep -E '^(CapBnd|CapEff|NoNewPrivs)' /proc/self/status";
      const root = await run(lab, status);
      assert.match(root.stdout, /NoNewPrivs:\s+1\n/);
      // NET_RAW, SYS_ADMIN, SYS_PTRACE, SYS_MODULE, MKNOD: bits 13, 21, 19, 16, 27.
      const effective = BigInt(`0x${/CapEff:\s+(\w+)/.exec(root.stdout)?.[1]}`);
      for (const bit of [13n, 16n, 19n, 21n, 27n])
        assert.equal((effective >> bit) & 1n, 0n, `${bit}`);
      const user = await run(lab, status, { user: "nobody" });
      assert.match(user.stdout, /CapEff:\s+0+\n/);
    }),

  "capabilities are given as asked, and refused by name when the operator does not allow them": (
    kind,
  ) =>
    inLab(kind, async (lab) => {
      const caps = "grep -E '^Cap(Eff|Bnd)' /proc/self/status";
      const user = await run(lab, caps, {
        user: "nobody",
        capabilities: { effective: ["NET_BIND_SERVICE"], bounding: ["NET_BIND_SERVICE", "KILL"] },
      });
      assert.match(user.stdout, /CapEff:\s+0+400\nCapBnd:\s+0+420\n/);
      const root = await run(lab, caps, { capabilities: { effective: ["CHOWN"] } });
      assert.match(root.stdout, /CapEff:\s+0+1\n/);
      const none = await run(lab, caps, { capabilities: { effective: [] } });
      assert.match(none.stdout, /CapEff:\s+0+\n/);
      assert.match(
        await refusal(lab, { capabilities: { effective: ["SYS_ADMIN"] } }),
        /the operator does not allow SYS_ADMIN/,
      );
      const beyond = { effective: ["CHOWN"], bounding: ["KILL"] } as const;
      assert.match(await refusal(lab, { capabilities: beyond }), /CHOWN is among its effective/);
    }),

  "limits of processes are set; one that cannot be had ends the launch with the reason": (kind) =>
    inLab(kind, async (lab) => {
      const ran = await run(lab, "ulimit -Sn; ulimit -Hn; ulimit -c", {
        processLimits: [
          { name: "nofile", amounts: { soft: 64n, hard: 128n } },
          { name: "core", amounts: { soft: 0n, hard: 0n } },
        ],
      });
      assert.equal(ran.stdout, "64\n128\n0\n");
      const amounts = { soft: 9n, hard: 5n };
      const wrong = await run(lab, "echo started", {
        processLimits: [{ name: "nofile", amounts }],
      });
      assert.equal(wrong.termination.kind, "NOT_STARTED");
      assert.equal(wrong.stdout, "");
    }),

  "volumes of the machine appear where they are wanted, read-only ones cannot be written": (kind) =>
    inLab(kind, async (lab) => {
      const data = machineFolder(lab);
      const ran = await run(
        lab,
        "cat a/b/file; echo new >a/b/new; cat /mnt/file; echo no >/mnt/no",
        {
          volumes: [host(data, "a/b"), host(data, "/mnt", true)],
        },
      );
      assert.equal(ran.stdout, "data\ndata\n");
      assert.match(ran.stderr, /Read-only file system/);
      assert.equal(readFileSync(join(data, "new"), "utf8"), "new\n");
      const same = await run(lab, "echo no >/mnt/no", { volumes: [host("/mnt", "/mnt", true)] });
      assert.match(same.stderr, /Read-only file system/);
      const file = await run(lab, "cat inside/conf", {
        volumes: [host(join(data, "file"), "inside/conf", true)],
      });
      assert.equal(file.stdout, "data\n");
      const temporary = await run(lab, "echo x >/tmp/deep/er/x; cat own/x", {
        volumes: [
          {
            containerPath: "/tmp/deep/er",
            readOnly: false,
            source: { kind: "SANDBOX", path: "own" },
          },
        ],
      });
      assert.equal(temporary.stdout, "x\n");
    }),

  "paths with blanks, line ends and everything else that a table could stumble over are mounted": (
    kind,
  ) =>
    inLab(kind, async (lab) => {
      const names = [
        "a b",
        "#c",
        "tab\there",
        "back\\040slash",
        "line\nend ro",
        "-x",
        "$(id)",
        "é",
      ];
      const volumes = names.map((name, index) => {
        const path = join(machineFolder(lab), name);
        mkdirSync(path);
        writeFileSync(join(path, "which"), `${index}\n`);
        return host(path, `in/${name}`);
      });
      const ran = await run(lab, 'for f in "$@"; do cat "in/$f/which"; done', {
        volumes,
        command: {
          ...{ shell: false, value: "/bin/sh" },
          arguments: ["sh", "-c", 'for f in "$@"; do cat "in/$f/which"; done', "sh", ...names],
        },
      });
      assert.equal(ran.stdout, names.map((_, index) => `${index}\n`).join(""));
    }),

  "a volume that leads out, or to what is the agent's, is refused": (kind) =>
    inLab(kind, async (lab) => {
      const data = machineFolder(lab);
      symlinkSync("/etc", join(data, "link"));
      const bad: readonly (readonly [VolumeMount, RegExp])[] = [
        [host(data, "../up"), /leads out of the sandbox/],
        [host(data, "a/../../up"), /leads out of the sandbox/],
        [host(data, ""), /leads out of the sandbox/],
        [host("relative", "x"), /not absolute/],
        [host("/no/such/folder", "x"), /there is no '\/no\/such\/folder' on this machine/],
        [host(lab.directory, "x"), /the agent's own/],
        [host("/", "x"), /the agent's own/],
        [host(data, "/no/such/place"), /does not exist there/],
        [host(data, "/proc"), /\/proc, \/sys and \/dev/],
        [host(data, "/"), /\/proc, \/sys and \/dev/],
        [host(data, "/dev/shm"), /\/proc, \/sys and \/dev/],
        [host(data, "/etc/passwd"), /is a folder and the other is not/],
        [
          { containerPath: "x", readOnly: false, source: { kind: "SANDBOX", path: "../.." } },
          /leads out/,
        ],
        [
          { containerPath: "x", readOnly: false, source: { kind: "SANDBOX", path: "/etc" } },
          /leads out/,
        ],
        [
          { containerPath: "x", readOnly: false, source: { kind: "GROUP", path: "x" } },
          /parent's sandbox/,
        ],
      ];
      for (const [volume, why] of bad) assert.match(await refusal(lab, { volumes: [volume] }), why);
    }),

  "links in a sandbox, or of users, lead no volume astray": (kind) =>
    inLab(kind, async (lab) => {
      const data = machineFolder(lab);
      const spec = specOf(lab, "ls link");
      symlinkSync("/etc", join(spec.sandboxDirectory, "link"));
      const through = host(data, "link/deeper");
      const sources = { kind: "SANDBOX", path: "link" } as const;
      for (const volume of [through, { containerPath: "x", readOnly: false, source: sources }]) {
        const launched = await lab.containerizer.launch({ ...spec, volumes: [volume] });
        assert.ok(!launched.ok);
        assert.match(describeLaunchError(launched.error), /meets a link or a special file/);
      }
      const users = join(data, "users");
      mkdirSync(users);
      symlinkSync("/etc", join(users, "link"));
      const { lchownSync } = await import("node:fs");
      lchownSync(join(users, "link"), 65_534, 65_534);
      chownSync(users, 65_534, 65_534);
      const why = await refusal(lab, { volumes: [host(join(users, "link"), "x")] });
      assert.match(why, /a link of a user/);
      assert.deepEqual(readdirSync("/etc").includes("deeper"), false);
    }),

  "tasks of a group share their sandbox and /tmp, and may mount folders of it": (kind) =>
    inLab(kind, async (lab) => {
      const outer = join(lab.directory, "executor");
      mkdirSync(outer);
      const group = { id: newContainerId(), sandboxDirectory: outer };
      const task = (name: string): Partial<ContainerSpec> => {
        const sandboxDirectory = join(outer, name);
        mkdirSync(sandboxDirectory);
        const source = { kind: "GROUP", path: "common/deep" } as const;
        const volumes = [{ containerPath: "shared", readOnly: false, source }];
        return { group, sandboxDirectory, volumes };
      };
      await run(lab, "echo one >/tmp/first; echo two >shared/second; pwd >/tmp/where", task("a"));
      const second = await run(
        lab,
        "cat /tmp/first shared/second; cat ../../executor/a/stdout; pwd",
        task("b"),
      );
      assert.equal(second.stdout, `one\ntwo\n${outer}/b\n`);
      assert.equal(readFileSync(join(outer, "common/deep/second"), "utf8"), "two\n");
    }),

  "containers of a group have one shared memory, which is gone with the last of them": (kind) =>
    inLab(kind, async (lab) => {
      const outer = join(lab.directory, "executor");
      mkdirSync(outer);
      const group = { id: newContainerId(), sandboxDirectory: outer };
      const task = (name: string, more: Partial<ContainerSpec> = {}): Partial<ContainerSpec> => {
        const sandboxDirectory = join(outer, name);
        mkdirSync(sandboxDirectory);
        return { group, sandboxDirectory, ...more };
      };
      const space = "readlink /proc/self/ns/ipc; cat /dev/shm/note 2>&1";
      const hold = `echo note >/dev/shm/note; ${space}; sleep 60`;
      const first = await start(lab, hold, task("a"));
      const said = (): string => readFileSync(join(outer, "a/stdout"), "utf8");
      await until("the first one is up", () => said().includes("note"));
      const second = await run(lab, space, task("b"));
      assert.equal(second.stdout, said());
      const other = await run(lab, space, task("c", { sharedMemory: { mode: "PRIVATE" } }));
      assert.match(other.stdout, /^ipc:.*\ncat: .*No such file/);
      assert.notEqual(other.stdout.split("\n")[0], said().split("\n")[0]);
      // The next agent process knows of the group as well.
      const { containerId } = first;
      const next = { ...lab, containerizer: containerizers[kind].create(lab.options) };
      await next.containerizer.recover([{ containerId }]);
      assert.equal((await run(next, space, task("d"))).stdout, said());
      await next.containerizer.destroy(containerId);
      assert.ok(!existsSync(`/dev/shm/rimrock-${group.id}`));
      const later = await run(next, space, task("e"));
      assert.match(later.stdout, /No such file/);
      assert.ok(!existsSync(`/dev/shm/rimrock-${group.id}`));
    }),

  "containers of a group that start at once have one shared memory, too": (kind) =>
    inLab(kind, async (lab) => {
      const outer = join(lab.directory, "executor");
      mkdirSync(outer);
      const group = { id: newContainerId(), sandboxDirectory: outer };
      const ran = await Promise.all(
        ["a", "b", "c", "d"].map((name) => {
          const sandboxDirectory = join(outer, name);
          mkdirSync(sandboxDirectory);
          const command = `readlink /proc/self/ns/ipc; touch /tmp/${name}; while [ ! -e /tmp/a ] || [ ! -e /tmp/d ]; do sleep 0.05; done`;
          return run(lab, command, { group, sandboxDirectory });
        }),
      );
      assert.equal(new Set(ran.map(({ stdout }) => stdout)).size, 1);
    }),

  "folders of the agent that a container is given are there at their own path": (kind) =>
    inLab(kind, async (lab) => {
      const volume = join(lab.directory, "volumes/one");
      mkdirSync(volume, { recursive: true });
      writeFileSync(join(volume, "kept"), "kept\n");
      mkdirSync(join(lab.directory, "volumes/two"));
      const readOnly = { path: volume, readOnly: true };
      const ran = await run(lab, `cat ${volume}/kept; echo x >${volume}/no; ls ${volume}/..`, {
        agentFolders: [readOnly],
      });
      assert.equal(ran.stdout, "kept\none\n");
      assert.match(ran.stderr, /Read-only/);
    }),

  "what an ended container mounted is nowhere": (kind) =>
    inLab(kind, async (lab) => {
      const data = machineFolder(lab);
      await run(lab, "true", { volumes: [host(data, "v")] });
      const running = await start(lab, "sleep 60", { volumes: [host(data, "v")] });
      const mounts = readFileSync("/proc/self/mountinfo", "utf8");
      assert.ok(!mounts.includes(lab.directory), "nothing is mounted for the machine itself");
      await lab.containerizer.destroy(running.containerId);
    }),

  "a daemon that forked away dies with its container": (kind) =>
    inLab(kind, async (lab) => {
      const away =
        "(setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 0.05; date +%s%N >beat; done' &)";
      const spec = await start(lab, `${away}; while [ ! -e beat ]; do sleep 0.02; done`);
      await within(20_000, lab.containerizer.wait(spec.containerId));
      const beat = readFileSync(join(spec.sandboxDirectory, "beat"), "utf8");
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal(readFileSync(join(spec.sandboxDirectory, "beat"), "utf8"), beat);
    }),
};
