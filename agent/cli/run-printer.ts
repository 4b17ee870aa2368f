/**
 * What `rimrock run` shows: the tasks' output, and on stderr a few notes; or everything as JSON
 * lines.
 */

import { isTerminal } from "../../worker/protocol/task-state.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { SchedulerError } from "../../worker/sdk/error.ts";
import { Operator } from "../../worker/sdk/operator.ts";
import { followFile, outputPath } from "../../worker/sdk/sandbox.ts";
import type { CommandContext } from "./command.ts";
import { commandExitCode } from "./exit-code.ts";
import type { RunListener, TaskPlace, WaitState } from "./run-tasks.ts";
import { eventSink, type OutputSink, type OutputStream, textSink } from "./task-output.ts";
import { paint } from "./terminal.ts";

const POLL_MS = { initial: 50, max: 1_000 };
/**
 * How long an agent that cannot be reached after its task's end is waited for, to show the rest.
 */
const DRAIN_GRACE_MS = 15_000;
/** Misfits that one note names. */
const MISFITS_SHOWN = 3;

export interface RunPrinter extends RunListener {
  note(sentence: string): void;
  waiting(state: WaitState): void;
  /** The last thing of all. */
  exit(code: number): void;
}

export function runPrinter(
  context: CommandContext,
  { areMany }: { readonly areMany: boolean },
): RunPrinter {
  const { terminal, json, master, transport } = context;
  const operator = new Operator({ master: master.url, transport });
  const event = (fields: Readonly<Record<string, unknown>>): void =>
    terminal.out(`${JSON.stringify(fields)}\n`);
  const note = (sentence: string): void =>
    terminal.err(`${paint(terminal, "dim", `rimrock: ${sentence}`)}\n`);

  const sinkOf = (place: TaskPlace, stream: OutputStream): OutputSink => {
    if (!json) return textSink(terminal, stream, areMany ? place.instance : undefined);
    const task = place.taskId;
    return eventSink((text) => event({ event: "OUTPUT", task, stream, text }));
  };

  return {
    note,
    output: async (place, ended, signal) => {
      const streams = ["stdout", "stderr"] as const;
      await Promise.all(
        streams.map(async (stream) => {
          const problem = await showFile(operator, place, sinkOf(place, stream), {
            stream,
            ended,
            signal,
            onGap: () =>
              note(`part of the ${stream} of ${place.taskId} was removed before its turn`),
          });
          if (problem === undefined) return;
          note(
            `the ${stream} of ${place.taskId} on agent ${place.agentId} is not complete: ${problem}`,
          );
        }),
      );
    },
    status: (instance, status) => {
      if (json) event(stateEvent(instance, status));
      else if (isWorthANote(status)) note(stateSentence(instance, status));
    },
    disconnected: (error) =>
      note(`lost the master, the tasks go on; trying again: ${error.message}`),
    reconnected: () => note(`connected to ${master.url} again`),
    waiting: (state) => {
      if (state.pending > 0) note(waitSentence(state));
    },
    exit: (code) => {
      if (json) event({ event: "EXIT", exit_code: code });
    },
  };
}

/** Undefined when all of it was shown; else why not. */
async function showFile(
  operator: Operator,
  place: TaskPlace,
  sink: OutputSink,
  options: {
    readonly stream: OutputStream;
    readonly ended: Promise<void>;
    readonly signal: AbortSignal;
    readonly onGap: () => void;
  },
): Promise<string | undefined> {
  const { stream, ended, signal, onGap } = options;
  const { agentId, frameworkId, executorId } = place;
  const path = outputPath(frameworkId, executorId, stream);
  const follow = { agentId, path, pollMs: POLL_MS, graceMs: DRAIN_GRACE_MS, ended, signal, onGap };
  try {
    for await (const bytes of followFile(operator, follow)) sink.write(bytes);
    return undefined;
  } catch (error) {
    if (SchedulerError.is(error)) return error.message;
    throw error;
  } finally {
    sink.end();
  }
}

/**
 * The ordinary way of a task is silent, as it would be here; its failure is its own output and exit
 * code.
 */
function isWorthANote({ state, message }: mesos.TaskStatus): boolean {
  if (state === "TASK_FINISHED" || state === "TASK_KILLED") return false;
  if (state === "TASK_FAILED") return commandExitCode(message ?? "") === undefined;
  return isTerminal(state) || state === "TASK_UNREACHABLE" || state === "TASK_UNKNOWN";
}

function stateSentence(instance: string, { state, reason, message }: mesos.TaskStatus): string {
  const why = [reason, message].filter((part) => part !== undefined && part !== "").join(": ");
  const next = state === "TASK_UNREACHABLE" ? "; waiting for its agent to come back" : "";
  return `${instance} is ${state}${why === "" ? "" : ` (${why})`}${next}`;
}

function stateEvent(instance: string, status: mesos.TaskStatus) {
  return {
    event: "STATE",
    task: status.task_id.value,
    instance,
    state: status.state,
    agent: status.agent_id?.value ?? null,
    reason: status.reason ?? null,
    message: status.message ?? null,
  };
}

function waitSentence({ pending, misfits }: WaitState): string {
  const what = pending === 1 ? "an offer" : `offers for ${pending} tasks`;
  if (misfits.size === 0) {
    return `waiting for ${what}; none came yet: is an agent free? see: rimrock agent list`;
  }
  const shown = [...misfits.values()].slice(0, MISFITS_SHOWN).join("; ");
  const more = misfits.size > MISFITS_SHOWN ? `; and ${misfits.size - MISFITS_SHOWN} more` : "";
  return `waiting for ${what}: ${shown}${more}`;
}
