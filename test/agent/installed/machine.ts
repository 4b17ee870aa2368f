/**
 * A machine as Debian installs it, with systemd and a disk, under QEMU's software emulation. What
 * it prints is on the serial line. (Hardware acceleration is not asked for: where tests run it is
 * often there and broken.)
 */
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { guestCache, guestKernel } from "../containerizer/virtual-machine.ts";

const PACKAGES = "systemd,systemd-sysv,curl,util-linux,procps";
const DISK = "700M";
/** The kernel finds its disk by these, in the order in which they need each other. */
const MODULES = [
  "virtio_ring",
  "virtio",
  "virtio_pci_modern_dev",
  "virtio_pci_legacy_dev",
  "virtio_pci",
  "virtio_blk",
];

const INIT = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
for module in ${MODULES.join(" ")}; do /bin/busybox insmod /modules/$module.ko; done
/bin/busybox mount -t ext4 /dev/vda /disk
/bin/busybox umount /proc
/bin/busybox mount --move /dev /disk/dev
exec /bin/busybox switch_root /disk /lib/systemd/systemd
`;

const GUEST_UNIT = `[Unit]
After=basic.target
[Service]
ExecStart=/bin/sh -c 'exec node /guest/guest.mjs >/dev/ttyS0 2>&1'
[Install]
WantedBy=multi-user.target
`;

/** `say`: told of every line as it is printed. */
export async function runMachine(say: (line: string) => void): Promise<void> {
  const kernel = guestKernel();
  const work = mkdtempSync(join(tmpdir(), "rimrock-installed-"));
  try {
    const initrd = makeInitrd(work, kernel.modules);
    const disk = await makeDisk(work);
    await boot({ kernel: kernel.image, initrd, disk }, say);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Debian's packages as a tar file, made once. */
function debian(): string {
  const tar = join(guestCache, "debian.tar");
  if (existsSync(tar)) return tar;
  mkdirSync(guestCache, { recursive: true });
  const options = ["--variant=minbase", `--include=${PACKAGES}`, "bookworm", `${tar}.new`];
  execFileSync("mmdebstrap", ["--quiet", "--format=tar", ...options], { stdio: "inherit" });
  execFileSync("mv", [`${tar}.new`, tar]);
  return tar;
}

async function makeDisk(work: string): Promise<string> {
  const root = join(work, "root");
  mkdirSync(root);
  const unwanted = ["./dev/*", "./usr/share/doc", "./usr/share/man", "./usr/share/locale"];
  const excludes = [...unwanted, "./var/cache/apt/*"].map((path) => `--exclude=${path}`);
  execFileSync("tar", ["-C", root, "-xf", debian(), ...excludes]);
  cpSync(process.execPath, join(root, "usr/local/bin/node"), { dereference: true });
  await bundle("test/agent/installed/guest.ts", join(root, "guest/guest.mjs"));
  await bundle("agent/main.ts", join(root, "guest/rimrock-agent.mjs"));
  const units = join(root, "etc/systemd/system");
  writeFileSync(join(units, "guest.service"), GUEST_UNIT);
  execFileSync("systemctl", ["--quiet", `--root=${root}`, "enable", "guest.service"]);
  // Without udev nobody says that the serial line is there.
  for (const unit of ["getty.target", "serial-getty@ttyS0.service"]) {
    execFileSync("ln", ["-sf", "/dev/null", join(units, unit)]);
  }
  const image = join(work, "disk.img");
  execFileSync("truncate", ["-s", DISK, image]);
  execFileSync("mke2fs", ["-q", "-t", "ext4", "-d", root, image]);
  rmSync(root, { recursive: true });
  return image;
}

function makeInitrd(work: string, modules: string): string {
  const root = join(work, "initrd.d");
  for (const folder of ["bin", "modules", "proc", "dev", "disk"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  const busybox = execFileSync("which", ["busybox"], { encoding: "utf8" }).trim();
  cpSync(busybox, join(root, "bin/busybox"), { dereference: true });
  for (const module of MODULES) {
    const found = execFileSync("find", [modules, "-name", `${module}.ko`], { encoding: "utf8" });
    cpSync(found.trim(), join(root, "modules", `${module}.ko`));
  }
  writeFileSync(join(root, "init"), INIT, { mode: 0o755 });
  const initrd = join(work, "initrd");
  const pack = 'cd "$1" && find . | cpio -o -H newc --quiet >"$2"';
  execFileSync("sh", ["-c", pack, "sh", root, initrd]);
  return initrd;
}

async function bundle(entry: string, outfile: string): Promise<void> {
  const requires =
    'import { createRequire as requireFrom } from "node:module"; const require = requireFrom("/");';
  await build({
    ...{ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "esm" },
    ...{ target: "node20", logLevel: "error", banner: { js: requires } },
  });
}

function boot(
  { kernel, initrd, disk }: { kernel: string; initrd: string; disk: string },
  say: (line: string) => void,
): Promise<void> {
  const machine = "-accel tcg,thread=multi -cpu max -m 1024 -smp 2 -display none -nodefaults";
  const argv = [...machine.split(" "), "-serial", "stdio", "-kernel", kernel, "-initrd", initrd];
  argv.push("-append", "console=ttyS0 quiet panic=-1 systemd.show_status=0");
  argv.push("-drive", `file=${disk},if=virtio,format=raw,cache=unsafe`);
  const qemu = spawn("qemu-system-x86_64", argv, { stdio: ["ignore", "pipe", "inherit"] });
  let rest = "";
  qemu.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) say(line);
  });
  return new Promise((resolve, reject) => {
    qemu.on("error", reject);
    qemu.on("close", () => resolve());
  });
}
