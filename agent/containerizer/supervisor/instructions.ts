/**
 * What a command-to-be is told: a shell that waits, in all that is alike for its kind of container,
 * becomes one container's command by these sentences. Everything that is this container's own is a
 * word in single quotes, and all sentences together are one compound command: a text that breaks
 * off, because the agent ended while it wrote, runs nothing of it.
 *
 * 1. Whatever still runs with the agent's rights runs before the container's environment is known
 * to the shell, or gets it under names that mean nothing to a program (`BECOME_SCRIPT`).
 * 2. `ready` is written before the command can run, and after all that can be refused but limits.
 */
import type { CommandLine } from "./command-line.ts";
import type { Entry, Setup } from "./isolation.ts";
import { quoted, quotedAll } from "./shell-words.ts";

/** The descriptor of the machine's root folder, in what has mounts of its own. */
export const MACHINE_DESCRIPTOR = 8;

export interface Instructions {
  readonly entry: Entry;
  readonly sandboxDirectory: string;
  /** The file with the table of what is still to be mounted; undefined: nothing is. */
  readonly mountsFile: string | undefined;
  readonly command: CommandLine;
}

/** What can be done before it is known which container it is for. */
export function preparation(mountProgram: string, mountsFile: string): string {
  return sentences(["machine=", `mount_all ${quotedAll([mountProgram, "/", mountsFile])}`]);
}

export function instructions({
  entry,
  sandboxDirectory,
  mountsFile,
  command,
}: Instructions): string {
  const { space, joinFiles, resourceLimits, oomScoreAdjust } = entry;
  const setup = space?.kind === "NEW" ? space.setup : undefined;
  const machine = setup === undefined ? "" : `/proc/self/fd/${MACHINE_DESCRIPTOR}`;
  return sentences([
    // What a shell does that is told nothing more.
    "trap - EXIT",
    `machine=${machine}`,
    ...(setup === undefined ? [] : setUp(setup, mountsFile)),
    ...joinFiles.map((file) => `join ${quoted(file)}`),
    `go_to ${quoted(setup?.directory ?? sandboxDirectory)}`,
    "echo ready >&3",
    ...(oomScoreAdjust === undefined
      ? []
      : [`echo ${oomScoreAdjust} 2>/dev/null >/proc/self/oom_score_adj`]),
    ...(resourceLimits === undefined ? [] : [`limit ${quoted(resourceLimits)}`]),
    // What this shell itself has put into the environment.
    "unset LC_ALL PWD OLDPWD",
    ...(command.exported.length === 0 ? [] : [`export ${quotedAll(command.exported)}`]),
    `exec <&4 3>&- 4<&- ${closed(entry)} 9<&-`,
    `exec ${quotedAll(command.argv)}`,
  ]);
}

/** A brace is a word only where a command may begin: after a line end. */
function sentences(lines: readonly string[]): string {
  return `{\n${lines.join("\n")}\n}\n`;
}

function setUp(setup: Setup, mountsFile: string | undefined): readonly string[] {
  const { hostname, baseDirectory, mountProgram, statProgram, expected, users } = setup;
  return [
    ...(hostname === undefined ? [] : [`name_host ${quoted(hostname)}`]),
    ...(mountsFile === undefined
      ? []
      : [`mount_all ${quotedAll([mountProgram, baseDirectory, mountsFile])}`]),
    ...(users === undefined ? [] : [ownUsers(users, mountProgram)]),
    ...expected.map(({ path, identity }) => `expect ${quotedAll([statProgram, path, identity])}`),
  ];
}

function ownUsers(
  { from, count, file, unshareProgram }: NonNullable<Setup["users"]>,
  mountProgram: string,
): string {
  return `own_users ${quotedAll([String(from), String(count), file, unshareProgram, mountProgram])}`;
}

/** nsenter(1) still needs the descriptors that name another container's namespaces. */
function closed({ space }: Entry): string {
  return space?.kind === "JOINED" ? "" : "5<&- 6<&- 7<&- 8<&-";
}
