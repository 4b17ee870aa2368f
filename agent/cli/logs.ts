import { isTerminal } from "../../worker/protocol/task-state.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { pause } from "../../worker/sdk/back-off.ts";
import { SchedulerError } from "../../worker/sdk/error.ts";
import { Operator } from "../../worker/sdk/operator.ts";
import { followFile } from "../../worker/sdk/sandbox.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { EXIT_INTERRUPTED } from "./exit-code.ts";
import { findTail } from "./log-tail.ts";
import { readPieces } from "./read-pieces.ts";
import { eventSink, type OutputSink, type OutputStream, textSink } from "./task-output.ts";
import { allTasks, findTask, sandboxOf } from "./task-place.ts";

const POLL_MS = { initial: 100, max: 1_000 };
/** How long an agent that cannot be reached is waited for, when its task is over. */
const GRACE_MS = 15_000;
/** How often the master is asked whether a task that is followed still lives. */
const STATE_POLL_MS = 2_000;

export const logs = defineCommand({
  name: "logs",
  summary: "Show what a task has written, also of one that is over",
  description: `Shows the stdout that is in the task's sandbox; with -f also what comes, until the
task ends, also when the agent rotates the file meanwhile. TASK is a task's id, its name, or how its
id begins. The exit code is 0 when all of it was shown, 1 when not, 130 after Ctrl-C.`,
  flags: {
    follow: { kind: "switch", short: "f", help: "go on until the task ends" },
    stderr: { kind: "switch", help: "its stderr instead" },
    all: { kind: "switch", help: "both: stdout here and stderr there" },
    tail: {
      kind: "integer",
      placeholder: "N",
      help: "begin with the last N lines of each",
      minimum: 0,
    },
  },
  operands: { kind: "words", placeholder: "TASK" },
  examples: ["rimrock logs web", "rimrock logs -f --tail 100 --all web", "rimrock logs --json web"],
  run: async (values, context) => {
    const [word, extra] = context.operands.words;
    if (word === undefined || extra !== undefined) {
      const problem = word === undefined ? "of which task?" : `"${extra}" is one task too many`;
      context.terminal.err(`rimrock: ${problem}\n(more: rimrock logs --help)\n`);
      return 2;
    }
    if (values.stderr && values.all) {
      context.terminal.err("rimrock: --all shows stderr too; leave --stderr out\n");
      return 2;
    }
    const operator = new Operator({ master: context.master.url, transport: context.transport });
    const task = await findTask(operator, word);
    if (!task.ok) {
      context.terminal.err(`rimrock: ${task.error}\n`);
      return 1;
    }
    const streams = values.all
      ? (["stdout", "stderr"] as const)
      : ([values.stderr ? "stderr" : "stdout"] as const);
    return await show(operator, context, { task: task.value, streams, ...values });
  },
});

interface Wanted {
  readonly task: mesos.Task;
  readonly streams: readonly OutputStream[];
  readonly follow: boolean;
  readonly tail: number | undefined;
}

async function show(operator: Operator, context: CommandContext, wanted: Wanted): Promise<number> {
  const leave = new AbortController();
  const over = new AbortController();
  const offInterrupt = context.onInterrupt(() => leave.abort());
  const ended = wanted.follow ? endOf(operator, wanted.task, over.signal) : Promise.resolve();
  try {
    const shown = wanted.streams.map((stream) =>
      showStream(operator, context, { wanted, stream, ended, signal: leave.signal }),
    );
    const problems = (await Promise.all(shown)).flatMap((problem) => problem ?? []);
    for (const problem of problems) context.terminal.err(`rimrock: ${problem}\n`);
    if (leave.signal.aborted) return EXIT_INTERRUPTED;
    return problems.length === 0 ? 0 : 1;
  } finally {
    over.abort();
    offInterrupt();
  }
}

/** Undefined: all of it was shown. */
async function showStream(
  operator: Operator,
  context: CommandContext,
  options: {
    readonly wanted: Wanted;
    readonly stream: OutputStream;
    readonly ended: Promise<void>;
    readonly signal: AbortSignal;
  },
): Promise<string | undefined> {
  const { wanted, stream, ended, signal } = options;
  const { task, tail } = wanted;
  const agentId = task.agent_id.value;
  const path = `${sandboxOf(task)}/${stream}`;
  const sink = sinkOf(context, task, stream);
  try {
    const { offset, size } =
      tail === undefined
        ? { offset: 0, size: undefined }
        : await findTail(operator, { agentId, path }, tail);
    if (!wanted.follow) {
      const range = { from: offset, ...(size === undefined ? {} : { to: size }) };
      for await (const { data } of readPieces(operator, { agentId, path }, range)) {
        if (signal.aborted) break;
        sink.write(data);
      }
      return undefined;
    }
    const onGap = (): void =>
      context.terminal.err(
        `rimrock: part of the ${stream} is not shown: its agent had removed it already ` +
          "(--max-log-files says how many older files it keeps)\n",
      );
    const times = { pollMs: POLL_MS, graceMs: GRACE_MS };
    const follow = { agentId, path, offset, ...times, ended, signal, onGap };
    for await (const bytes of followFile(operator, follow)) sink.write(bytes);
    return undefined;
  } catch (error) {
    if (SchedulerError.is(error)) return sentence(task, stream, error);
    throw error;
  } finally {
    sink.end();
  }
}

function sentence(
  { task_id, agent_id }: mesos.Task,
  stream: string,
  error: SchedulerError,
): string {
  const what = `the ${stream} of ${task_id.value} on agent ${agent_id.value}`;
  if (error.code === "NOT_FOUND") {
    return `${what} is not there (any more): the agent removes old sandboxes, or it never ran`;
  }
  return `${what} cannot be shown: ${error.message}`;
}

function sinkOf(context: CommandContext, task: mesos.Task, stream: OutputStream): OutputSink {
  const { terminal, json } = context;
  if (!json) return textSink(terminal, stream, undefined);
  return eventSink((text) => {
    const line = { event: "OUTPUT", task: task.task_id.value, stream, text };
    terminal.out(`${JSON.stringify(line)}\n`);
  });
}

/** Resolves when the task is over, or nobody knows it any more. */
async function endOf(operator: Operator, task: mesos.Task, signal: AbortSignal): Promise<void> {
  if (isTerminal(task.state)) return;
  while (!signal.aborted) {
    await pause(STATE_POLL_MS, signal);
    const now = await allTasks(operator).catch(() => undefined);
    // A master that cannot be asked has not said that it is over.
    if (now === undefined) continue;
    const same = now.filter((other) => isSame(other, task));
    if (!same.some(({ state }) => !isTerminal(state))) return;
  }
}

function isSame(a: mesos.Task, b: mesos.Task): boolean {
  return a.task_id.value === b.task_id.value && a.framework_id.value === b.framework_id.value;
}
