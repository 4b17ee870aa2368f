/**
 * From a container's command to the argv that the command-to-be becomes. Every step is an exec, so
 * the chain leaves no process behind but the command:
 *
 *   [nsenter → sh →] [setpriv → [setpriv →] sh →] [env →] [script: see terminal.ts →] the command
 *
 * (in a file system of the container's own another way: see root-change.ts).
 * nsenter (which stays, as the parent) only inside another container, setpriv only where user or
 * privileges change. The shell that begins the chain was started through setsid: a task's `kill 0`
 * must not reach its supervisor.
 */
import { basename } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { ContainerSpec, LaunchError, RootFileSystem } from "../containerizer.ts";
import { findProgram, type HostTools } from "./host-tools.ts";
import type { Entry } from "./isolation.ts";
import { CONTAINER_MARK } from "./process-table.ts";
import { changeRoot, throughGate } from "./root-change.ts";
import { BECOME_SCRIPT, INSIDE_SCRIPT } from "./script.ts";
import { atTerminal } from "./terminal.ts";
import type { Account } from "./users.ts";

export interface CommandLine {
  /** NAME=value, what the shell exports before it becomes `argv`. */
  readonly exported: readonly string[];
  readonly argv: readonly string[];
}

export interface CommandPlan {
  readonly spec: ContainerSpec;
  readonly account: Account | undefined;
  readonly entry: Entry;
}

const SHELL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
// Variables that a shell computes, guards or obeys: exported from within one they would change or
// fail.
const SHELL_OWN = new RegExp(
  "^(?:IFS|OPTIND|OPTARG|PPID|E?UID|GROUPS|RANDOM|SECONDS|LINENO|HISTCMD|SHELLOPTS|SHLVL|DIRSTACK|" +
    "FUNCNAME|PS4|EPOCH\\w*|BASH\\w*|COMP_\\w+|_|RIMROCK_ENV_\\w+)$",
);

/** What the kernel takes of one argument or variable, its end included (MAX_ARG_STRLEN). */
const WORD_BYTES_MAX = 131_072;
/** What it takes of all together where the stack may have 8 MB, as usual: a quarter of that. */
const WORDS_BYTES_MAX = 2 * 1_024 * 1_024;
const POINTER_BYTES = 8;

/** Pure. */
export function commandLine(plan: CommandPlan, tools: HostTools): Result<CommandLine, LaunchError> {
  const { spec } = plan;
  const invalid = findInvalid(spec);
  if (invalid !== undefined) return err({ code: "COMMAND_INVALID", why: invalid });
  if (spec.root !== undefined) return commandInRoot(plan, spec.root, tools);

  const variables = Object.entries({ ...spec.environment, [CONTAINER_MARK]: spec.containerId });
  const shells = variables.filter(([name]) => SHELL_NAME.test(name) && !SHELL_OWN.test(name));
  // A shell cannot hand these on; as arguments of env(1) they are visible to `ps` for an instant.
  const handed = variables.filter(([name]) => !SHELL_NAME.test(name) || SHELL_OWN.test(name));
  const argv = commandAtTerminal(spec, tools);
  if (!argv.ok) return argv;
  const command = throughEnv({ argv: argv.value, handed, tools });
  const exported = shells.map(([name, value]) => `${name}=${value}`);
  const inner = joinNamespaces(plan, tools);
  const wrapped = [...inner, ...changePrivileges(plan, tools)];
  // A session of its own there, too: nsenter has forked.
  const session = inner.length === 0 ? [] : [tools.setsid];
  const become = [String(exported.length), ...session, ...command];
  const line =
    wrapped.length === 0
      ? { exported, argv: command }
      : {
          exported: exported.map((variable, index) => `RIMROCK_ENV_${index}=${variable}`),
          argv: [...wrapped, tools.sh, "-c", BECOME_SCRIPT, "sh", ...become],
        };
  return isTooLong(line) ? err({ code: "SPAWN_FAILED", path: tools.sh, errno: "E2BIG" }) : ok(line);
}

/** Where the machine's programs are out of reach in the end: the last shell does it all. */
function commandInRoot(
  plan: CommandPlan,
  root: RootFileSystem,
  tools: HostTools,
): Result<CommandLine, LaunchError> {
  const { spec } = plan;
  const { command, containerId, terminal } = spec;
  const variables = Object.entries({ ...spec.environment, [CONTAINER_MARK]: containerId });
  const handed = variables.filter(([name]) => !SHELL_NAME.test(name));
  const exported = variables
    .filter(([name]) => SHELL_NAME.test(name))
    .map(([name, value], index) => `RIMROCK_ENV_${index}=${name}=${value}`);
  const [file, name = file, ...rest] = command.shell
    ? ["/bin/sh", "/bin/sh", "-c", command.value]
    : [command.value, ...command.arguments];
  const isOtherName = basename(name) !== basename(file);
  const shell = isOtherName || handed.length > 0 ? tools.bash : tools.sh;
  if (shell === undefined) {
    const what = isOtherName ? `arguments[0] '${name}'` : `the variable '${handed[0]?.[0]}'`;
    return err({ code: "COMMAND_INVALID", why: `${what} needs bash on the agent` });
  }
  const argv = [...(isOtherName ? ["-a", name] : []), file, ...rest];
  const gate = throughGate(root, { become: [String(exported.length), ...argv], shell });
  const options = { tools, shellVariable: undefined };
  const ended = terminal === undefined ? ok(gate) : atTerminal(gate, terminal, options);
  if (!ended.ok) return err({ code: "COMMAND_INVALID", why: ended.error });
  const change = changeRoot(root, { containerId, tools });
  if (!change.ok) return change;
  const inner = joinNamespaces(plan, tools);
  const line = {
    exported,
    argv: [
      ...[...inner, ...change.value, ...changePrivileges(plan, tools)],
      ...(inner.length === 0 ? [] : [tools.setsid]),
      ...throughEnv({ argv: ended.value, handed, tools }),
    ],
  };
  return isTooLong(line) ? err({ code: "SPAWN_FAILED", path: tools.sh, errno: "E2BIG" }) : ok(line);
}

