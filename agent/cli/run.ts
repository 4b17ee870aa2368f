/** `rimrock run`: one command on the cluster as if it ran here, through a framework of its own. */
import { basename } from "node:path";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { type CommandContext, defineCommand, type OperandValues } from "./command.ts";
import { EXIT_INTERRUPTED, EXIT_NO_STATUS, EXIT_TIMEOUT, exitCodeOf } from "./exit-code.ts";
import { type RunPrinter, runPrinter } from "./run-printer.ts";
import { type InstanceEnd, RunFramework } from "./run-tasks.ts";

/**
 * How long a framework without its stream keeps its tasks; s. A restarted master does not count.
 */
const FAILOVER_SECONDS = 120;
/** When the user is told what is waited for, and how often again; ms. */
const FIRST_WAIT_MS = 2_000;
const NEXT_WAIT_MS = 10_000;
const INSTANCES_MAX = 1_000;
/** Characters: instance number and launch number still have to fit into a task id. */
const NAME_LENGTH = 200;

export const run = defineCommand({
  name: "run",
  summary: "Run a command on the cluster, show its output and exit with its exit code",
  description: `The command is run as it is, without a shell: rimrock run -- ls -l /tmp
One single word without -- is a line for sh -c: rimrock run 'echo hi; exit 3'

Exit code: the command's own; 128 + n when signal n ended it; 125 when the task ended without one
(refused, lost); 124 after --timeout; 130 after Ctrl-C. With several instances: the first that is
not 0. Ctrl-C kills the tasks and waits for them to end, a second one leaves at once.

With --json every line of stdout is one event: STATE, OUTPUT and, last, EXIT.`,
  flags: {
    cpus: {
      kind: "number",
      placeholder: "N",
      help: "cpus of each task",
      minimum: 0.01,
      fallback: 0.1,
    },
    mem: {
      kind: "number",
      placeholder: "MB",
      help: "memory of each task",
      minimum: 1,
      fallback: 32,
    },
    disk: { kind: "number", placeholder: "MB", help: "disk of each task", minimum: 0, fallback: 0 },
    name: { kind: "text", placeholder: "NAME", help: "name of the task (default: the command's)" },
    role: { kind: "text", placeholder: "ROLE", help: "role whose share is used", fallback: "*" },
    env: { kind: "texts", placeholder: "K=V", help: "environment variable of the task" },
    instances: {
      kind: "integer",
      placeholder: "N",
      help: "how many tasks to run",
      minimum: 1,
      maximum: INSTANCES_MAX,
      fallback: 1,
    },
    "agent-attribute": {
      kind: "texts",
      placeholder: "NAME=VALUE",
      help: "only on agents with this attribute",
    },
    timeout: {
      kind: "number",
      placeholder: "SECONDS",
      help: "kill what still runs after this time",
      minimum: 0.001,
    },
  },
  operands: { kind: "argv", placeholder: "COMMAND [ARGUMENT...]" },
  examples: [
    "rimrock run --cpus 0.5 --mem 64 -- sh -c 'echo hi; exit 3'",
    "rimrock run --instances 4 --env LEVEL=debug -- ./worker --once",
    "rimrock run --agent-attribute rack=r1 'hostname; nproc'",
  ],
  run: async (values, context) => {
    const environment = pairs("env", values.env);
    const attributes = pairs("agent-attribute", values["agent-attribute"]);
    const name = taskName(values.name, context.operands);
    for (const part of [environment, attributes, name]) {
      if (part.ok) continue;
      context.terminal.err(`rimrock: ${part.error}\n(more: rimrock run --help)\n`);
      return 2;
    }
    if (!environment.ok || !attributes.ok || !name.ok) return 2;
    const { cpus, mem, disk, instances, role, timeout } = values;
    const names = Array.from({ length: instances }, (_, at) =>
      instances === 1 ? name.value : `${name.value}-${at + 1}`,
    );
    const printer = runPrinter(context, { areMany: instances > 1 });
    const framework = new RunFramework({
      master: context.master.url,
      transport: context.transport,
      framework: frameworkInfo(name.value, role),
      instances: names,
      command: commandInfo(context.operands, environment.value),
      demand: { wanted: { cpus, mem, disk }, attributes: attributes.value },
      listener: printer,
    });
    const code = await watched(framework, printer, { context, timeout });
    printer.exit(code);
    return code;
  },
});

