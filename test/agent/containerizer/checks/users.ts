/** Containers with users of their own. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  type ContainerSpec,
  describeLaunchError,
} from "../../../../agent/containerizer/containerizer.ts";
import { type ContainerizerKind, containerizers } from "../../../../agent/containerizer/index.ts";
import { isolatorNames } from "../../../../agent/containerizer/isolators.ts";
import {
  inLab,
  type Lab,
  machineDirectoryOf,
  output,
  run,
  specOf,
  start,
  until,
  within,
} from "../harness.ts";
import type { Checks } from "../suite.ts";

const FROM = 200_000;
const NOBODY = 65_534;
const NOT_HERE: readonly string[] = ["cgroups/devices", "gpu/nvidia", "linux/seccomp", "disk/du"];

async function inUsersLab(
  kind: ContainerizerKind,
  check: (lab: Lab) => Promise<void>,
): Promise<void> {
  await inLab(kind, async (lab) => {
    const isolation = new Set(isolatorNames.filter((name) => !NOT_HERE.includes(name)));
    const options = { ...lab.options, isolation, users: { from: FROM, count: 65_536 } };
    await check({ ...lab, options, containerizer: containerizers[kind].create(options) });
  });
}

const ownerOf = (path: string): string => {
  const { uid, gid } = statSync(path);
  return `${uid}:${gid}`;
};

function folder(lab: Lab, name: string, owner: number): string {
  const path = join(machineDirectoryOf(lab.directory), name);
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
  chownSync(path, owner, owner);
  return path;
}

const host = (path: string, readOnly: boolean): Partial<ContainerSpec> => ({
  volumes: [{ containerPath: "v", readOnly, source: { kind: "HOST", path } }],
});

async function refusal(lab: Lab, over: Partial<ContainerSpec>): Promise<string> {
  const launched = await lab.containerizer.launch(specOf(lab, "echo started", over));
  assert.ok(!launched.ok, "the launch must be refused");
  return describeLaunchError(launched.error);
}

export const userChecks: Checks = {
  "root in a container with users of its own is nobody on the machine": (kind) =>
    inUsersLab(kind, async (lab) => {
      const secret = folder(lab, "secret", 0);
      chmodSync(secret, 0o700);
      const command = `id -u; touch mine; ls -A v; chown 5:6 mine; cat /proc/self/uid_map`;
      const ran = await start(lab, `${command}; echo x >>/dev/stdout; exec sleep 60`, {
        ...host(secret, true),
      });
      await until("it has written", () => output(ran, "stdout").includes("x\n"));
      const [user, map] = output(ran, "stdout").split("\n");
      assert.equal(user, "0");
      assert.match(map ?? "", /^\s+0\s+200000\s+65536$/);
      assert.match(output(ran, "stderr"), /v.*Permission denied/);
      assert.equal(ownerOf(join(ran.sandboxDirectory, "mine")), `${FROM + 5}:${FROM + 6}`);
      assert.equal(ownerOf(join(ran.sandboxDirectory, "stdout")), `${FROM}:${FROM}`);
      await within(20_000, lab.containerizer.destroy(ran.containerId));
    }),

  "another user of such a container is another nobody": (kind) =>
    inUsersLab(kind, async (lab) => {
      const ran = await start(lab, "id -u; touch mine; setsid true; sleep 0", { user: "nobody" });
      await within(20_000, lab.containerizer.wait(ran.containerId));
      assert.equal(output(ran, "stdout"), `${NOBODY}\n`, output(ran, "stderr"));
      const owner = `${FROM + NOBODY}:${FROM + NOBODY}`;
      assert.equal(ownerOf(join(ran.sandboxDirectory, "mine")), owner);
    }),

  "such a container has no rights over the machine, whatever the operator allows": (kind) =>
    inUsersLab(kind, async (lab) => {
      const options = { ...lab.options, allowedCapabilities: ["SYS_ADMIN", "MKNOD"] as const };
      const strong = { ...lab, containerizer: containerizers[kind].create(options) };
      const attempts = [
        "mount -t tmpfs x /tmp",
        "umount /proc",
        "echo other >/proc/sys/kernel/hostname",
        "mknod made c 1 3",
      ];
      for (const attempt of attempts) {
        const ran = await run(strong, `${attempt} && echo done`);
        assert.equal(ran.stdout.includes("done"), false, attempt);
      }
    }),

  "what runs inside such a container has its users, whichever agent starts it": (kind) =>
    inUsersLab(kind, async (lab) => {
      const outer = await start(lab, "echo up; sleep 60");
      const { containerId, sandboxDirectory } = outer;
      await until("it is up", () => output(outer, "stdout") === "up\n");
      // An agent that gives new containers the machine's.
      const { isolation: _isolation, users: _users, ...options } = lab.options;
      const next = { ...lab, containerizer: containerizers[kind].create(options) };
      await next.containerizer.recover([{ containerId }]);
      const inside = { inside: containerId, sandboxDirectory };
      await run(next, "id -u; cat /proc/self/uid_map; touch within", { ...inside });
      assert.match(output(outer, "stdout"), /\n0\n\s+0\s+200000\s+65536\n$/);
      assert.equal(ownerOf(join(sandboxDirectory, "within")), `${FROM}:${FROM}`);
      await run(next, "id -u", { ...inside, user: "nobody" });
      assert.match(output(outer, "stdout"), /\n65534\n$/);
      const terminal = { terminal: { rows: 20, columns: 60 } };
      await run(next, "stty size; tty", { ...inside, ...terminal });
      assert.match(output(outer, "stdout"), /20 60\r?\n\/dev\/pts\/\d/);
      await next.containerizer.destroy(containerId);
    }),

  "a folder of the machine can be written where it is the container's, else only read": (kind) =>
    inUsersLab(kind, async (lab) => {
      const own = folder(lab, "own", FROM);
      const wrote = await run(lab, "echo x >v/file; cat v/file", host(own, false));
      assert.equal(wrote.stdout, "x\n", wrote.stderr);
      const others = folder(lab, "others", 0);
      const why = await refusal(lab, host(others, false));
      assert.match(why, /belongs to the user 0, who is nobody in a container.*200000/);
      const read = await run(lab, "ls -d v", host(others, true));
      assert.equal(read.stdout, "v\n", read.stderr);
    }),

  "images, and users beyond the range, are refused by name": (kind) =>
    inUsersLab(kind, async (lab) => {
      const image = { name: "alpine:3", cached: true };
      assert.match(await refusal(lab, { image }), /image 'alpine:3'.*namespaces\/user/);
      const options = { ...lab.options, users: { from: FROM, count: 100 } };
      const narrow = { ...lab, containerizer: containerizers[kind].create(options) };
      const why = await refusal(narrow, { user: "nobody" });
      assert.match(why, /the user 'nobody': its id 65534 is beyond the 100 ids/);
    }),
};
