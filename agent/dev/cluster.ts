/**
 * A whole cluster on this machine: workerd with the control plane, the front door before it, and
 * agents, all children of this process and started again when they die. Nothing of it outlives this
 * process.
 */
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ClusterAddress, clusterAddress, LOCAL_HOST } from "./address.ts";
import { type ControlPlane, startControlPlane } from "./control-plane.ts";
import { type DataFolder, errnoOf, openDataFolder } from "./data-folder.ts";
import type { FromFrontDoor, ToFrontDoor, Ward } from "./front-door-messages.ts";
import { localAgentArguments } from "./local-agents.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { StartError } from "./start-error.ts";
import { type SupervisedProcess, superviseProcess } from "./supervised-process.ts";
import { runSweep } from "./wards.ts";

export interface ClusterOptions {
  /** 0: any free one. */
  readonly port: number;
  /** The front door's address; this machine only when absent. */
  readonly host?: string;
  readonly agents: number;
  readonly dataDir: string;
  readonly containerizer: string;
  /** What each agent offers; its share of the machine when absent. `mem`: MB. */
  readonly cpus?: number;
  readonly mem?: number;
  /** Without lines about what died and was started again. */
  readonly quiet?: boolean;
  /** Where those lines go; stderr when absent. */
  readonly report?: (line: string) => void;
  /**
   * The folder with the bundles of Worker, agent and front door; where this file lies when absent.
   */
  readonly bundles?: string;
}

export interface Cluster {
  readonly url: string;
  /** Ends everything, tasks included, within 2 s. */
  stop(): Promise<void>;
}

/** An agent ends its tasks in less; then it is killed and swept up after. */
const AGENT_GRACE_MS = 1_200;
const FRONT_DOOR_GRACE_MS = 300;

/** Resolves when the URL answers. Throws `StartError`, with nothing left running. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const folder = await openDataFolder(options.dataDir);
  const cluster = new LocalCluster(options, folder);
  try {
    await cluster.start();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/**
 * Ports above 1023 that no client on `fetch` connects to: agents, the command and browsers. The
 * kernel gives none of them away by itself. Source: Fetch standard, "bad port".
 */
const REFUSED_PORTS: ReadonlySet<number | undefined> = new Set([
  ...[1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566],
  ...[6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080],
]);

/** Variables of the master that `rimrock start` hands on as they are; the others it sets itself. */
const GIVEN_VARIABLES = [
  "RIMROCK_POLICY",
  "RIMROCK_OFFER_TIMEOUT",
  "RIMROCK_MAX_OFFERS_PER_FRAMEWORK",
  "RIMROCK_DOMAIN",
  "RIMROCK_AGENT_PING_TIMEOUT",
  "RIMROCK_MAX_AGENT_PING_TIMEOUTS",
];

function givenVariables(environment: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const given = GIVEN_VARIABLES.map((name) => [name, environment[name] ?? ""] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== ""));
}

class LocalCluster implements Cluster {
  readonly #options: ClusterOptions;
  readonly #folder: DataFolder;
  readonly #bundles: string;
  readonly #report: (line: string) => void;
  #url = "";
  #port = 0;
  #controlPlane: ControlPlane | undefined;
  #upstreamPort: number | undefined;
  /** What the front door proves itself with to the Worker. */
  readonly #frontDoorKey = randomUUID();
  #frontDoor: SupervisedProcess | undefined;
  #frontDoorChild: ChildProcess | undefined;
  #agents: { readonly process: SupervisedProcess; readonly sweep: readonly string[] }[] = [];
  #stopping = false;

  constructor(options: ClusterOptions, folder: DataFolder) {
    this.#options = options;
    this.#folder = folder;
    this.#bundles = options.bundles ?? fileURLToPath(new URL(".", import.meta.url));
    const toStderr = (line: string): void => void process.stderr.write(`${line}\n`);
    this.#report = options.report ?? (options.quiet ? () => {} : toStderr);
  }

  get url(): string {
    return this.#url;
  }

