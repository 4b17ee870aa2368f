/**
 * Whole processes for tests: a local cluster, agents, commands. Nothing outlives its test: every
 * process carries a mark of this test run in its environment and has its folder below one temporary
 * folder, and `endEverything` (after each test) ends all that carries the one or lives in the
 * other.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ProcessList } from "../../agent/dev/data-folder.ts";
import { identifyProcess } from "../../agent/dev/process-identity.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MARK = `RIMROCK_TEST=${randomUUID()}`;
const [MARK_NAME = "", MARK_VALUE = ""] = MARK.split("=");
const folders: string[] = [];

export interface TestProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Lines of stdout and of stderr so far. */
  readonly out: readonly string[];
  readonly err: readonly string[];
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** Starts `command` in a process group of its own. */
export function startProcess(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): TestProcess {
  const child = spawn(command, args, {
    cwd: options.cwd ?? ROOT,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env, [MARK_NAME]: MARK_VALUE },
  });
  const out: string[] = [];
  const err: string[] = [];
  if (child.stdout) createInterface({ input: child.stdout }).on("line", (line) => out.push(line));
  if (child.stderr) createInterface({ input: child.stderr }).on("line", (line) => err.push(line));
  // After `close` every line has been read.
  const ended = once(child, "close").then(([code, signal]) => signal ?? code);
  if (child.pid === undefined) throw new Error(`${command} cannot be started`);
  return { child, pid: child.pid, out, err, ended };
}

export function rimrock(
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): TestProcess {
  return startProcess(process.execPath, [join(ROOT, "agent/bin/rimrock.mjs"), ...args], options);
}

export interface TestCluster extends TestProcess {
  readonly url: string;
  readonly dataDir: string;
  /** Who runs now, by its own books. */
  processes(): ProcessList;
  /**
   * Of "supervisor", "control-plane", "front-door", "agent-1", ...; undefined while it is started
   * again.
   */
  pidOf(name: string): number | undefined;
}

export interface ClusterSettings {
  readonly agents?: number;
  readonly dataDir?: string;
  readonly port?: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** `rimrock start`; resolves when its agents have joined. */
export async function startCluster(settings: ClusterSettings = {}): Promise<TestCluster> {
  const { agents = 1, dataDir = newFolder(), port = 0, args = [], env } = settings;
  const started = rimrock(
    ["start", ...["--data", dataDir, "--port", String(port), "--agents", String(agents)], ...args],
    { env },
  );
  const text = (): string => [...started.out, ...started.err].join("\n");
  const url = await until(() => /runs at (http:\S+),/.exec(text())?.[1], {
    what: () => `the cluster is up; it says:\n${text()}`,
    unless: () => started.child.exitCode !== null,
  });
  await until(() => started.out.some((line) => line.startsWith("Ctrl-C")), {
    what: () => `the agents have joined; it says:\n${text()}\n${logsOf(dataDir)}`,
    unless: () => started.child.exitCode !== null,
  });
  // Written by the supervisor, in this shape, whole or not at all.
  const processes = (): ProcessList =>
    JSON.parse(readFileSync(join(dataDir, "processes.json"), "utf8")) as ProcessList;
  const pidOf = (name: string): number | undefined =>
    name === "supervisor"
      ? processes().supervisor.pid
      : processes().children.find((child) => child.name === name)?.pid;
  return { ...started, url, dataDir, processes, pidOf };
}

/**
 * `rimrock-agent`, as started by hand: it and its tasks outlive whatever it talks to. The tasks are
 * plain processes unless `args` ask for more.
 */
export function startAgent(
  master: string,
  workDir: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): TestProcess {
  const line = [join(ROOT, "agent/bin/rimrock-agent.mjs")];
  line.push("--master", master, "--work-dir", workDir, "--containerizer", "process", ...args);
  return startProcess(process.execPath, line, { env });
}

/**
 * Kills with SIGKILL the named process of the cluster; resolves when another has taken its place.
 */
export async function killAndAwaitRestart(cluster: TestCluster, name: string): Promise<number> {
  const before = await until(() => cluster.pidOf(name), { what: () => `${name} runs` });
  process.kill(before, "SIGKILL");
  const startMs = performance.now();
  await until(
    () => {
      const now = cluster.pidOf(name);
      return now !== undefined && now !== before;
    },
    { what: () => `${name} has been started again` },
  );
  return performance.now() - startMs;
}

/** A new folder that is removed after the test. */
export function newFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, "rimrock-test-"));
  folders.push(folder);
  return folder;
}

export function logsOf(dataDir: string): string {
  const logs = join(dataDir, "logs");
  try {
    return readdirSync(logs)
      .map((name) => `--- ${name}\n${readFileSync(join(logs, name), "utf8").slice(-4_000)}`)
      .join("\n");
  } catch {
    return "(no logs)";
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return address.port;
}

/**
 * The first value that is neither false nor undefined. Throws after `withinMs`, or at once when
 * `unless` holds.
 */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  {
    what,
    withinMs = 15_000,
    unless = () => false,
  }: { what: () => string; withinMs?: number; unless?: () => boolean },
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (unless() || performance.now() > deadlineMs) throw new Error(`never came true: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface RunningProcess {
  readonly pid: number;
  readonly command: string;
}

/** Whatever runs that a test started, directly or through something it started, tasks included. */
export function runningProcesses(within: readonly string[] = folders): readonly RunningProcess[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .flatMap((pid) => {
      const seen = [`environ`, `cmdline`].map((file) => readProc(pid, file));
      seen.push(cwdOf(pid));
      const ours = [MARK, ...within].some((sign) => seen.some((text) => text.includes(sign)));
      const alive = ours && identifyProcess(pid) !== undefined;
      return alive ? [{ pid, command: (seen[1] ?? "").replaceAll("\0", " ").trim() }] : [];
    });
}

/** Ends all that tests started and removes their folders. For `afterEach`. */
export async function endEverything(): Promise<void> {
  const end = (): boolean => {
    const running = runningProcesses();
    for (const { pid } of running) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended a moment ago.
      }
    }
    return running.length === 0;
  };
  await until(end, { what: () => `all have ended: ${JSON.stringify(runningProcesses())}` });
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}

function cwdOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}
