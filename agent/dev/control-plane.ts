/**
 * The control plane on this machine: the Worker in workerd, started through Miniflare's API.
 *
 * Miniflare v4 does not notice that workerd died, and its exit hooks end this process at the first
 * signal. So here:
 *
 * 1. workerd's process is seen when Node creates it (diagnostics channel `child_process`, Node 18), and
 *    watched from then on.
 * 2. workerd runs behind a script that makes the kernel kill it when this process dies.
 * 3. Requests go to a socket bound straight to the Worker, not through Miniflare's entry Worker, which
 *    would compress (and so hold back) event streams.
 */
import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createWriteStream, readFileSync, type WriteStream, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Miniflare, MiniflareOptions } from "miniflare";
import { identifyProcess, type ProcessIdentity } from "./process-identity.ts";
import { createRestartPolicy } from "./restart.ts";

export interface ControlPlaneOptions {
  /** The bundled Worker. */
  readonly script: string;
  /** Where its state lives. */
  readonly folder: string;
  /** The Worker's variables, such as `RIMROCK_PORT`. */
  readonly variables: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly report: (line: string) => void;
  /** After every start: where workerd listens on the loopback interface, and who it is. */
  readonly onStart: (port: number, identity: ProcessIdentity | undefined) => void;
}

export interface ControlPlane {
  identity(): ProcessIdentity | undefined;
  stop(): Promise<void>;
}

/** As in wrangler.toml; a test compares the two. */
export const workerSettings = {
  compatibilityDate: "2026-04-21",
  compatibilityFlags: ["nodejs_compat"],
  durableObjects: {
    MASTER: { className: "MasterObject", useSQLite: true },
    RELAY: { className: "RelayObject", useSQLite: true },
  },
};

const HOST = "127.0.0.1";
/** Names the folder of the state: never change it. */
const WORKER_NAME = "rimrock";

/** Resolves when workerd listens; rejects when its first start fails. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const miniflare = await import("miniflare");
  const wrapper = writeWrapper(options.folder);
  process.env.MINIFLARE_WORKERD_PATH = wrapper;
  const log = createWriteStream(options.logFile, { flags: "a" });
  const policy = createRestartPolicy();
  let instance: Miniflare | undefined;
  let identity: ProcessIdentity | undefined;
  let port = 0;
  let startedMs = 0;
  let starting = false;
  let stopping = false;
  let timer: NodeJS.Timeout | undefined;

  const start = async (): Promise<void> => {
    starting = true;
    startedMs = performance.now();
    try {
      const settings = settingsOf(options, { port, log, noLog: new miniflare.NoOpLog() });
      if (instance === undefined) {
        instance = keepingSignals(() => new miniflare.Miniflare(settings));
        await instance.ready;
      } else {
        await instance.setOptions(settings);
      }
      if (identity === undefined) throw new Error("workerd ended while it started");
      port = Number((await instance.unsafeGetDirectURL(WORKER_NAME)).port);
      options.onStart(port, identity);
    } finally {
      starting = false;
    }
  };
  const restartAfter = (code: number | null, signal: NodeJS.Signals | null): void => {
    if (stopping) return;
    const { logFile } = options;
    const livedMs = performance.now() - startedMs;
    const { delayMs, line } = policy({ name: "control-plane", livedMs, code, signal, logFile });
    if (line !== undefined) options.report(line);
    timer = setTimeout(() => {
      start().catch((error: unknown) => {
        log.write(`${String(error)}\n`);
        restartAfter(1, null);
      });
    }, delayMs);
  };
  const onExit = (code: number | null, signal: NodeJS.Signals | null): void => {
    identity = undefined;
    // While it starts, the start itself fails.
    if (!starting) restartAfter(code, signal);
  };
  const watch = (message: unknown): void => {
    // The channel's documented message.
    const { process: child } = message as { process: ChildProcess };
    child.once("spawn", () => {
      if (child.spawnfile !== wrapper || child.pid === undefined) return;
      identity = identifyProcess(child.pid);
      child.once("exit", onExit);
    });
  };
  subscribe("child_process", watch);

  const stop = async (): Promise<void> => {
    stopping = true;
    clearTimeout(timer);
    unsubscribe("child_process", watch);
    await instance?.dispose();
    log.end();
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { identity: () => identity, stop };
}

function settingsOf(
  { script, folder, variables }: ControlPlaneOptions,
  { port, log, noLog }: { port: number; log: WriteStream; noLog: MiniflareOptions["log"] },
): MiniflareOptions {
  return {
    name: WORKER_NAME,
    ...workerSettings,
    modules: [{ type: "ESModule", path: "worker.mjs", contents: readFileSync(script, "utf8") }],
    bindings: variables,
    defaultPersistRoot: folder,
    unsafeDirectSockets: [{ host: HOST, port }],
    host: HOST,
    port: 0,
    // The Worker does not use the cache API, which costs an object of its own.
    cache: false,
    // Do not fetch a sample request.cf from the internet.
    cf: false,
    log: noLog,
    handleRuntimeStdio: (stdout, stderr) => {
      stdout.pipe(log, { end: false });
      stderr.pipe(log, { end: false });
    },
  };
}

/**
 * A script to run instead of workerd: it takes a session of its own (Ctrl-C is the supervisor's) and asks
 * the kernel for SIGKILL at this process' death. If that came before the asking, the parent is another.
 */
function writeWrapper(folder: string): string {
  const require = createRequire(createRequire(import.meta.url).resolve("miniflare"));
  // The package's default export: the path of the executable for this machine.
  const { default: workerd } = require("workerd") as { default: string };
  const path = join(folder, "workerd.sh");
  const script = `#!/bin/sh
if command -v setpriv >/dev/null && command -v setsid >/dev/null; then
  exec setsid setpriv --pdeathsig KILL \\
    sh -c '[ "$PPID" = ${process.pid} ] && exec "$0" "$@"' '${workerd.replaceAll("'", "'\\''")}' "$@"
fi
exec '${workerd.replaceAll("'", "'\\''")}' "$@"
`;
  writeFileSync(path, script, { mode: 0o755 });
  return path;
}

/** Runs `make` and takes back the listeners that it adds for SIGINT and SIGTERM: they would end the process. */
function keepingSignals<T>(make: () => T): T {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const before = new Set(signals.flatMap((signal) => process.listeners(signal)));
  const made = make();
  for (const signal of signals) {
    for (const listener of process.listeners(signal)) {
      if (!before.has(listener)) process.removeListener(signal, listener);
    }
  }
  return made;
}
