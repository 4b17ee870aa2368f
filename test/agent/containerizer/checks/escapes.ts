/**
 * Ways out of a box, each tried by root and by another user. A way that leads out says `OUT`; none
 * may. What they would change is opened for writing, never written.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inLab, run } from "../harness.ts";
import type { Checks } from "../suite.ts";

/** `$1`: the agent's folder, `$2`: a process of the machine, `$3`: a file of the agent's. */
const WAYS: Readonly<Record<string, string>> = {
  "a file system of one's own making":
    'mount -t tmpfs none /mnt && echo OUT; mount --bind / /mnt && echo OUT; umount -l "$1" && echo OUT',
  "the namespaces of others":
    'for kind in mnt pid net ipc uts; do nsenter --"$kind"=/proc/1/ns/"$kind" true && echo OUT; done 2>&1 |\n' +
    "grep -v 'net=\\|unrecognized'; nsenter -t 1 -m true && echo OUT",
  "the first process": [
    "for what in root/etc/hostname environ mem cwd/stdout; do",
    '  (exec 9<"/proc/1/$what") 2>/dev/null && echo "OUT $what"',
    "done",
    "readlink /proc/1/fd/0 && echo OUT",
  ].join("\n"),
  "the agent, by its number": 'kill -0 "$2" && echo OUT; cat "/proc/$2/environ" && echo OUT',
  "the agent's files, by other ways there": [
    'cat "$3" "/proc/self/root$3" "/proc/self/cwd/../$(basename "$3")" | grep -q secret && echo OUT',
    'unshare -Urm sh -c \'umount -l "$1"; cat "$2"\' sh "$1" "$3" | grep -q secret && echo OUT',
    'unshare -Urm sh -c \'mount --rbind / /mnt; umount -l "/mnt$1"; cat "/mnt$2"\' sh "$1" "$3" |',
    "  grep -q secret && echo OUT",
  ].join("\n"),
  "what the kernel is told through files": [
    "for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sysrq-trigger \\",
    "  /proc/sys/fs/binfmt_misc/register /proc/sys/vm/overcommit_memory /proc/irq/default_smp_affinity \\",
    "  /sys/kernel/uevent_helper /sys/kernel/vmcoreinfo /sys/power/state /sys/module/*/parameters/* \\",
    "  /sys/fs/cgroup/release_agent /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/cgroup.procs \\",
    "  /proc/kcore /proc/kmsg /dev/mem /dev/kmsg /dev/sda /dev/vda /dev/fuse /dev/net/tun; do",
    '  [ -e "$file" ] && (exec 9>>"$file") 2>/dev/null && echo "OUT $file"',
    "done",
  ].join("\n"),
  "what the kernel is told through files of a new namespace": [
    "unshare -Urmpf sh -c 'mkdir -p p; mount -t proc proc p && exec 9>>p/sys/kernel/core_pattern &&",
    "  echo OUT'",
    "unshare -Urm sh -c 'mount -o remount,rw,bind /sys && echo OUT; umount /proc/sys && echo OUT'",
    "unshare -UrmC sh -c 'mkdir -p c; mount -t cgroup -o cpuset none c && exec 9>>c/release_agent &&",
    "  echo OUT'",
  ].join("\n"),
  devices: "mknod m c 1 1 && echo OUT; mknod d b 254 0 && (exec 9<d) && echo OUT",
  "rights of files": [
    'cp "$(command -v setpriv)" own && chmod 4755 own',
    "./own --reuid 0 --clear-groups grep -q '^CapEff:.*00003ffffff' /proc/self/status && echo OUT",
    "unshare -m true && echo OUT",
  ].join("\n"),
  "the machine's settings":
    "(exec 9>>/proc/sys/kernel/hostname) && echo OUT; nice -n -5 true 2>/dev/null && nice -n -5 sh -c '[ \"$(nice)\" -lt 0 ] && echo OUT'; prlimit --nofile=9999999:9999999 --pid $$ && echo OUT",
};

export const escapeChecks: Checks = Object.fromEntries(
  Object.entries(WAYS).map(([way, script]) => [
    `a way out that leads nowhere: ${way}`,
    (kind) =>
      inLab(kind, async (lab) => {
        const file = join(lab.directory, "agent-secret");
        writeFileSync(file, "secret", { mode: 0o644 });
        for (const user of [undefined, "nobody"]) {
          const words = ["sh", "-c", script, "sh", lab.directory, String(process.pid), file];
          const command = { shell: false, value: "/bin/sh", arguments: words };
          const ran = await run(lab, "", { command, ...(user !== undefined && { user }) });
          assert.equal(ran.termination.kind, "EXITED", ran.stderr);
          assert.doesNotMatch(ran.stdout, /OUT/, `${user ?? "root"}: ${ran.stdout}${ran.stderr}`);
        }
      }),
  ]),
);
