/**
 * `rimrock demo`: a cluster of its own, 20 tasks on it, and a table of how they ended; checked, not
 * just shown.
 */
import { setMaxListeners } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isTerminal } from "../../worker/protocol/task-state.ts";
import { Operator } from "../../worker/sdk/operator.ts";
import { type Cluster, startCluster } from "../dev/cluster.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { type DemoEnd, DemoFramework, type DemoRequest, type DemoTask } from "./demo-framework.ts";
import { commandExitCode, EXIT_INTERRUPTED } from "./exit-code.ts";
import { alignColumns } from "./table.ts";
import { type Colour, paint } from "./terminal.ts";

const AGENTS = 2;
const TASKS = 20;
/** The whole demo takes a few seconds; one that is not done by then never will be. */
const LIMIT_MS = 60_000;
const AGENTS_JOIN_MS = 10_000;
const ASK_EVERY_MS = 100;
const TAIL_LENGTH = 40;
const PROBLEMS_SHOWN = 3;

const FAILS = { id: "task-07-fails", command: "echo 'no such luck' >&2; exit 3" };
const KILLED = { id: "task-13-killed", command: "echo waiting; sleep 60", isKilled: true } as const;
const PRINTS = {
  id: "task-20-prints",
  command: "for n in 5 4 3 2 1; do echo $n...; sleep 0.6; done; echo lift-off",
  isFollowed: true,
} as const;

export const demo = defineCommand({
  name: "demo",
  summary: `See it work: a cluster of its own and ${TASKS} tasks on it`,
  description: `Starts a cluster in a temporary folder, launches ${TASKS} tasks spread over its agents (one
fails, one is killed, one prints for a while), shows how each ended, and removes everything.
With --master it uses a cluster that is there already.`,
  flags: {},
  operands: { kind: "none" },
  examples: ["rimrock demo", "rimrock demo --master http://127.0.0.1:5050 --json"],
  run: async (_values, context) => {
    const abort = new AbortController();
    // Every piece of output that is being read listens to it.
    setMaxListeners(0, abort.signal);
    const offInterrupt = context.onInterrupt(() => abort.abort("INTERRUPTED"));
    const timer = setTimeout(() => abort.abort("TIME_UP"), LIMIT_MS);
    try {
      if (context.master.source !== "default") {
        return await onCluster(context.master.url, context, abort);
      }
      return await withCluster(context, (url) => onCluster(url, context, abort));
    } finally {
      clearTimeout(timer);
      offInterrupt();
    }
  },
});

