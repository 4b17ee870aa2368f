/** The exit code of `rimrock run`, from what the cluster says about the task's end. */
import { constants } from "node:os";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";

/**
 * The task ended without an exit code of its own: lost, refused, never launched. As `docker run`
 * has it.
 */
export const EXIT_NO_STATUS = 125;
/** `--timeout` was reached. As timeout(1) has it. */
export const EXIT_TIMEOUT = 124;
/** Ctrl-C. As shells have it: 128 + SIGINT. */
export const EXIT_INTERRUPTED = 130;

/** Signals as Mesos writes them, in the words of strsignal(3) of Linux. */
const WORDS: Readonly<Record<string, keyof typeof constants.signals>> = {
  Hangup: "SIGHUP",
  Interrupt: "SIGINT",
  Quit: "SIGQUIT",
  "Illegal instruction": "SIGILL",
  "Trace/breakpoint trap": "SIGTRAP",
  Aborted: "SIGABRT",
  "Bus error": "SIGBUS",
  "Floating point exception": "SIGFPE",
  Killed: "SIGKILL",
  "User defined signal 1": "SIGUSR1",
  "Segmentation fault": "SIGSEGV",
  "User defined signal 2": "SIGUSR2",
  "Broken pipe": "SIGPIPE",
  "Alarm clock": "SIGALRM",
  Terminated: "SIGTERM",
  "Stack fault": "SIGSTKFLT",
  "CPU time limit exceeded": "SIGXCPU",
  "File size limit exceeded": "SIGXFSZ",
  "Virtual timer expired": "SIGVTALRM",
  "Profiling timer expired": "SIGPROF",
  "I/O possible": "SIGIO",
  "Power failure": "SIGPWR",
  "Bad system call": "SIGSYS",
};

/** By words, by name ("SIGKILL") or by number. */
function signalNumber(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const numbers: Readonly<Record<string, number>> = constants.signals;
  return numbers[WORDS[text] ?? text];
}

/**
 * The code that the command itself ended with, as a shell would give it; undefined when it is not
 * known.
 */
export function commandExitCode(message: string): number | undefined {
  const exited = /\bexited with status (\d+)/.exec(message);
  if (exited !== null) return Number(exited[1]);
  const signaled = /\bterminated with signal (.+?)(?: \(core dumped\))?$/.exec(message);
  if (signaled === null) return undefined;
  const number = signalNumber(signaled[1] ?? "");
  return number === undefined ? undefined : 128 + number;
}

/** Of a task in its terminal state. */
export function exitCodeOf(status: mesos.TaskStatus): number {
  if (status.state === "TASK_FINISHED") return 0;
  const code = commandExitCode(status.message ?? "");
  // A task that was killed and ended with 0 on its way out has not done what it was started for.
  return code === undefined || code === 0 ? EXIT_NO_STATUS : code;
}
