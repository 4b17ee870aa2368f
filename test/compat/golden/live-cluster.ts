/** A fresh cluster with one agent like the recorded one. */
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import {
  endEverything,
  freePort,
  newFolder,
  startAgent,
  startCluster,
  type TestProcess,
  until,
} from "../../e2e/harness.ts";

const RESOURCES = "cpus:4;mem:4096;disk:10000;ports:[31000-32000]";
const ATTRIBUTES = "rack:r1;zone:z1";

/** What masters were recorded with, by family, where it is not the default (golden/INDEX.md). */
const RECORDED_WITH: { readonly [family: string]: Readonly<Record<string, string>> | undefined } = {
  H: {
    RIMROCK_AGENT_PING_TIMEOUT: "1secs",
    RIMROCK_MAX_AGENT_PING_TIMEOUTS: "2",
    RIMROCK_OFFER_TIMEOUT: "4secs",
  },
};

/** No family's Mesos takes offers back by itself, unless it says so. */
const RECORDED_WITH_ALL = { RIMROCK_OFFER_TIMEOUT: "none" };

export interface LiveAgent {
  readonly id: string;
  readonly port: number;
}

export class LiveCluster {
  readonly port: number;
  readonly masterId: string;
  agent: LiveAgent;
  readonly #url: string;
  readonly #workDir: string;
  #process: TestProcess;

  private constructor(url: string, masterId: string, agent: LiveAgent, started: StartedAgent) {
    this.#url = url;
    this.port = Number(new URL(url).port);
    this.masterId = masterId;
    this.agent = agent;
    this.#workDir = started.workDir;
    this.#process = started.process;
  }

  /** Like the one that the families were recorded with. */
  static async start(families: readonly string[]): Promise<LiveCluster> {
    const given = families.map((family) => RECORDED_WITH[family]).find((env) => env);
    const env = { ...RECORDED_WITH_ALL, ...given };
    const { url } = await startCluster({ agents: 0, env });
    const workDir = newFolder();
    const port = await freePort();
    const process = startGoldenAgent(url, workDir, port);
    const agent = await until(() => firstAgent(url), {
      what: () => `the agent has joined: ${process.out.concat(process.err).join("\n")}`,
    });
    const { id } = (await read(url, "/state")) as { id: string };
    return new LiveCluster(url, id, { id: agent, port }, { workDir, process });
  }

  /** What the recorder did to the agent's process. */
  async act(action: string): Promise<void> {
    const child: ChildProcess = this.#process.child;
    if (action === "stop agent") child.kill("SIGSTOP");
    else if (action === "continue agent") child.kill("SIGCONT");
    else if (action === "kill agent") child.kill("SIGKILL");
    else if (action === "start agent") {
      this.#process = startGoldenAgent(this.#url, this.#workDir, this.agent.port);
    } else if (action === "await the agent's loss") await this.#awaitAgent({ isActive: false });
    else if (action === "await the agent's return") await this.#awaitAgent({ isActive: true });
    else if (action.startsWith("call ")) await this.#call(action.slice("call ".length));
    else throw new Error(`nobody knows how to ${action}`);
  }

  async #call(text: string): Promise<void> {
    const response = await fetch(`${this.#url}/api/v1`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: text.replaceAll("$agent", this.agent.id),
    });
    if (!response.ok) throw new Error(`${text}: ${response.status} ${await response.text()}`);
  }

  /** It takes as long as the master's flags say. */
  async #awaitAgent({ isActive }: { isActive: boolean }): Promise<void> {
    await until(async () => ((await firstAgent(this.#url)) !== undefined) === isActive, {
      what: () => `the agent is ${isActive ? "active" : "lost"}`,
      withinMs: 120_000,
    });
  }

  async end(): Promise<void> {
    await endEverything();
  }
}

interface StartedAgent {
  readonly workDir: string;
  readonly process: TestProcess;
}

function startGoldenAgent(url: string, workDir: string, port: number): TestProcess {
  // An agent tells its master's name as it was told it: the recorded one's was "localhost".
  return startAgent(url.replace("127.0.0.1", "localhost"), join(workDir, "agent"), [
    ...["--resources", RESOURCES, "--attributes", ATTRIBUTES],
    ...["--hostname", "localhost", "--ip", "127.0.0.1", "--port", String(port)],
    ...["--containerizer", "process", "--insecure-local"],
  ]);
}

async function firstAgent(url: string): Promise<string | undefined> {
  const { slaves } = (await read(url, "/slaves")) as { slaves: { id: string; active: boolean }[] };
  return slaves.find(({ active }) => active)?.id;
}

async function read(url: string, path: string): Promise<unknown> {
  const response = await fetch(`${url}${path}`);
  return response.json();
}
