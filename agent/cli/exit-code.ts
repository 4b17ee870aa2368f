/** The exit code of `rimrock run`, from what the cluster says about the task's end. */
import { constants } from "node:os";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { signalWords } from "../core/signals.ts";

/** The task ended without an exit code of its own: lost, refused, never launched. As `docker run` has it. */
export const EXIT_NO_STATUS = 125;
/** `--timeout` was reached. As timeout(1) has it. */
export const EXIT_TIMEOUT = 124;
/** Ctrl-C. As shells have it: 128 + SIGINT. */
export const EXIT_INTERRUPTED = 130;

/** Both spellings of a signal, the name and the words that Mesos writes → its number. */
const signalNumbers = new Map<string, number>();
for (const [name, number] of Object.entries(constants.signals)) {
  // SIGIOT and SIGPOLL are second names; the first one's words win, and the number is the same.
  for (const text of [name, signalWords(name)]) {
    if (!signalNumbers.has(text)) signalNumbers.set(text, number);
  }
}

/** The code that the command itself ended with, as a shell would give it; undefined when it is not known. */
export function commandExitCode(message: string): number | undefined {
  const exited = /\bexited with status (\d+)/.exec(message);
  if (exited !== null) return Number(exited[1]);
  const signaled = /\bterminated with signal (.+?)(?: \(core dumped\))?$/.exec(message);
  if (signaled === null) return undefined;
  const text = signaled[1] ?? "";
  const number = signalNumbers.get(text) ?? (/^\d+$/.test(text) ? Number(text) : undefined);
  return number === undefined ? undefined : 128 + number;
}

/** Of a task in its terminal state. */
export function exitCodeOf(status: mesos.TaskStatus): number {
  if (status.state === "TASK_FINISHED") return 0;
  const code = commandExitCode(status.message ?? "");
  // A task that was killed and ended with 0 on its way out has not done what it was started for.
  return code === undefined || code === 0 ? EXIT_NO_STATUS : code;
}
