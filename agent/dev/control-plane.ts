/**
 * The control plane on this machine: the Worker in workerd, started through Miniflare's API.
 *
 * Miniflare v4 does not notice that workerd died, and its exit hooks end this process at the first
 * signal. So here:
 *
 * 1. workerd's process is seen when Node creates it (diagnostics channel `child_process`, Node 18),
 * and
 *    watched from then on.
 * 2. workerd runs behind a script that makes the kernel kill it when this process dies.
 * 3. Requests go to a socket bound straight to the Worker, not through Miniflare's entry Worker,
 * which
 *    would compress (and so hold back) event streams.
 */
import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Writable } from "node:stream";
import type { Miniflare, MiniflareOptions, Response } from "miniflare";
import { openLogFile } from "./log-file.ts";
import { identifyProcess, type ProcessIdentity } from "./process-identity.ts";
import { createRestartPolicy } from "./restart.ts";

export interface ControlPlaneOptions {
  /** The bundled Worker. */
  readonly script: string;
  /** The bundled agent, for machines that install it from here. */
  readonly agentScript: string;
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
  const controlPlane = new MiniflareControlPlane(options, await import("miniflare"));
  try {
    await controlPlane.start();
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
  return controlPlane;
}

class MiniflareControlPlane implements ControlPlane {
  readonly #options: ControlPlaneOptions;
  readonly #module: typeof import("miniflare");
  readonly #log: Writable;
  readonly #wrapper: string;
  readonly #restartPolicy = createRestartPolicy();
  readonly #watch = (message: unknown): void => this.#noteChild(message);
  #miniflare: Miniflare | undefined;
  #identity: ProcessIdentity | undefined;
  /** Kept over restarts; 0: any free one. */
  #port = 0;
  #startedMs = 0;
  #starting = false;
  #stopping = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ControlPlaneOptions, module: typeof import("miniflare")) {
    this.#options = options;
    this.#module = module;
    this.#log = openLogFile(options.logFile);
    this.#wrapper = writeWrapper(options.folder);
    // Miniflare reads it at each start of workerd.
    process.env.MINIFLARE_WORKERD_PATH = this.#wrapper;
    subscribe("child_process", this.#watch);
  }

  identity(): ProcessIdentity | undefined {
    return this.#identity;
  }

  async start(): Promise<void> {
    this.#starting = true;
    this.#startedMs = performance.now();
    try {
      const settings = this.#settings();
      if (this.#miniflare === undefined) {
        this.#miniflare = keepingSignals(() => new this.#module.Miniflare(settings));
        await this.#miniflare.ready;
        await this.#checkConfiguration(this.#miniflare);
      } else {
        await this.#miniflare.setOptions(settings);
      }
      if (this.#identity === undefined) throw new Error("workerd ended while it started");
      this.#port = Number((await this.#miniflare.unsafeGetDirectURL(WORKER_NAME)).port);
      this.#options.onStart(this.#port, this.#identity);
    } finally {
      this.#starting = false;
    }
  }

  /** The master answers every request with the mistakes in its variables, if there are any. */
  async #checkConfiguration(miniflare: Miniflare): Promise<void> {
    const answer = await fetch(new URL("/health", await miniflare.unsafeGetDirectURL(WORKER_NAME)));
    const lines = (await answer.text()).trim().split("\n");
    if (!answer.ok) throw new Error(lines.join(" "));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    unsubscribe("child_process", this.#watch);
    // A Miniflare that did not start may have nothing to dispose of, and says so by rejecting.
    await this.#miniflare?.dispose().catch((error: unknown) => this.#log.write(`${error}\n`));
    this.#log.end();
  }

  /** `message`: the channel's documented one. */
  #noteChild(message: unknown): void {
    const { process: child } = message as { process: ChildProcess };
    child.once("spawn", () => {
      if (child.spawnfile !== this.#wrapper || child.pid === undefined) return;
      this.#identity = identifyProcess(child.pid);
      child.once("exit", (code, signal) => {
        this.#identity = undefined;
        // While it starts, the start itself fails.
        if (!this.#starting) this.#restartAfter(code, signal);
      });
    });
  }

  #restartAfter(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#stopping) return;
    const { logFile, report } = this.#options;
    const livedMs = performance.now() - this.#startedMs;
    const death = { name: "control-plane", livedMs, code, signal, logFile };
    const { delayMs, line } = this.#restartPolicy(death);
    if (line !== undefined) report(line);
    this.#timer = setTimeout(() => {
      this.start().catch((error: unknown) => {
        this.#log.write(`${error}\n`);
        // Somebody may have taken its port meanwhile; `onStart` tells of the next one.
        this.#port = 0;
        this.#restartAfter(1, null);
      });
    }, delayMs);
  }

  /** The one file that the Worker asks for: the agent, as this machine runs it. */
  #asset(request: { readonly url: string }): Response {
    const isAgent = new URL(request.url).pathname === "/agent/rimrock-agent.mjs";
    const status = isAgent ? 200 : 404;
    return new this.#module.Response(isAgent ? readFileSync(this.#options.agentScript) : null, {
      status,
    });
  }

  #settings(): MiniflareOptions {
    const { script, folder, variables } = this.#options;
    return {
      name: WORKER_NAME,
      ...workerSettings,
      modules: [{ type: "ESModule", path: "worker.mjs", contents: readFileSync(script, "utf8") }],
      bindings: { ...variables },
      defaultPersistRoot: folder,
      serviceBindings: { ASSETS: (request) => this.#asset(request) },
      unsafeDirectSockets: [{ host: HOST, port: this.#port }],
      host: HOST,
      port: 0,
      // The Worker does not use the cache API, which costs an object of its own.
      cache: false,
      // Do not fetch a sample request.cf from the internet.
      cf: false,
      log: new this.#module.NoOpLog(),
      handleRuntimeStdio: (stdout, stderr) => {
        stdout.pipe(this.#log, { end: false });
        stderr.pipe(this.#log, { end: false });
      },
    };
  }
}

/**
 * A script to run instead of workerd: it takes a session of its own (Ctrl-C is the supervisor's)
 * and asks the kernel for SIGKILL at this process' death. If that came before the asking, the
 * parent is another.
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

/**
 * Runs `make` and takes back the listeners that it adds for SIGINT and SIGTERM: they would end the
 * process.
 */
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
