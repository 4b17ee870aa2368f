/**
 * A machine with cgroup v2 on one that may have none: Debian's cloud kernel under QEMU's software
 * emulation, with Node, the real shell tools, and our bundles in its memory. No disk, no network.
 */
import { execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { bundleTo } from "./launcher-command.ts";
import { placeNewerSetpriv } from "./newer-setpriv.ts";

/** What is downloaded for virtual machines is kept here. */
export const guestCache = join(process.cwd(), "node_modules/.cache/rimrock-guest");
const TIMEOUT_MS = 600_000;
/**
 * busybox does the rest; these it lacks, or does in another way than the machines that agents run
 * on.
 */
const REAL_TOOLS = [
  "/bin/dash",
  "/bin/bash",
  "/usr/bin/env",
  "/usr/bin/setsid",
  "/usr/bin/unshare",
  "/usr/bin/nsenter",
  "/usr/bin/mount",
  "/usr/bin/prlimit",
  "/usr/bin/script",
  "/usr/bin/stty",
];

const INIT = `#!/bin/sh
export PATH=/usr/bin:/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
chmod 1777 /tmp; mkdir -p /mnt /dev/shm; mount -t tmpfs shm /dev/shm
mkdir -p /dev/pts; mount -t devpts pts /dev/pts; ln -sf pts/ptmx /dev/ptmx; chmod 666 /dev/pts/ptmx
mount -t cgroup2 cgroup2 /sys/fs/cgroup
export RIMROCK_LAUNCHER=/guest/launcher.mjs RIMROCK_TEST_SLOWNESS=6
node /guest/guest.mjs
poweroff -f
`;

/** Everything the machine printed, the checks' lines among it. */
export async function runGuest(): Promise<string> {
  const { image: kernel } = guestKernel();
  const work = mkdtempSync(join(tmpdir(), "rimrock-guest-"));
  try {
    const root = join(work, "root");
    await fillRoot(root);
    const initrd = join(work, "initrd");
    execFileSync("sh", [
      "-c",
      'cd "$1" && find . | cpio -o -H newc --quiet >"$2"',
      "sh",
      root,
      initrd,
    ]);
    return await boot(kernel, initrd);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Debian's cloud kernel, and the folder of its modules. */
export function guestKernel(): { readonly image: string; readonly modules: string } {
  const image = findKernel() ?? downloadKernel();
  return { image, modules: join(guestCache, "kernel", "lib", "modules") };
}

function findKernel(): string | undefined {
  const directory = join(guestCache, "kernel", "boot");
  const name = existsSync(directory)
    ? readdirSync(directory).find((file) => file.startsWith("vmlinuz-"))
    : undefined;
  return name === undefined ? undefined : join(directory, name);
}

function downloadKernel(): string {
  mkdirSync(guestCache, { recursive: true });
  const depends = execFileSync("apt-cache", ["depends", "linux-image-cloud-amd64"], {
    encoding: "utf8",
  });
  const name = /linux-image-\d\S*/.exec(depends)?.[0];
  if (name === undefined)
    throw new Error(`apt knows no cloud kernel (run apt-get update): ${depends}`);
  execFileSync("apt-get", ["download", "-q", name], { cwd: guestCache, stdio: "pipe" });
  const archive = readdirSync(guestCache).find(
    (file) => file.startsWith(name) && file.endsWith(".deb"),
  );
  if (archive === undefined)
    throw new Error(`apt-get download left no package of ${name} in ${guestCache}`);
  execFileSync("dpkg-deb", ["-x", join(guestCache, archive), join(guestCache, "kernel")]);
  rmSync(join(guestCache, archive));
  const kernel = findKernel();
  if (kernel === undefined) throw new Error(`The package ${name} holds no kernel`);
  return kernel;
}

async function fillRoot(root: string): Promise<void> {
  for (const directory of ["bin", "usr/bin", "proc", "sys", "dev", "tmp", "guest", "etc"]) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  const busybox = execFileSync("which", ["busybox"], { encoding: "utf8" }).trim();
  cpSync(busybox, join(root, "bin/busybox"), { dereference: true });
  for (const applet of execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n")) {
    if (applet !== "busybox" && applet !== "sh") symlinkSync("busybox", join(root, "bin", applet));
  }
  symlinkSync("dash", join(root, "bin/sh"));
  for (const tool of REAL_TOOLS) install(root, tool, tool);
  const setpriv = "/usr/lib/newer-setpriv";
  placeNewerSetpriv(join(root, setpriv), setpriv);
  cpSync(join(root, setpriv, "setpriv"), join(root, "usr/bin/setpriv"));
  install(root, process.execPath, "/usr/bin/node");
  writeFileSync(
    join(root, "etc/passwd"),
    "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
  );
  writeFileSync(join(root, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
  writeFileSync(join(root, "init"), INIT, { mode: 0o755 });
  await bundleTo("guest.ts", join(root, "guest/guest.mjs"));
  await bundleTo("launcher.ts", join(root, "guest/launcher.mjs"));
}

/** Copies a program with the libraries it loads. */
function install(root: string, from: string, to: string): void {
  const libraries = execFileSync("ldd", [from], { encoding: "utf8" }).match(/\/\S+/g) ?? [];
  for (const [source, target] of [
    [from, to] as const,
    ...libraries.map((path) => [path, path] as const),
  ]) {
    const path = join(root, target);
    rmSync(path, { force: true });
    mkdirSync(dirname(path), { recursive: true });
    cpSync(source, path, { dereference: true });
  }
}

function boot(kernel: string, initrd: string): Promise<string> {
  // Hardware acceleration is not asked for: where tests run it is often there and broken.
  const machine =
    "-accel tcg,thread=multi -cpu max -m 1024 -smp 2 -display none -nodefaults -no-reboot";
  const argv = [...machine.split(" "), "-serial", "stdio", "-kernel", kernel, "-initrd", initrd];
  argv.push("-append", "console=ttyS0 quiet panic=-1");
  const qemu = spawn("qemu-system-x86_64", argv, { stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => qemu.kill("SIGKILL"), TIMEOUT_MS);
  let printed = "";
  for (const stream of [qemu.stdout, qemu.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  return new Promise((resolve, reject) => {
    qemu.on("error", reject);
    qemu.on("close", () => {
      clearTimeout(timer);
      resolve(printed);
    });
  });
}
