/** What the commands share that change the cluster: they take names, and say what they did. */
import type * as master from "../../worker/protocol/v1/master.ts";
import { Operator } from "../../worker/sdk/operator.ts";
import type { CommandContext } from "./command.ts";

/** Exit code for a command line that does not say enough. */
const EXIT_USAGE = 2;

export interface NamedChange {
  /** What the words name, for a line that has none: "agent id". */
  readonly names: string;
  readonly call: (id: string) => master.Call;
  /** The id that a name on the line stands for; absent = names are ids. */
  readonly idOf?: (operator: Operator, name: string) => Promise<string>;
  /** What was done to it: "is being drained". */
  readonly done: string;
}

/**
 * One call for each word of the line, in order. What is refused ends the command; what was done
 * before it stays done, and was said.
 */
export async function changeEach(
  { names, call, idOf, done }: NamedChange,
  context: CommandContext,
): Promise<number> {
  const { words } = context.operands;
  if (words.length === 0) return nothingNamed(names, context);
  const operator = operatorOf(context);
  const changed: string[] = [];
  for (const name of words) {
    const id = idOf === undefined ? name : await idOf(operator, name);
    await operator.change(call(id));
    changed.push(id);
    if (!context.json) context.terminal.out(`${id} ${done}\n`);
  }
  if (context.json) context.terminal.out(`${JSON.stringify(changed)}\n`);
  return 0;
}

/** One call, and a sentence when it is done. */
export async function changeOnce(
  call: master.Call,
  done: { readonly sentence: string; readonly json: unknown },
  context: CommandContext,
): Promise<number> {
  await operatorOf(context).change(call);
  const { terminal, json } = context;
  terminal.out(json ? `${JSON.stringify(done.json)}\n` : `${done.sentence}\n`);
  return 0;
}

export function operatorOf({ master, transport }: CommandContext): Operator {
  return new Operator({ master: master.url, transport });
}

export function nothingNamed(names: string, { terminal }: CommandContext): number {
  return wrongUsage(`name at least one ${names}`, terminal);
}

export function wrongUsage(problem: string, terminal: CommandContext["terminal"]): number {
  terminal.err(`rimrock: ${problem}\n`);
  return EXIT_USAGE;
}
