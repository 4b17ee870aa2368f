import { randomUUID } from "node:crypto";
import { constants } from "node:os";
import { isTerminal } from "../../worker/protocol/task-state.ts";
import type * as agent from "../../worker/protocol/v1/agent.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { SchedulerError } from "../../worker/sdk/error.ts";
import { Operator } from "../../worker/sdk/operator.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { type CommandContext, defineCommand, type WindowSize } from "./command.ts";
import { typedInput } from "./exec-input.ts";
import { EXIT_INTERRUPTED, EXIT_NO_STATUS } from "./exit-code.ts";
import { containerOf, findTask } from "./task-place.ts";

export const exec = defineCommand({
  name: "exec",
  summary: "Run a command beside a task, in its sandbox, limits and namespaces",
  description: `The command's output comes here, and its exit code becomes this one's (128 and the
signal's number when a signal ended it, 125 when nobody can tell). With -i it reads what is typed
here; with -t it gets a terminal, which follows the size of this window. It ends with this program,
and with the task at the latest. TASK is a task's id, its name, or how its id begins.`,
  flags: {
    interactive: { kind: "switch", short: "i", help: "let it read what is typed here" },
    tty: { kind: "switch", short: "t", help: "give it a terminal" },
    env: {
      kind: "texts",
      placeholder: "NAME=VALUE",
      help: "a variable for it, besides those of the task",
    },
    user: { kind: "text", placeholder: "NAME", help: "run it as this account, not the task's" },
  },
  operands: { kind: "targetArgv", placeholder: "TASK -- COMMAND [ARGUMENT...]" },
  examples: [
    "rimrock exec web -- cat /proc/self/limits",
    "rimrock exec -it web -- bash",
    "rimrock exec -i web -- tar x < config.tar",
  ],
  run: async ({ interactive, tty, env, user }, context) => {
    const { operands, terminal, keyboard } = context;
    const operator = new Operator({ master: context.master.url, transport: context.transport });
    const fail = (sentence: string): number => {
      terminal.err(`rimrock: ${sentence}\n`);
      return 1;
    };
    if (interactive && tty && !keyboard.isTerminal) {
      return fail("-it needs a terminal to type at; leave -t out to pass on a file or a pipe");
    }
    const place = await placeOf(operator, operands.words[0] ?? "");
    if (!place.ok) return fail(place.error);
    const variables = variablesOf(env, tty ? context.environment.TERM : undefined);
    if (!variables.ok) return fail(variables.error);
    const argv = operands.argv ?? [];
    return await new ExecSession(context, operator, {
      ...place.value,
      isInteractive: interactive,
      size: tty ? (keyboard.size() ?? { rows: 24, columns: 80 }) : undefined,
      command: {
        shell: false,
        value: argv[0] ?? "",
        arguments: [...argv],
        ...(user !== undefined && { user }),
        ...(variables.value.length > 0 && { environment: { variables: variables.value } }),
      },
    }).run();
  },
});

interface Place {
  readonly agentId: string;
  /** Of the task. */
  readonly container: mesos.ContainerID;
}

async function placeOf(operator: Operator, word: string): Promise<Result<Place, string>> {
  const task = await findTask(operator, word);
  if (!task.ok) return task;
  const { task_id, state, agent_id } = task.value;
  const id = task_id.value;
  if (isTerminal(state)) {
    return err(`the task ${id} is over (${state}); what it left: rimrock files ls ${id}`);
  }
  const container = containerOf(task.value);
  if (container === undefined) {
    return err(`the task ${id} does not run yet (${state}); try again when it does`);
  }
  return ok({ agentId: agent_id.value, container });
}

function variablesOf(
  texts: readonly string[],
  term: string | undefined,
): Result<readonly mesos.EnvironmentVariable[], string> {
  const variables: mesos.EnvironmentVariable[] = [];
  if (term !== undefined) variables.push({ name: "TERM", value: term });
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals <= 0) return err(`--env "${text}" is no pair: write --env NAME=VALUE`);
    variables.push({ name: text.slice(0, equals), value: text.slice(equals + 1) });
  }
  return ok(variables);
}

interface ExecRequest extends Place {
  readonly command: mesos.CommandInfo;
  readonly isInteractive: boolean;
  /** Of its terminal; undefined: it gets none. */
  readonly size: WindowSize | undefined;
}

/** How long the end of the output may take after its command took no more input, ms. */
const OUTPUT_ENDS_MS = 3_000;

/** Whether it aborts by then. */
function aborts(signal: AbortSignal, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(signal.aborted), withinMs);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve(true);
    });
    if (signal.aborted) resolve(true);
  });
}

