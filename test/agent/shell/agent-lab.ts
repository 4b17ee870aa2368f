/** A fake master, an agent that joined it, and what its tasks leave to look at. */
import { existsSync, readFileSync } from "node:fs";
import { agentBundle, startAgent, temporaryDirectory } from "./agent-process.ts";
import { FakeMaster } from "./fake-master.ts";

const masters: FakeMaster[] = [];
/** After each test. */
export async function endMasters(): Promise<void> {
  for (const master of masters.splice(0)) {
    await endTasks(master);
    await master.stop().catch(() => {});
  }
}

/** One that `endMasters` ends. */
export async function newMaster(): Promise<FakeMaster> {
  const master = await new FakeMaster().start();
  masters.push(master);
  return master;
}

/** Tasks outlive agents: what a test leaves behind has to be ended by an agent. */
async function endTasks(master: FakeMaster): Promise<void> {
  const shutdown_framework = { framework_id: { value: "f1" } };
  const number = master.send({ type: "SHUTDOWN_FRAMEWORK", shutdown_framework });
  await master
    .until("tasks end", () => master.acknowledged >= number || undefined, 500)
    .catch(() => {});
}

/**
 * Of an agent whose tasks are plain processes. A test that wants them isolated says so itself: of
 * an option that is given twice the last one counts.
 */
export function plainArguments(master: string, workDirectory: string): readonly string[] {
  return ["--master", master, "--containerizer", "process", "--work-dir", workDirectory];
}

export async function beforeStart(...more: string[]) {
  const master = await newMaster();
  const workDirectory = temporaryDirectory();
  const args = [...plainArguments(master.url, workDirectory), ...more];
  return { master, workDirectory, args, bundle: await agentBundle() };
}

export async function joined(...more: string[]) {
  const before = await beforeStart(...more);
  const agent = await startAgent(before.args);
  await before.master.until("the agent registers", () => before.master.registrations[0]);
  return { ...before, agent };
}

/** A zombie is not alive, only not yet buried by whoever inherited it. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** A command that writes its process id before it waits. */
export function waiting(file: string): string {
  return `echo $$ > ${file}.new; mv ${file}.new ${file}; exec sleep 1000`;
}

export async function pidIn(master: FakeMaster, file: string): Promise<number> {
  await master.until("the task runs", () => existsSync(file) || undefined);
  return Number(readFileSync(file, "utf8"));
}
