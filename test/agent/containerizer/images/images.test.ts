/**
 * Images of containers that are not Docker's, for real: a registry on loopback, layers on disk,
 * overlayfs, and a root that nothing leads out of.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ContainerSpec, ImageSpec } from "../../../../agent/containerizer/containerizer.ts";
import { containerizers } from "../../../../agent/containerizer/index.ts";
import { type ImageRegistry, startImageRegistry } from "../../../support/image-registry.ts";
import { requirement } from "../../../support/require.ts";
import { tarOf } from "../../../support/tar.ts";
import {
  MEGABYTE,
  newContainerId,
  output,
  run,
  specOf,
  start,
  uniqueSleep,
  until,
} from "../harness.ts";
import { busyboxLayer, type ImageLab, imaged, inImageLab, refusedLaunch } from "./image-lab.ts";

const docker = requirement("docker");
let registry: ImageRegistry;

beforeAll(async () => {
  registry = await startImageRegistry();
  const base = busyboxLayer();
  registry.push("public/shell:1", { layers: [base], config: { Env: ["PATH=/bin", "FROM=image"] } });
  registry.push("public/app:1", {
    isOci: true,
    layers: [
      base,
      tarOf([
        { name: "srv/", type: "5", userId: 1234, groupId: 1235 },
        { name: "srv/data", content: "of the image", userId: 1234 },
        { name: "run", type: "2", link: "/var/run" },
      ]),
    ],
    config: {
      ...{ Env: ["PATH=/bin"], Entrypoint: ["/bin/echo", "entry"], Cmd: ["cmd"] },
      ...{ WorkingDir: "/srv", User: "app" },
    },
  });
});
afterAll(() => registry.close());

const image = (name: string, over: Partial<ImageSpec> = {}): ImageSpec => ({
  ...{ name: `${registry.host}/${name}`, cached: true, ...over },
});
const shell = (over: Partial<ContainerSpec> = {}): Partial<ContainerSpec> => ({
  ...{ image: image("public/shell:1"), environment: {}, ...over },
});

describe.skipIf(docker.missing)(docker.title("a container with an image"), () => {
  test("sees the image, its sandbox, and nothing of the machine", async () => {
    await inImageLab(async (lab) => {
      const ran = await run(
        lab,
        "echo $(ls /); pwd; echo $FROM; cat /etc/hosts; touch made",
        shell(),
      );
      const hosts = readFileSync("/etc/hosts", "utf8");
      expect(ran.stdout).toBe(`bin dev etc mnt proc sys tmp\n/mnt/mesos/sandbox\nimage\n${hosts}`);
      expect(ran.termination).toMatchObject({ kind: "EXITED", code: 0 });
      expect(ran.stderr).toMatch(/^Fetching the image '.*': 1 layers, .* MB\nFetched the image/);
    });
  });

  test("has no way back: no mount, descriptor, process or change of root leads out", async () => {
    await inImageLab(async (lab) => {
      const secret = join(lab.directory, "secret");
      writeFileSync(secret, "of the machine");
      const ran = await run(
        lab,
        [
          // Descriptors that lead to a folder, or to a program of the machine.
          "ls -l /proc/self/fd/ | grep -c -e '/$' -e '/usr/bin' -e ns:",
          "grep -c -e ' /usr ' -e ' /bin ' -e '- tmpfs rimrock ' /proc/self/mountinfo",
          // Up from a folder that is outside of the new root of a chroot.
          `mkdir /jail; cd /; chroot /jail /bin/sh 2>/dev/null; cat ${"../".repeat(30)}${secret}`,
          `for pid in /proc/[0-9]*; do cat $pid/root${secret} && echo out; done`,
          "ls /proc/1/root/ /proc/1/cwd/",
          "mount -t tmpfs none /mnt && echo mounted",
          "mknod /disk b 254 0 && echo made",
          "true",
        ].join("\n"),
        shell(),
      );
      expect(ran.stdout).toBe("0\n0\n");
      expect(ran.stderr).not.toContain("of the machine");
    });
  });

  test("leaves its image as it was, and nothing behind", async () => {
    await inImageLab(async (lab) => {
      const first = await run(
        lab,
        "echo x >/etc/passwd; mkdir /new; rm /bin/ls; ls /bin/ls",
        shell(),
      );
      expect(first.stderr).toContain("/bin/ls: No such file");
      const second = await run(lab, "cat /etc/passwd; ls -d /new", shell());
      expect(second.stdout).toContain("app:x:1234");
      expect(second.stderr).toContain("/new: No such file");
      await until("no folder is left", () => containersOf(lab).length === 0);
    });
  });

  test("runs what its image says, where and as whom, unless its task says otherwise", async () => {
    await inImageLab(async (lab) => {
      const app = { image: image("public/app:1"), environment: {} };
      const none = { shell: false, value: "", arguments: [] } as const;
      expect((await run(lab, "", { ...app, command: none })).stdout).toBe("entry cmd\n");
      const more = { ...none, arguments: ["more"] };
      expect((await run(lab, "", { ...app, command: more })).stdout).toBe("entry more\n");
      const own = { shell: false, value: "/bin/cat", arguments: ["cat", "data"] } as const;
      expect((await run(lab, "", { ...app, command: own })).stdout).toBe("of the image");
      const who = "pwd; id; stat -c %u . /mnt/mesos/sandbox; echo x >made && echo wrote";
      expect((await run(lab, who, app)).stdout).toBe(
        "/srv\nuid=1234(app) gid=1235(app) groups=1300(extra)\n1234\n1234\nwrote\n",
      );
    });
  });

  test("runs as a user of its image's, and never as root by another name", async () => {
    await inImageLab(async (lab) => {
      const ran = await run(lab, "id; touch mine; stat -c %u mine", shell({ user: "app" }));
      expect(ran.stdout).toBe("uid=1234(app) gid=1235(app) groups=1300(extra)\n1234\n");
      // Of the machine, because the image knows none of that name.
      const nobody = await run(lab, "id", shell({ user: "nobody" }));
      expect(nobody.stdout).toMatch(/^uid=65534 gid=6553\d\n$/);
      expect(await refusedLaunch(lab, shell({ user: "sly" }))).toMatchObject({
        ...{ code: "IMAGE_FAILED", why: "its /etc/passwd makes root of the user 'sly'" },
      });
      expect(await refusedLaunch(lab, shell({ user: "who" }))).toMatchObject({
        ...{ code: "IMAGE_FAILED", why: expect.stringContaining("no user 'who'") },
      });
    });
  });

  test("gets arguments and variables as they are, whatever is in them", async () => {
    await inImageLab(async (lab) => {
      const words = ["it's", 'a "b"', "$HOME `x`", "line\nend", "", "-n", "\\"];
      const command = {
        ...{ shell: false, value: "/bin/sh" },
        arguments: ["sh", "-c", 'printf "<%s>" "$@"; printf "(%s)" "$A" "$IFS"', "sh", ...words],
      } as const;
      const environment = { A: "it's\n$(x) \\", LD_PRELOAD: "/nowhere.so" };
      const ran = await run(lab, "", shell({ command, environment }));
      expect(ran.stdout).toBe(`${words.map((word) => `<${word}>`).join("")}(it's\n$(x) \\)( \t\n)`);
      // No program of the machine's is run with what is meant for the image's.
      expect(ran.stderr).not.toContain("preload");
      const named = {
        shell: false,
        value: "/bin/busybox",
        arguments: ["echo", "as", "echo"],
      } as const;
      const other = await run(lab, "", shell({ command: named, environment: { "a.b": "c" } }));
      expect(other.stdout).toBe("as echo\n");
      const env = { shell: false, value: "/bin/env", arguments: ["env"] } as const;
      const dotted = await run(lab, "", shell({ command: env, environment: { "a.b": "c" } }));
      expect(dotted.stdout).toContain("a.b=c\n");
    });
  });

  test("ends as its command does: status, signal, no such program", async () => {
    await inImageLab(async (lab) => {
      const end = async (command: string) => (await run(lab, command, shell())).termination;
      expect(await end("exit 7")).toMatchObject({ kind: "EXITED", code: 7 });
      expect(await end("kill -9 $$")).toMatchObject({ kind: "SIGNALED", signal: "SIGKILL" });
      const missing = { shell: false, value: "/usr/bin/env", arguments: ["env"] } as const;
      const ran = await run(lab, "", shell({ command: missing }));
      // It is a program of the machine's.
      expect(ran.termination).toMatchObject({ kind: "EXITED", code: 127 });
    });
  });

  test("has volumes where its image has links, and none that lead elsewhere", async () => {
    await inImageLab(async (lab) => {
      const host = join(`${lab.directory}.machine`, "host");
      mkdirSync(host, { recursive: true });
      writeFileSync(join(host, "file"), "of a volume\n");
      const volume = (containerPath: string, path = host, readOnly = false) => ({
        ...{ containerPath, readOnly, source: { kind: "HOST", path } as const },
      });
      const volumes = [
        ...[volume("/run/x"), volume("/deep/er/y", host, true), volume("rel")],
        ...[volume("/mnt/mesos/sandbox/abs"), volume("/etc/one", join(host, "file"))],
      ];
      const ran = await run(
        lab,
        "cat /var/run/x/file /deep/er/y/file /mnt/mesos/sandbox/rel/file /mnt/mesos/sandbox/abs/file /etc/one; " +
          "echo x >/deep/er/y/new; echo y >/var/run/x/new",
        { image: image("public/app:1"), environment: {}, volumes, user: "root" },
      );
      expect(ran.stdout).toBe("of a volume\n".repeat(5));
      expect(ran.stderr).toContain("Read-only file system");
      for (const path of ["/", "/proc/x", "/dev", "/sys/y", "/a/../b"]) {
        const refused = await refusedLaunch(lab, shell({ volumes: [volume(path)] }));
        expect(refused).toMatchObject({ code: "VOLUME_REFUSED", containerPath: path });
      }
      const inside = await refusedLaunch(lab, shell({ volumes: [volume("/x", lab.directory)] }));
      expect(inside).toMatchObject({ code: "VOLUME_REFUSED" });
    });
  });

  test("has a host name of its own, in its files too", async () => {
    await inImageLab(async (lab) => {
      const ran = await run(
        lab,
        "hostname; cat /etc/hostname; grep -c own-name /etc/hosts",
        shell({ hostname: "own-name" }),
      );
      expect(ran.stdout).toBe("own-name\nown-name\n1\n");
      expect(readFileSync("/etc/hosts", "utf8")).not.toContain("own-name");
    });
  });

  test("keeps its files when another one of its name is refused", async () => {
    await inImageLab(async (lab) => {
      const spec = await start(lab, "while ! test -e end; do sleep 0.05; done; cat /kept", shell());
      await until("it runs", () => existsSync(join(folderOf(lab, spec), "upper")));
      writeFileSync(join(upperOf(lab, spec), "kept"), "kept\n");
      const again = await lab.containerizer.launch(spec);
      expect(again).toMatchObject({ error: { code: "CONTAINER_EXISTS" } });
      writeFileSync(join(spec.sandboxDirectory, "end"), "");
      await lab.containerizer.wait(spec.containerId);
      expect(output(spec, "stdout")).toBe("kept\n");
    });
  });

  test("is ended for what it writes beside its sandbox, too", async () => {
    const disk = { everyMs: 50, isEnforced: true };
    await inImageLab(
      async (lab) => {
        const limits = { cpusRequest: 100, diskLimitBytes: 4 * MEGABYTE };
        const ran = await run(
          lab,
          "dd if=/dev/zero of=/big bs=1M count=8; sleep 60",
          shell({ limits }),
        );
        expect(ran.termination).toMatchObject({ kind: "LIMITED", reason: "DISK" });
      },
      {},
      { disk },
    );
  });

  test("is not started without its image where that cannot be", async () => {
    await inImageLab(async (lab) => {
      const plain = containerizers.cgroups.create(lab.options);
      const refused = await plain.launch(specOf(lab, "true", shell()));
      expect(refused).toMatchObject({ error: { code: "NOT_SUPPORTED" } });
      const shared = shell({ sharesProcesses: true });
      expect(await refusedLaunch(lab, shared)).toMatchObject({ code: "NOT_SUPPORTED" });
      expect(containersOf(lab)).toEqual([]);
    });
  });
});

describe.skipIf(docker.missing)(docker.title("inside a container with an image"), () => {
  test("a command has the same files, and its user, and no way out", async () => {
    await inImageLab(async (lab) => {
      const outer = await start(lab, `touch /made; exec sleep ${uniqueSleep()}`, shell());
      await until("the outer command runs", () => existsSync(join(upperOf(lab, outer), "made")));
      const inside = { inside: outer.containerId, sandboxDirectory: outer.sandboxDirectory };
      const ran = await run(
        lab,
        "ls -d /made /usr; pwd; echo $FROM; cat /proc/[0-9]*/comm | grep -c sleep; id",
        {
          ...{ ...inside, environment: {}, user: "app" },
        },
      );
      expect(ran.stdout).toBe(
        "/made\n/mnt/mesos/sandbox\nimage\n1\nuid=1234(app) gid=1235(app) groups=1300(extra)\n",
      );
      expect(ran.stderr).toContain("/usr: No such file");
      expect(ran.termination).toMatchObject({ kind: "EXITED" });
      // One with a sandbox of its own begins there.
      const nested = join(outer.sandboxDirectory, "nested");
      mkdirSync(nested);
      const environment = { MESOS_SANDBOX: nested };
      const own = { inside: outer.containerId, sandboxDirectory: nested, environment };
      const there = await run(lab, "pwd; echo $MESOS_SANDBOX; touch made", own);
      expect(there.stdout).toBe(`${"/mnt/mesos/sandbox/nested\n".repeat(2)}`);
      expect(existsSync(join(nested, "made"))).toBe(true);
      expect(readdirSync(join(folderOf(lab, outer), "run"))).toEqual([]);
    });
  });

  test("a command on its way in shows nothing of the machine but its programs", async () => {
    await inImageLab(async (lab) => {
      // Whoever is in the container looks through the eyes of every process that appears there.
      const spy = [
        "while :; do for p in /proc/[0-9]*; do",
        "  for f in etc/shadow root tmp/rimrock; do",
        '    [ "$p" != /proc/1 ] && [ -e $p/root/usr ] && echo "$(ls $p/root/)" >>seen',
        "  done",
        "done; done",
      ].join("\n");
      const outer = await start(lab, spy, shell({ user: "app" }));
      const inside = { inside: outer.containerId, sandboxDirectory: outer.sandboxDirectory };
      for (let times = 0; times < 5; times++) {
        await run(lab, "true", { ...inside, environment: {}, user: "app" });
      }
      const path = join(outer.sandboxDirectory, "seen");
      const seen = existsSync(path) ? readFileSync(path, "utf8") : "";
      expect(
        seen.split("\n").filter((name) => ["root", "home", "var", "boot"].includes(name)),
      ).toEqual([]);
    });
  });

  test("a session has a terminal of the container's own", async () => {
    await inImageLab(async (lab) => {
      const outer = await start(lab, `exec sleep ${uniqueSleep()}`, shell());
      const inside = { inside: outer.containerId, sandboxDirectory: outer.sandboxDirectory };
      const ran = await run(lab, "tty; stty size; exit 3", {
        ...{ ...inside, environment: {}, terminal: { rows: 11, columns: 22 } },
      });
      expect(ran.stdout).toMatch(/^\/dev\/pts\/\d+/);
      expect(ran.termination).toMatchObject({ kind: "EXITED", code: 3 });
    });
  });
});

