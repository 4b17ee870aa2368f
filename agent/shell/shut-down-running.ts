/** `rimrock-agent --shutdown`: ends the agent that runs on a work directory, and its tasks. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { TICKS_PER_SECOND } from "../containerizer/supervisor/process-table.ts";
import { errnoOf } from "./errno.ts";
import { describeWorkDirectoryError, takeWorkDirectory } from "./work-directory.ts";

/** The kernel tells the time of its start in whole seconds. */
const CLOCK_SLACK_SECONDS = 2;
const LOOK_MS = 100;
const SAY_MS = 5_000;

/** Waits until it has ended; the error is a sentence. `say`: while that takes long. */
export async function shutDownRunning(
  path: string,
  say: (line: string) => void,
): Promise<Result<void, string>> {
  const nobody = `no agent runs on the work directory ${path}; name it with --work-dir`;
  if (!existsSync(join(path, "meta"))) return err(nobody);
  const taken = await takeWorkDirectory(path);
  if (taken.ok) {
    taken.value.release();
    return err(nobody);
  }
  if (taken.error.code !== "IN_USE") return err(describeWorkDirectoryError(taken.error));
  const pid = Number(taken.error.pid);
  if (!isAgent(pid, join(path, "meta", "pid"))) {
    return err(`the process of the agent on ${path} cannot be found; end it by hand`);
  }
  try {
    process.kill(pid, "SIGUSR1");
  } catch (cause) {
    return err(`the agent on ${path} (process ${pid}) cannot be told to end: ${errnoOf(cause)}`);
  }
  say(`process ${pid} ends its tasks`);
  let saidMs = performance.now();
  while (isAgent(pid, join(path, "meta", "pid"))) {
    await sleep(LOOK_MS);
    if (performance.now() - saidMs < SAY_MS) continue;
    saidMs = performance.now();
    say(`process ${pid} still waits for its tasks, or for the master to hear of their ends`);
  }
  return ok(undefined);
}

/**
 * Whether this process can be the one that wrote its number into `pidFile`: another that got the
 * number later has begun later.
 */
function isAgent(pid: number, pidFile: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const bootSeconds = Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "latin1"))?.[1]);
    const startedSeconds = bootSeconds + Number(fields[18]) / TICKS_PER_SECOND;
    const wroteSeconds = statSync(pidFile).mtimeMs / 1_000;
    return state !== "Z" && startedSeconds <= wroteSeconds + CLOCK_SLACK_SECONDS;
  } catch {
    return false;
  }
}
