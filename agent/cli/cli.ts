/**
 * From a command line to an exit code: parse, help or run. Everything of the process comes in as
 * `host`.
 */
import type { Transport } from "../../worker/sdk/transport.ts";
import type { Command, CommandContext, Terminal } from "./command.ts";
import { errorLine } from "./error-line.ts";
import { helpOf, helpOfAll } from "./help-text.ts";
import { parseCommandLine } from "./parse.ts";

export interface CliHost {
  readonly terminal: Terminal;
  readonly keyboard: CommandContext["keyboard"];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `caFile`: certificates to trust besides the public ones. Throws a sentence. */
  transport(caFile: string | undefined): Transport;
  onInterrupt: CommandContext["onInterrupt"];
}

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

export async function runCli(
  argv: readonly string[],
  commands: readonly Command[],
  host: CliHost,
): Promise<number> {
  const { terminal, environment } = host;
  const line = parseCommandLine(argv, commands, environment);
  if (!line.ok) {
    const { message, command } = line.error;
    const more = command === undefined ? "rimrock help" : `rimrock ${command.name} --help`;
    terminal.err(`rimrock: ${message}\n(more: ${more})\n`);
    return EXIT_USAGE;
  }
  if (line.value.kind === "HELP") {
    const { shown } = line.value;
    terminal.out("name" in shown ? helpOf(shown) : helpOfAll(shown));
    return 0;
  }
  const { command, values, operands, json, master, ca } = line.value;
  try {
    const transport = host.transport(ca);
    return await command.run(values, { ...host, transport, commands, operands, json, master });
  } catch (error) {
    terminal.err(`${errorLine(error)}\n`);
    // A bug of ours, unlike a failure that somebody wrote a sentence for, is told with its place.
    const isBug =
      error instanceof TypeError || (error instanceof Error && error.name === "AssertionError");
    if (isBug) terminal.err(`${error.stack}\n`);
    return EXIT_FAILED;
  }
}
