/** Help, made from the commands' own data. */
import type { Command, Flag, Flags } from "./command.ts";
import { GLOBAL_FLAGS } from "./parse.ts";
import { alignColumns } from "./table.ts";

export function helpOfAll(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => [`  ${name}`, summary]);
  return [
    "rimrock runs tasks on a cluster that speaks the Mesos v1 HTTP API.",
    "",
    "Usage: rimrock <command> [flags]",
    "",
    "Commands:",
    ...alignColumns(rows),
    "",
    "Flags of every command:",
    ...flagLines(GLOBAL_FLAGS),
    "",
    "More about one: rimrock <command> --help",
    "",
  ].join("\n");
}

export function helpOf(command: Command): string {
  const { name, summary, description, flags, operands, examples } = command;
  const hasOwnFlags = Object.keys(flags).length > 0;
  const usage = [`rimrock ${name}`, "[flags]"];
  if (operands.kind === "argv") usage.push("--", operands.placeholder);
  if (operands.kind === "words" || operands.kind === "targetArgv") usage.push(operands.placeholder);
  return [
    `${summary}.`,
    "",
    `Usage: ${usage.join(" ")}`,
    ...(description === undefined ? [] : ["", description.trim()]),
    ...(hasOwnFlags ? ["", "Flags:", ...flagLines(flags)] : []),
    "",
    "Flags of every command:",
    ...flagLines(GLOBAL_FLAGS),
    "",
    "Examples:",
    ...examples.map((example) => `  ${example}`),
    "",
  ].join("\n");
}

function flagLines(flags: Flags): string[] {
  return alignColumns(
    Object.entries(flags).map(([name, flag]) => [
      `  ${shortOf(flag)}--${name}${valueHint(flag)}`,
      helpText(flag),
    ]),
  );
}

function shortOf(flag: Flag): string {
  return flag.kind === "switch" && flag.short !== undefined ? `-${flag.short}, ` : "";
}

function valueHint(flag: Flag): string {
  return flag.kind === "switch" ? "" : ` ${flag.placeholder}`;
}

function helpText(flag: Flag): string {
  if (flag.kind === "switch") return flag.help;
  if (flag.kind === "texts") return `${flag.help} (may be repeated)`;
  const choices =
    flag.kind === "text" && flag.choices !== undefined ? `: ${flag.choices.join(" or ")}` : "";
  const fallback = flag.fallback === undefined ? "" : ` (default ${flag.fallback})`;
  return `${flag.help}${choices}${fallback}`;
}