/**
 * Runs to the end under the user's eyes: waiting is explained, Ctrl-C and the time limit stop it.
 */
async function watched(
  framework: RunFramework,
  printer: RunPrinter,
  options: { readonly context: CommandContext; readonly timeout: number | undefined },
): Promise<number> {
  const { context, timeout } = options;
  let stoppedWith: number | undefined;
  const stop = (code: number): void => {
    stoppedWith ??= code;
    framework.stop();
  };
  const offInterrupt = context.onInterrupt(() => {
    if (stoppedWith === EXIT_INTERRUPTED) {
      printer.note("leaving; what still runs is killed by the master");
      void framework.leaveNow();
      return;
    }
    printer.note("killing the tasks; again to leave at once");
    stop(EXIT_INTERRUPTED);
  });
  const explain = (): void => {
    if (stoppedWith === undefined) printer.waiting(framework.waiting);
    waitTimer = setTimeout(explain, NEXT_WAIT_MS);
  };
  let waitTimer = setTimeout(explain, FIRST_WAIT_MS);
  const timeUp = (): void => {
    printer.note(`killing the tasks: ${timeout} s are over`);
    stop(EXIT_TIMEOUT);
  };
  const timeoutTimer = timeout === undefined ? undefined : setTimeout(timeUp, timeout * 1_000);
  try {
    const ends = await framework.run();
    return stoppedWith ?? firstFailure(ends);
  } finally {
    offInterrupt();
    clearTimeout(waitTimer);
    clearTimeout(timeoutTimer);
  }
}

function firstFailure(ends: readonly InstanceEnd[]): number {
  const codes = ends.map(({ status }) => (status ? exitCodeOf(status) : EXIT_NO_STATUS));
  return codes.find((code) => code !== 0) ?? 0;
}

function frameworkInfo(name: string, role: string): mesos.FrameworkInfo {
  return {
    // Empty: the agent's own user.
    user: "",
    name: `rimrock run ${name}`,
    roles: [role],
    failover_timeout: FAILOVER_SECONDS,
    checkpoint: true,
    capabilities: [
      { type: "MULTI_ROLE" },
      { type: "RESERVATION_REFINEMENT" },
      { type: "PARTITION_AWARE" },
      { type: "TASK_KILLING_STATE" },
    ],
  };
}

function commandInfo(
  { words, afterDashes }: OperandValues,
  environment: ReadonlyMap<string, string>,
): mesos.CommandInfo {
  const [first = ""] = words;
  const variables = [...environment].map(([name, value]) => ({ name, value }));
  return {
    ...(afterDashes
      ? { shell: false, value: first, arguments: [...words] }
      : { shell: true, value: first }),
    ...(variables.length > 0 && { environment: { variables } }),
  };
}

/** It becomes task ids and names of folders. */
function taskName(given: string | undefined, operands: OperandValues): Result<string, string> {
  const [first = ""] = operands.words;
  const program = operands.afterDashes ? first : (first.trim().split(/\s/)[0] ?? "");
  if (given === undefined) return ok(basename(program).replaceAll(/[^\w.-]/g, "") || "task");
  if (/^[\w.-][\w. -]*$/.test(given) && given.length <= NAME_LENGTH && !/^\.+$/.test(given)) {
    return ok(given);
  }
  const rule = `letters, digits, ".", "_", "-" and blanks, at most ${NAME_LENGTH}`;
  return err(`--name "${given}" cannot be a task's name: ${rule}`);
}

function pairs(
  flag: string,
  texts: readonly string[],
): Result<ReadonlyMap<string, string>, string> {
  const map = new Map<string, string>();
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals <= 0) return err(`--${flag} "${text}" is no pair: write --${flag} NAME=VALUE`);
    map.set(text.slice(0, equals), text.slice(equals + 1));
  }
  return ok(map);
}
