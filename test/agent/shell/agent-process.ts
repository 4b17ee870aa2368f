/** Real agent processes, bundled once per test file, each in a work directory of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { REQUIRE_BANNER } from "../../../agent/dev/require-banner.mjs";

const made: string[] = [];
const started: AgentProcess[] = [];
let bundle: Promise<string> | undefined;

export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "rimrock-agent-"));
  made.push(path);
  return path;
}

export interface AgentProcess {
  readonly child: ChildProcess;
  /** All of stderr so far. */
  log(): string;
  /** [exit code, signal] */
  readonly ended: Promise<[number | null, string | null]>;
}

/** The agent as one file. */
export async function agentBundle(): Promise<string> {
  bundle ??= bundleAgent();
  return await bundle;
}

/** `args`: without node and the script; `nodeArguments`: before the script; `env`: besides ours. */
export async function startAgent(
  args: readonly string[],
  { nodeArguments = [] as readonly string[], env = {} as Readonly<Record<string, string>> } = {},
): Promise<AgentProcess> {
  const words = [...nodeArguments, await agentBundle(), ...args];
  const child = spawn(process.execPath, words, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let text = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
  });
  const ended = new Promise<[number | null, string | null]>((resolve) =>
    child.once("close", (code, signal) => resolve([code, signal])),
  );
  const agent: AgentProcess = { child, log: () => text, ended };
  started.push(agent);
  return agent;
}

/**
 * Ends what was started: agents, then what outlived them, then the folders. `release`: what holds
 * on to the folders.
 */
export async function cleanUp(release: () => void = () => {}): Promise<void> {
  for (const { child, ended } of started.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await ended;
  }
  endAllOf(made);
  release();
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
  bundle = undefined;
}

/** Tasks outlive their agent: they and their supervisors have its folder among their words. */
function endAllOf(folders: readonly string[]): void {
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const words = wordsOf(name, "cmdline") + wordsOf(name, "environ");
    if (!folders.some((folder) => words.includes(`${folder}/`))) continue;
    try {
      process.kill(Number(name), "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}

function wordsOf(pid: string, file: "cmdline" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}

async function bundleAgent(): Promise<string> {
  const outfile = join(temporaryDirectory(), "agent.mjs");
  const options = {
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    // As in the agent that is installed.
    banner: { js: REQUIRE_BANNER },
  } as const;
  await build({ entryPoints: ["agent/main.ts"], outfile, logLevel: "error", ...options });
  return outfile;
}