function isTooLong({ exported, argv }: CommandLine): boolean {
  const bytes = [...exported, ...argv].map((word) => Buffer.byteLength(word) + 1);
  const sum = bytes.reduce((total, each) => total + each + POINTER_BYTES, 0);
  return sum > WORDS_BYTES_MAX || bytes.some((each) => each > WORD_BYTES_MAX);
}

function findInvalid(spec: ContainerSpec): string | undefined {
  const { command, environment } = spec;
  if (command.value === "") return "it is empty; set command.value";
  const words = command.shell ? [command.value] : [command.value, ...command.arguments];
  const bad = [...words, ...Object.values(environment)].find((text) => text.includes("\0"));
  if (bad !== undefined) return `'${bad.replaceAll("\0", "\\0")}' has a NUL byte`;
  const name = Object.keys(environment).find((key) => key === "" || /[=\0]/.test(key));
  if (name !== undefined) return `'${name}' is no name for an environment variable`;
  return undefined;
}

function commandArgv(
  spec: ContainerSpec,
  tools: HostTools,
): Result<readonly string[], LaunchError> {
  const { command } = spec;
  if (command.shell) return ok([tools.sh, "-c", command.value]);
  const [name = command.value, ...rest] = command.arguments;
  // An exec from sh or env(1) makes argv[0] the file's path. Where the base name agrees, no program
  // can tell but by printing it; another name (busybox as `ls`, `-sh`) needs bash.
  if (basename(name) === basename(command.value)) return ok([command.value, ...rest]);
  if (tools.bash !== undefined) {
    return ok([tools.bash, "-c", 'exec -a "$@"', "bash", name, command.value, ...rest]);
  }
  const why = `arguments[0] '${name}' differs from the file '${command.value}', which needs bash on the agent`;
  return err({ code: "COMMAND_INVALID", why });
}

function commandAtTerminal(
  spec: ContainerSpec,
  tools: HostTools,
): Result<readonly string[], LaunchError> {
  const argv = commandArgv(spec, tools);
  if (!argv.ok || spec.terminal === undefined) return argv;
  const shellVariable = spec.environment.SHELL;
  const wrapped = atTerminal(argv.value, spec.terminal, { tools, shellVariable });
  return wrapped.ok ? wrapped : err({ code: "COMMAND_INVALID", why: wrapped.error });
}

function throughEnv(step: {
  argv: readonly string[];
  handed: readonly (readonly [string, string])[];
  tools: HostTools;
}): readonly string[] {
  const { argv, handed, tools } = step;
  const named = new Set(handed.map(([name]) => name));
  const shellLeaves =
    tools.shellKind === "BASH" ? ["SHLVL", "_"].filter((name) => !named.has(name)) : [];
  const options = shellLeaves.flatMap((name) => ["-u", name]);
  // A shell says of a program that it cannot execute only that it is "not found", whatever was.
  const isSure = argv[0] === tools.sh;
  if (isSure && options.length === 0 && handed.length === 0) return argv;
  // env(1) takes a command with an equals sign for one more variable.
  const guarded = argv[0]?.includes("=") ? [tools.sh, "-c", 'exec "$@"', "sh", ...argv] : argv;
  return [tools.env, ...options, ...handed.map(([name, value]) => `${name}=${value}`), ...guarded];
}

function joinNamespaces({ spec, entry }: CommandPlan, tools: HostTools): readonly string[] {
  if (entry.space?.kind !== "JOINED") return [];
  return [...entry.space.enter, tools.sh, "-c", INSIDE_SCRIPT, "sh", spec.sandboxDirectory];
}

function changePrivileges({ account, entry }: CommandPlan, tools: HostTools): readonly string[] {
  const { privileges = [], seccompFilter, userNamespace } = entry;
  const setpriv = tools.setpriv ?? "setpriv";
  // A call of its own, because setpriv(1) loads a filter first and changes the user under it. It
  // comes before anything of the container's environment, which could keep it from being loaded.
  const filter = seccompFilter === undefined ? [] : [setpriv, "--seccomp-filter", seccompFilter];
  // As root of that namespace, which the account and all rights are of from here on.
  const root = ["--setuid", "0", "--setgid", "0"];
  const users =
    userNamespace === undefined ? [] : [findNsenter(), `--user=${userNamespace}`, ...root];
  if (account === undefined && privileges.length === 0) return [...users, ...filter];
  const user =
    account === undefined
      ? []
      : [`--reuid=${account.userId}`, `--regid=${account.groupId}`, groupsOption(account)];
  return [...users, setpriv, ...user, ...privileges, ...filter];
}

function findNsenter(): string {
  return findProgram("nsenter") ?? "nsenter";
}

function groupsOption({ supplementaryGroupIds: ids }: Account): string {
  if (ids === undefined) return "--init-groups";
  return ids.length === 0 ? "--clear-groups" : `--groups=${ids.join(",")}`;
}
