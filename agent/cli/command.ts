/**
 * What a command of `rimrock` is: data, from which routing, parsing and help are made, and one
 * function.
 *
 * A command file exports one value made by `defineCommand`; `index.ts` lists them. A command writes
 * through its context only, so that a test can run it without a process, and it answers with an
 * exit code: 0 done, 1 failed (one line on stderr says what to do), 2 wrong usage.
 */
import type { Transport } from "../../worker/sdk/transport.ts";

/** One `--flag`. `fallback` is the value without the flag; the help shows it. */
export type Flag =
  | SwitchFlag
  | TextFlag
  /** May be given several times; the values keep their order. */
  | { readonly kind: "texts"; readonly placeholder: string; readonly help: string }
  | NumberFlag;

interface SwitchFlag {
  readonly kind: "switch";
  readonly help: string;
  /** One letter: `-i`, and `-it` for two of them. */
  readonly short?: string;
}

interface TextFlag {
  readonly kind: "text";
  readonly placeholder: string;
  readonly help: string;
  /** The only values that are taken. */
  readonly choices?: readonly string[];
  readonly fallback?: string;
}

interface NumberFlag {
  /** An integer refuses fractions; both refuse what is not finite or below `minimum`. */
  readonly kind: "number" | "integer";
  readonly placeholder: string;
  readonly help: string;
  readonly minimum: number;
  readonly maximum?: number;
  readonly fallback?: number;
}

export type Flags = { readonly [name: string]: Flag };

/** The values a command gets: optional only where neither the flag nor a fallback gives one. */
export type FlagValues<F extends Flags> = {
  readonly [K in keyof F]: F[K] extends { kind: "switch" }
    ? boolean
    : F[K] extends { kind: "texts" }
      ? readonly string[]
      : F[K] extends { kind: "text" }
        ? F[K] extends { fallback: string }
          ? string
          : string | undefined
        : F[K] extends { fallback: number }
          ? number
          : number | undefined;
};

export type AnyFlagValues = { readonly [name: string]: FlagValue };
export type FlagValue = boolean | string | number | readonly string[] | undefined;

/** What may follow the flags. */
export type Operands =
  | { readonly kind: "none" }
  /** One word or more, given as they are to a program; after `--` nothing is taken as a flag. */
  | { readonly kind: "argv"; readonly placeholder: string }
  /** One word, then `--` and what to run on it. */
  | { readonly kind: "targetArgv"; readonly placeholder: string }
  /** Any number of plain words, such as the name of another command. */
  | { readonly kind: "words"; readonly placeholder: string };

/** The words of a command line after the flags, and whether a `--` stood before them. */
export interface OperandValues {
  readonly words: readonly string[];
  /** What stood after the `--` beside a target; else nothing. */
  readonly argv?: readonly string[];
  readonly afterDashes: boolean;
}

/** Where a command writes. Nothing is coloured unless `colour` is true. */
export interface Terminal {
  readonly colour: boolean;
  /** Writes to stdout as it is; no line end is added. */
  out(text: string | Uint8Array): void;
  /** Writes to stderr as it is; no line end is added. */
  err(text: string | Uint8Array): void;
}

/** What somebody types, or a program writes, into a command; and the window it is typed in. */
export interface Keyboard {
  /** False: it is a file or a pipe. */
  readonly isTerminal: boolean;
  /** Undefined: what is written goes to no window. */
  size(): WindowSize | undefined;
  /** Returns what takes it back. */
  onResize(listener: () => void): () => void;
  /** To its end. Called once. */
  bytes(): AsyncIterable<Uint8Array>;
  /** From now on every key arrives at once and as it is, Ctrl-C too; returns what takes it back. */
  raw(): () => void;
}

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

export interface CommandContext {
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The cluster to talk to; `source` tells a user's choice from the default. */
  readonly master: { readonly url: string; readonly source: "flag" | "environment" | "default" };
  readonly json: boolean;
  readonly operands: OperandValues;
  readonly transport: Transport;
  readonly keyboard: Keyboard;
  /** Every command there is, for those that speak about the others. */
  readonly commands: readonly Command[];
  /** Calls `listener` at each Ctrl-C (or SIGTERM) instead of ending; returns what takes it back. */
  onInterrupt(listener: () => void): () => void;
}

export interface CommandDefinition<F extends Flags> {
  /** As typed, such as "agent list". */
  readonly name: string;
  /** One line of the list of commands, without a full stop. */
  readonly summary: string;
  /** More of the command's own help; plain paragraphs of at most 90 columns. */
  readonly description?: string;
  readonly flags: F;
  readonly operands: Operands;
  readonly examples: readonly string[];
  /** Answers with the exit code. What it throws is shown as one line and gives 1. */
  run(values: FlagValues<F>, context: CommandContext): Promise<number>;
}

/** A command whose flags' types are behind it: what the table holds. */
export interface Command extends Omit<CommandDefinition<Flags>, "run"> {
  run(values: AnyFlagValues, context: CommandContext): Promise<number>;
}

export function defineCommand<const F extends Flags>(definition: CommandDefinition<F>): Command {
  return {
    ...definition,
    // The parser builds `values` from this very `flags` table, so that they have the types it says.
    run: (values, context) => definition.run(values as FlagValues<F>, context),
  };
}
