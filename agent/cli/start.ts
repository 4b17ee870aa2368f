/** `rimrock start`: a cluster on this machine, kept up until Ctrl-C. */
import { setTimeout as sleep } from "node:timers/promises";
import { SchedulerError } from "../../worker/sdk/error.ts";
import { Operator } from "../../worker/sdk/operator.ts";
import { mesosContainerizerKinds } from "../containerizer/index.ts";
import { type Cluster, startCluster } from "../dev/cluster.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { plainResources, scalarIn } from "./plain.ts";

const DEFAULT_PORT = 5050;
const MAX_PORT = 65_535;
/** More agents would share too little of one machine to be of use. */
const MAX_AGENTS = 64;
const AGENTS_JOIN_MS = 10_000;
const ASK_EVERY_MS = 50;
const WATCH_NPM_MS = 500;

interface JoinedAgent {
  readonly id: string;
  readonly resources: ReturnType<typeof plainResources>;
}

export const start = defineCommand({
  name: "start",
  summary: "Start a cluster on this machine: control plane and agents",
  description: `Runs until Ctrl-C, which ends everything, tasks included. The state stays in the data
folder, and the next start goes on from it.`,
  flags: {
    port: {
      kind: "integer",
      placeholder: "N",
      help: "port of the URL; 0: any free one",
      minimum: 0,
      maximum: MAX_PORT,
      fallback: DEFAULT_PORT,
    },
    host: {
      kind: "text",
      placeholder: "ADDRESS",
      help: "address to listen on; 0.0.0.0 lets other machines in, without any authentication",
      fallback: "127.0.0.1",
    },
    agents: {
      kind: "integer",
      placeholder: "N",
      help: "agents to run here; each offers its share of this machine",
      minimum: 0,
      maximum: MAX_AGENTS,
      fallback: 2,
    },
    data: {
      kind: "text",
      placeholder: "FOLDER",
      help: "where the state lives",
      fallback: ".rimrock",
    },
    containerizer: {
      kind: "text",
      placeholder: "NAME",
      help: "how agents run tasks: process (no isolation) or cgroups (limits; needs root)",
      fallback: "process",
    },
    cpus: {
      kind: "number",
      placeholder: "N",
      help: "processors that each agent offers",
      minimum: 0.001,
    },
    mem: { kind: "number", placeholder: "MB", help: "memory that each agent offers", minimum: 1 },
  },
  operands: { kind: "none" },
  examples: ["rimrock start", "rimrock start --agents 4 --cpus 1 --mem 512 --port 0"],
  run: async (values, context) => {
    const kinds: readonly string[] = mesosContainerizerKinds;
    if (!kinds.includes(values.containerizer)) {
      context.terminal.err(
        `rimrock start: no containerizer "${values.containerizer}": choose one of ${kinds.join(", ")}\n`,
      );
      return 2;
    }
    const interrupted = untilInterrupted(context);
    const cluster = await startCluster({
      ...values,
      dataDir: values.data,
      report: (line) => context.terminal.err(`${line}\n`),
    });
    await Promise.race([announce(cluster, values, context), interrupted]);
    await interrupted;
    await cluster.stop();
    return 0;
  },
});

/** Resolves at the first Ctrl-C, or when npm, which does not pass every signal on, has gone. */
function untilInterrupted({ environment, onInterrupt }: CommandContext): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    onInterrupt(() => {
      // Nothing outlives this process, so a second Ctrl-C may end it as it is.
      if (asked) process.exit(1);
      asked = true;
      resolve();
    });
    if (environment.npm_command === undefined) return;
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent) resolve();
    }, WATCH_NPM_MS).unref();
  });
}

async function announce(
  { url }: Cluster,
  { agents, data, port }: { agents: number; data: string; port: number },
  { terminal, json, transport }: CommandContext,
): Promise<void> {
  if (!json) terminal.out(`Rimrock runs at ${url}, its state in ${data}\n`);
  const joined = await waitForAgents(new Operator({ master: url, transport }), agents);
  if (json) {
    terminal.out(`${JSON.stringify({ url, data, agents: joined })}\n`);
    return;
  }
  for (const { id, resources } of joined) {
    const [cpus, mem] = [scalarIn(resources, "cpus"), scalarIn(resources, "mem")];
    terminal.out(`  agent ${id}: ${cpus} cpus, ${mem} MB\n`);
  }
  if (joined.length < agents) {
    terminal.err(
      `${agents - joined.length} of ${agents} agents have not joined: see ${data}/logs\n`,
    );
  }
  const master = port === DEFAULT_PORT ? "" : ` --master ${url}`;
  terminal.out(
    [
      "",
      "In another terminal:",
      `  npx rimrock run${master} --cpus 0.1 --mem 32 -- sh -c 'echo hello; sleep 1; exit 3'`,
      `  npx rimrock agent list${master}`,
      "Another agent, which keeps its tasks when this ends:",
      `  npx rimrock-agent --master ${url}`,
      "Ctrl-C ends everything here.",
      "",
    ].join("\n"),
  );
}

/** The agents that joined, as soon as all have, or those that have after a while. */
async function waitForAgents(operator: Operator, count: number): Promise<readonly JoinedAgent[]> {
  const deadlineMs = performance.now() + AGENTS_JOIN_MS;
  for (;;) {
    const joined = await joinedAgents(operator);
    if (joined.length >= count || performance.now() > deadlineMs) return joined;
    await sleep(ASK_EVERY_MS);
  }
}

async function joinedAgents(operator: Operator): Promise<readonly JoinedAgent[]> {
  try {
    const { get_agents } = await operator.ask({ type: "GET_AGENTS" });
    const active = get_agents?.agents?.filter((agent) => agent.active) ?? [];
    return active.map(({ agent_info: { id, resources } }) => ({
      id: id?.value ?? "",
      resources: plainResources(resources),
    }));
  } catch (error) {
    // It is starting again: ask once more.
    if (error instanceof SchedulerError) return [];
    throw error;
  }
}