describe.skipIf(docker.missing)(docker.title("after the agent's end"), () => {
  test("a container goes on, can be entered, and keeps its layers; leftovers go", async () => {
    await inImageLab(async (lab) => {
      const spec = await start(lab, `echo up; exec sleep ${uniqueSleep()}`, shell());
      await until("it runs", () => output(spec, "stdout") === "up\n");
      mkdirSync(join(lab.images.storeDirectory, "containers", newContainerId()));
      writeFileSync(join(lab.images.storeDirectory, "tmp", "half-a-layer"), "");
      const next = imaged(lab, lab.images);
      const { containers } = await next.recover([{ containerId: spec.containerId }]);
      expect(containers).toMatchObject([{ state: "RUNNING" }]);
      expect(containersOf(lab)).toEqual([spec.containerId]);
      expect(readdirSync(join(lab.images.storeDirectory, "tmp"))).not.toContain("half-a-layer");
      expect(await next.prune([])).toEqual({ images: [], bytes: 0 });
      const inside = { inside: spec.containerId, sandboxDirectory: spec.sandboxDirectory };
      const entered = { ...lab, containerizer: next };
      const ran = await run(entered, "echo $FROM", { ...inside, environment: {} });
      expect(ran.stdout).toContain("image\n");
      await next.destroy(spec.containerId);
      await until("its folder is gone", () => containersOf(lab).length === 0);
      const pruned = await next.prune([`${registry.host}/public/other:1`]);
      expect(pruned.images).toEqual([`${registry.host}/public/shell:1`]);
      expect(readdirSync(join(lab.images.storeDirectory, "l"))).toEqual([]);
    });
  });

  test("an image whose layer has gone is fetched again", async () => {
    await inImageLab(async (lab) => {
      await run(lab, "true", shell());
      for (const name of readdirSync(join(lab.images.storeDirectory, "l"))) {
        if (name.endsWith(".json")) rmSync(join(lab.images.storeDirectory, "l", name));
      }
      expect((await run(lab, "echo again", shell())).stdout).toBe("again\n");
    });
  });
});

function containersOf({ images }: ImageLab): readonly string[] {
  return readdirSync(join(images.storeDirectory, "containers"));
}

function folderOf({ images }: ImageLab, { containerId }: ContainerSpec): string {
  return join(images.storeDirectory, "containers", containerId);
}

function upperOf(lab: ImageLab, spec: ContainerSpec): string {
  return join(folderOf(lab, spec), "upper");
}