  async start(): Promise<void> {
    const { host = LOCAL_HOST, port, agents } = this.#options;
    if (REFUSED_PORTS.has(port)) throw new StartError({ code: "PORT_REFUSED_BY_CLIENTS", port });
    this.#port = await freePort(host, port);
    const address = clusterAddress(host, this.#port);
    this.#url = address.url;
    const listening = this.#startFrontDoor(host);
    for (let number = 1; number <= agents; number++) this.#startAgent(number);
    // Both to their end: what is half started could not be stopped.
    const starts = await Promise.allSettled([listening, this.#startControlPlane(address)]);
    for (const start of starts) if (start.status === "rejected") throw start.reason;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#tellFrontDoor({ kind: "WARDS", wards: [] });
    await Promise.all(
      this.#agents.map(async ({ process, sweep }) => {
        const endedItself = await process.stop(AGENT_GRACE_MS);
        if (!endedItself) await runSweep(sweep);
      }),
    );
    await Promise.all([this.#frontDoor?.stop(FRONT_DOOR_GRACE_MS), this.#controlPlane?.stop()]);
    this.#folder.release();
  }

  async #startControlPlane(address: ClusterAddress): Promise<void> {
    const logFile = this.#folder.logFile("control-plane");
    try {
      this.#controlPlane = await startControlPlane({
        script: join(this.#bundles, "worker.mjs"),
        agentScript: join(this.#bundles, "rimrock-agent.mjs"),
        folder: this.#folder.controlPlane,
        variables: {
          RIMROCK_HOSTNAME: address.hostname,
          RIMROCK_IP: address.ip,
          RIMROCK_PORT: String(this.#port),
          RIMROCK_FRONT_DOOR_KEY: this.#frontDoorKey,
          ...givenVariables(process.env),
        },
        logFile,
        report: this.#report,
        onStart: (port) => {
          this.#upstreamPort = port;
          this.#tellFrontDoor({ kind: "UPSTREAM", port, key: this.#frontDoorKey });
          this.#noteProcesses();
        },
      });
      this.#noteProcesses();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new StartError({ code: "CONTROL_PLANE_FAILED", why, logFile });
    }
  }

  /** Resolves when it listens for the first time. */
  #startFrontDoor(host: string): Promise<void> {
    const logFile = this.#folder.logFile("front-door");
    return new Promise((resolve, reject) => {
      const hear = (message: FromFrontDoor): void => {
        if (message.kind === "LISTENING") resolve();
        else reject(listenError(host, this.#port, message.errno));
      };
      this.#frontDoor = superviseProcess({
        name: "front-door",
        argv: [join(this.#bundles, "front-door.mjs")],
        lifeline: "IPC",
        logFile,
        report: this.#report,
        onStart: (child) => {
          this.#frontDoorChild = child;
          // The other end of this channel is our own front door.
          child.on("message", (message) => hear(message as FromFrontDoor));
          child.once("exit", (code, signal) => {
            const why = signal ?? `exit code ${code}`;
            reject(new StartError({ code: "FRONT_DOOR_FAILED", why, logFile }));
          });
          this.#tellFrontDoor({ kind: "LISTEN", host, port: this.#port });
          const port = this.#upstreamPort;
          if (port !== undefined) {
            this.#tellFrontDoor({ kind: "UPSTREAM", port, key: this.#frontDoorKey });
          }
          this.#noteProcesses();
        },
      });
      this.#noteProcesses();
    });
  }

  #startAgent(number: number): void {
    const { agents, containerizer, cpus, mem } = this.#options;
    const name = `agent-${number}`;
    const argv = [
      join(this.#bundles, "rimrock-agent.mjs"),
      ...localAgentArguments({
        masterUrl: this.#url,
        workDirectory: this.#folder.agent(number),
        containerizer,
        number,
        agents,
        cpus,
        mem,
      }),
    ];
    const process = superviseProcess({
      name,
      argv,
      lifeline: "STDIN",
      logFile: this.#folder.logFile(name),
      report: this.#report,
      onStart: (child) => {
        child.once("exit", () => this.#noteProcesses());
        this.#noteProcesses();
      },
    });
    this.#agents.push({ process, sweep: argv });
    this.#noteProcesses();
  }

  /** Tells those who clean up after us who runs now. */
  #noteProcesses(): void {
    if (this.#stopping) return;
    const wards: Ward[] = [
      { name: "control-plane", identity: this.#controlPlane?.identity() },
      ...this.#agents.map(({ process: { name, identity }, sweep }) => ({
        name,
        identity: identity(),
        sweep,
      })),
    ];
    this.#tellFrontDoor({ kind: "WARDS", wards });
    const children: (ProcessIdentity & { name: string })[] = [];
    for (const { name, identity } of [
      ...wards,
      { name: "front-door", identity: this.#frontDoor?.identity() },
    ]) {
      if (identity !== undefined) children.push({ name, ...identity });
    }
    this.#folder.writeProcesses(children);
  }

  #tellFrontDoor(message: ToFrontDoor): void {
    // One that has just died gets everything again when it is started again.
    if (this.#frontDoorChild?.connected) this.#frontDoorChild.send(message, () => {});
  }
}

/** `port` itself when it can be listened on; any free one for 0. */
async function freePort(host: string, port: number): Promise<number> {
  const probe = createServer();
  return await new Promise((resolve, reject) => {
    probe.once("error", (error) => reject(listenError(host, port, errnoOf(error))));
    probe.listen({ host, port }, () => {
      // A server that listens on TCP has an AddressInfo.
      const found = (probe.address() as AddressInfo).port;
      probe.close(() => resolve(found));
    });
  });
}

function listenError(host: string, port: number, errno: string): StartError {
  return errno === "EADDRINUSE"
    ? new StartError({ code: "PORT_TAKEN", host, port })
    : new StartError({ code: "ADDRESS_UNUSABLE", host, port, errno });
}