class ExecSession {
  readonly #context: CommandContext;
  readonly #operator: Operator;
  readonly #request: ExecRequest;
  readonly #id: mesos.ContainerID;
  readonly #leave = new AbortController();
  /** What is typed ends with the output. */
  readonly #outputEnded = new AbortController();
  #interrupts = 0;
  /** Why what is typed does not arrive. */
  #inputError: unknown;

  constructor(context: CommandContext, operator: Operator, request: ExecRequest) {
    this.#context = context;
    this.#operator = operator;
    this.#request = request;
    this.#id = { value: randomUUID(), parent: request.container };
  }

  /** The exit code. */
  async run(): Promise<number> {
    const { keyboard } = this.#context;
    const { isInteractive, size } = this.#request;
    const offInterrupt = this.#context.onInterrupt(() => this.#interrupt());
    let offRaw = (): void => {};
    try {
      const output = await this.#open();
      if (isInteractive && size !== undefined) offRaw = keyboard.raw();
      const typing = this.#type();
      for await (const io of output) this.#show(io);
      this.#outputEnded.abort();
      await typing;
      return await this.#exitCode();
    } catch (error) {
      if (this.#inputError !== undefined) throw this.#inputError;
      if (this.#leave.signal.aborted) return EXIT_INTERRUPTED;
      throw error;
    } finally {
      this.#outputEnded.abort();
      offRaw();
      offInterrupt();
    }
  }

  #open(): Promise<AsyncGenerator<agent.ProcessIO, void>> {
    const { agentId, command, size } = this.#request;
    const container: mesos.ContainerInfo = { type: "MESOS", tty_info: { window_size: size } };
    const call: agent.Call = {
      type: "LAUNCH_NESTED_CONTAINER_SESSION",
      launch_nested_container_session: {
        container_id: this.#id,
        command,
        ...(size !== undefined && { container }),
      },
    };
    return this.#operator.openAgentStream(agentId, call, this.#leave.signal);
  }

  /** Resolves when the output has ended: input that cannot be passed on ends nothing. */
  async #type(): Promise<void> {
    const { agentId, isInteractive, size } = this.#request;
    const { signal } = this.#outputEnded;
    const input = typedInput(this.#context.keyboard, {
      container: this.#id,
      isInteractive,
      hasTerminal: size !== undefined,
      signal,
    });
    try {
      await this.#operator.sendAgentInput(agentId, input, signal);
    } catch (error) {
      if (signal.aborted) return;
      // A command that has closed its input, or is just ending, takes no more of it.
      const isClosed = SchedulerError.is(error) && (error.status === 404 || error.status === 500);
      if (isClosed) return;
      // Who closes a connection on which input still comes may cut off his own answer: whether the
      // command has ended, its output tells.
      if (await aborts(signal, OUTPUT_ENDS_MS)) return;
      this.#inputError = error;
      this.#leave.abort(error);
    }
  }

  #show({ type, data }: agent.ProcessIO): void {
    if (type !== "DATA" || data?.data === undefined) return;
    const { terminal } = this.#context;
    if (data.type === "STDERR") terminal.err(data.data);
    else terminal.out(data.data);
  }

  /** Ctrl-C where no terminal passes it on: the first goes to the command, the second leaves. */
  #interrupt(): void {
    this.#interrupts++;
    if (this.#interrupts > 1) {
      this.#leave.abort();
      return;
    }
    const signal = constants.signals.SIGINT;
    const kill_container = { container_id: this.#id, signal };
    const call: agent.Call = { type: "KILL_CONTAINER", kill_container };
    this.#operator.askAgent(this.#request.agentId, call).catch(() => {
      // It does not run yet, or not any more.
    });
  }

  async #exitCode(): Promise<number> {
    const wait_container = { container_id: this.#id };
    const call: agent.Call = { type: "WAIT_CONTAINER", wait_container };
    const { agentId } = this.#request;
    const { wait_container: ended } = await this.#operator
      .askAgent(agentId, call)
      .catch((error: unknown): agent.Response => {
        if (!SchedulerError.is(error) || error.code !== "NOT_FOUND") throw error;
        const message = `agent ${agentId} was restarted or lost, and what it ran here with it`;
        return { wait_container: { message } };
      });
    if (ended?.exit_status !== undefined) {
      const signal = ended.exit_status & 127;
      return signal === 0 ? ended.exit_status >> 8 : 128 + signal;
    }
    const why = ended?.message ?? "nobody knows how";
    this.#context.terminal.err(`rimrock: the command ended without an exit status: ${why}\n`);
    return EXIT_NO_STATUS;
  }
}
