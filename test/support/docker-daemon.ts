/**
 * A Docker daemon of our own: its data, its socket and its containers are in one folder that goes
 * with it, so that nobody's images or containers are touched. No registry is needed: its one image
 * is made of busybox.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const TEST_IMAGE = "rimrock-test:1";
const CONTAINERD_PID = "exec/containerd/containerd.pid";
const START_MS = 30_000;
const STOP_MS = 20_000;

export interface DockerDaemon {
  readonly socketPath: string;
  /** The files of its image, as tar. */
  readonly files: Buffer;
  /** Any call of its API; the answer as JSON where it is some. */
  readonly call: (method: string, path: string, body?: Buffer | string) => Promise<unknown>;
  start(): Promise<void>;
  /** `SIGTERM` ends it in order, `SIGKILL` does not. */
  stop(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Ends it, its containers, and takes its folder away. */
  remove(): Promise<void>;
}

/** Running, with the image. `flags`: more of dockerd's. */
export async function startDockerDaemon(flags: readonly string[] = []): Promise<DockerDaemon> {
  const folder = mkdtempSync("/tmp/rimrock-docker-");
  const socketPath = join(folder, "sock");
  let daemon: ChildProcess | undefined;
  const call = callOf(socketPath);
  const start = async (): Promise<void> => {
    daemon = spawnDaemon(folder, flags);
    const deadlineMs = performance.now() + START_MS;
    for (;;) {
      const answers = await call("GET", "/_ping").then(
        () => true,
        () => false,
      );
      if (answers) return;
      if (daemon.exitCode !== null || performance.now() > deadlineMs) {
        throw new Error(`dockerd did not start:\n${logOf(folder).slice(-3_000)}`);
      }
      await sleep(50);
    }
  };
  const stop = async (signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
    // Whoever waits for it has to be there when it ends.
    daemon.ref();
    const ended = once(daemon, "exit");
    daemon.kill(signal);
    const late = sleep(STOP_MS, "late", { ref: false });
    if ((await Promise.race([ended, late])) === "late") daemon.kill("SIGKILL");
    await ended;
    if (signal === "SIGTERM") return;
    // A daemon that was killed leaves them, and where nobody buries the dead the next one takes
    // their processes for alive.
    endContainerd(folder);
    for (const file of ["pid", CONTAINERD_PID]) rmSync(join(folder, file), { force: true });
  };
  await start();
  const files = makeImage(folder);
  await call("POST", "/images/create?fromSrc=-&repo=rimrock-test&tag=1", files);
  const remove = async (): Promise<void> => {
    await removeContainers(call).catch(() => {});
    await stop("SIGTERM");
    endContainerd(folder);
    unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true });
  };
  return { socketPath, files, call, start, stop, remove };
}

function spawnDaemon(folder: string, flags: readonly string[]): ChildProcess {
  const log = openSync(join(folder, "log"), "a");
  const own = [
    ...["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec")],
    ...["--pidfile", join(folder, "pid"), "-H", `unix://${join(folder, "sock")}`],
    // Daemons that run at the same time share docker0: each gives out addresses of its own.
    `--fixed-cidr=172.17.${1 + (process.pid % 250)}.0/24`,
    // The machine's firewall and settings are none of a test's business.
    ...["--config-file", join(folder, "no-config.json"), "--iptables=false", "--ip-masq=false"],
  ];
  writeFileSync(join(folder, "no-config.json"), "{}");
  const child = spawn("dockerd", [...own, ...flags], {
    stdio: ["ignore", log, log],
    detached: true,
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  closeSync(log);
  child.unref();
  return child;
}

function callOf(socketPath: string): DockerDaemon["call"] {
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const type = typeof body === "string" ? "application/json" : "application/x-tar";
      const headers = body === undefined ? {} : { "content-type": type };
      const sent = request({ socketPath, method, path, headers }, async (answer) => {
        let text = "";
        for await (const chunk of answer) text += chunk;
        if ((answer.statusCode ?? 500) >= 400) return reject(new Error(text));
        try {
          resolve(JSON.parse(text));
        } catch {
          resolve(text);
        }
      });
      sent.on("error", reject);
      sent.end(body);
    });
}

function makeImage(folder: string): Buffer {
  const root = join(folder, "root");
  for (const name of ["bin", "etc", "tmp", "proc"])
    mkdirSync(join(root, name), { recursive: true });
  const busybox = execFileSync("which", ["busybox"], { encoding: "utf8" }).trim();
  writeFileSync(join(root, "bin/busybox"), readFileSync(busybox), { mode: 0o755 });
  for (const applet of execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n")) {
    if (applet !== "busybox") symlinkSync("busybox", join(root, "bin", applet));
  }
  const accounts = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n";
  writeFileSync(join(root, "etc/passwd"), accounts);
  return execFileSync("tar", ["-C", root, "-c", "."], { maxBuffer: 64 * 1_048_576 });
}

async function removeContainers(call: DockerDaemon["call"]): Promise<void> {
  // The Engine's own list.
  const all = (await call("GET", "/containers/json?all=1")) as readonly { readonly Id: string }[];
  await Promise.all(all.map(({ Id }) => call("DELETE", `/containers/${Id}?force=1&v=1`)));
}

/** The daemon's own containerd outlives a daemon that is killed. */
function endContainerd(folder: string): void {
  try {
    const pid = Number(readFileSync(join(folder, CONTAINERD_PID), "utf8"));
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    if (words.includes(folder)) process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

function unmountBelow(folder: string): void {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  const below = mounts
    .flatMap((line) => line.split(" ")[1] ?? [])
    .filter((path) => path.startsWith(`${folder}/`));
  for (const path of below.reverse()) {
    try {
      execFileSync("umount", ["-l", path], { stdio: "ignore" });
    } catch {
      // It has gone with another one.
    }
  }
}

function logOf(folder: string): string {
  try {
    return readFileSync(join(folder, "log"), "utf8");
  } catch {
    return "(no log)";
  }
}