async function withCluster(
  context: CommandContext,
  use: (url: string) => Promise<number>,
): Promise<number> {
  say(context, `starting a cluster with ${AGENTS} agents`);
  const dataDir = await mkdtemp(join(tmpdir(), "rimrock-demo-"));
  let cluster: Cluster | undefined;
  try {
    const options = { port: 0, agents: AGENTS, dataDir, containerizer: "process", quiet: true };
    cluster = await startCluster(options);
    return await use(cluster.url);
  } finally {
    await cluster?.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function onCluster(
  url: string,
  context: CommandContext,
  abort: AbortController,
): Promise<number> {
  const { terminal, transport, json } = context;
  const { signal } = abort;
  const startMs = Date.now();
  const wanted = context.master.source === "default" ? AGENTS : 1;
  if (signal.aborted) return stopped(context, signal);
  const agents = await agentsOf(new Operator({ master: url, transport }), wanted, signal);
  if (agents.length < wanted && !signal.aborted) {
    terminal.err(
      `rimrock: only ${agents.length} of ${wanted} agents joined ${url}: see: rimrock agent list --master ${url}\n`,
    );
    return 1;
  }
  say(context, `${agents.length} agents at ${url}`);
  const tasks = demoTasks();
  const framework = new DemoFramework({
    master: url,
    transport,
    tasks,
    tasksPerAgentMax: Math.ceil(tasks.length / Math.max(1, agents.length)),
    signal,
    ...progress(context, tasks.length),
    failed: (error) => abort.abort(error),
  });
  const ends = await framework.run();
  if (signal.aborted) return stopped(context, signal);
  const sorted = [...ends].sort((a, b) => (a.task.id < b.task.id ? -1 : 1));
  if (json) terminal.out(`${JSON.stringify(sorted.map(plainEnd), null, 2)}\n`);
  else terminal.out(`\n${table(sorted, context).join("\n")}\n\n`);
  const problems = problemsOf(sorted, agents.length);
  for (const problem of problems.slice(0, PROBLEMS_SHOWN)) {
    terminal.err(`rimrock: not as expected: ${problem}\n`);
  }
  const hidden = problems.length - PROBLEMS_SHOWN;
  if (hidden > 0) terminal.err(`rimrock: and ${hidden} more not as expected\n`);
  const seconds = ((Date.now() - startMs) / 1_000).toFixed(1);
  if (problems.length === 0)
    say(context, `all ${TASKS} tasks ended as they should, in ${seconds} s`);
  return problems.length === 0 ? 0 : 1;
}

/** A line for whatever happens. */
function progress(
  context: CommandContext,
  count: number,
): Pick<DemoRequest, "launched" | "changed" | "line"> {
  const { terminal } = context;
  let done = 0;
  return {
    launched: (some, agentId) => say(context, `${some.length} tasks launched on ${agentId}`),
    changed: (task, { state }) => {
      if (!isTerminal(state)) return;
      done += 1;
      const place = `[${String(done).padStart(2)}/${count}]`;
      say(context, `${place} ${task.id} ${paint(terminal, colourOf(state), state)}`);
    },
    line: (task, text) => say(context, paint(terminal, "dim", `${task.id} | ${text}`)),
  };
}

function demoTasks(): readonly DemoTask[] {
  return Array.from({ length: TASKS }, (_, at) => {
    const number = at + 1;
    const special = [FAILS, KILLED, PRINTS].find(({ id }) => Number(id.slice(5, 7)) === number);
    const id = `task-${String(number).padStart(2, "0")}`;
    return special ?? { id, command: `echo hello from ${id}; sleep 0.${number % 5}` };
  });
}

/** The ids of the active agents, as soon as there are `wanted`, or what there is after a while. */
async function agentsOf(
  operator: Operator,
  wanted: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  for (const startMs = Date.now(); ; ) {
    const { get_agents } = await operator.ask({ type: "GET_AGENTS" }, { signal });
    const active = (get_agents?.agents ?? []).filter((agent) => agent.active);
    const isLate = Date.now() - startMs > AGENTS_JOIN_MS;
    if (active.length >= wanted || isLate || signal.aborted) {
      return active.map(({ agent_info }) => agent_info.id?.value ?? "");
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

function stopped({ terminal }: CommandContext, { reason }: AbortSignal): number {
  if (reason === "INTERRUPTED") return EXIT_INTERRUPTED;
  if (reason !== "TIME_UP") throw reason;
  terminal.err(`rimrock: the ${TASKS} tasks had not all ended after ${LIMIT_MS / 1_000} s\n`);
  return 1;
}

/** What each task must come to; one sentence for each that did not. */
export function problemsOf(ends: readonly DemoEnd[], agentCount: number): readonly string[] {
  const problems: string[] = [];
  for (const { task, status, output } of ends) {
    const is = (state: string, code: number | undefined, text: string): void => {
      const exitCode = commandExitCode(status.message ?? "");
      const isRight = status.state === state && (code === undefined || exitCode === code);
      if (isRight && output.includes(text)) return;
      const found = `${status.state} (${status.message ?? ""}), output "${output.trim()}"`;
      problems.push(`${task.id} should be ${state} and print "${text}", but it is ${found}`);
    };
    if (task.id === FAILS.id) is("TASK_FAILED", 3, "no such luck");
    else if (task.id === KILLED.id) is("TASK_KILLED", undefined, "");
    else if (task.id === PRINTS.id) is("TASK_FINISHED", undefined, "lift-off");
    else is("TASK_FINISHED", undefined, `hello from ${task.id}`);
  }
  const used = new Set(ends.map(({ agentId }) => agentId)).size;
  if (ends.length !== TASKS) problems.push(`${ends.length} tasks ended instead of ${TASKS}`);
  if (agentCount >= AGENTS && used < AGENTS) problems.push("all tasks ran on one agent");
  return problems;
}

function plainEnd({ task, status, agentId, output }: DemoEnd) {
  return {
    task: task.id,
    state: status.state,
    agent: agentId,
    exit_code: exitCode(status.message),
    message: status.message ?? null,
    output,
  };
}

function table(ends: readonly DemoEnd[], { terminal }: CommandContext): string[] {
  const heads = ["TASK", "STATE", "AGENT", "EXIT CODE", "OUTPUT"];
  const rows = ends.map(({ task, status, agentId, output }) => {
    const state = paint(terminal, colourOf(status.state), status.state);
    return [task.id, state, agentId, String(exitCode(status.message) ?? "-"), tail(output)];
  });
  return alignColumns([heads.map((head) => paint(terminal, "dim", head)), ...rows]);
}

function colourOf(state: string): Colour {
  return state === "TASK_FINISHED" ? "green" : "yellow";
}

/** Null when the cluster does not say. */
function exitCode(message: string | undefined): number | null {
  return commandExitCode(message ?? "") ?? null;
}

/** The last line, from its end. */
function tail(output: string): string {
  const last = output.trimEnd().split("\n").at(-1) ?? "";
  return last.length > TAIL_LENGTH ? `…${last.slice(-TAIL_LENGTH)}` : last;
}

/** Progress: for people only. */
function say({ terminal, json }: CommandContext, line: string): void {
  if (!json) terminal.out(`${line}\n`);
}
