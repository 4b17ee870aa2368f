/**
 * From a container's command to the argv that the supervisor's child becomes. Every step is an
 * exec, so the chain leaves no process behind but the command:
 *
 *   [nsenter → sh →] [setpriv → sh →] setsid → [env →] [script: see terminal.ts →] the command
 *
 * setsid gives the command a session and process group of its own: a task's `kill 0` must not reach
 * its supervisor. nsenter (which stays, as the parent) only inside another container, setpriv only
 * where user or privileges change. The supervisor itself is started by unshare where the container
 * has namespaces of its own.
 */
import { basename } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { ContainerSpec, LaunchError } from "../containerizer.ts";
import type { HostTools } from "./host-tools.ts";
import type { Entry } from "./isolation.ts";
import { CONTAINER_MARK } from "./process-table.ts";
import { BECOME_SCRIPT, INSIDE_SCRIPT, SUPERVISOR_SCRIPT } from "./script.ts";
import { atTerminal } from "./terminal.ts";
import type { Account } from "./users.ts";

export interface SupervisorProcess {
  readonly file: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface SupervisorPlan {
  readonly spec: ContainerSpec;
  readonly account: Account | undefined;
  /** Path of the records without suffix. */
  readonly record: string;
  readonly entry: Entry;
}

const SHELL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
// Variables that a shell computes, guards or obeys: exported from within one they would change or
// fail.
const SHELL_OWN = new RegExp(
  "^(?:IFS|OPTIND|OPTARG|PPID|E?UID|GROUPS|RANDOM|SECONDS|LINENO|HISTCMD|SHELLOPTS|SHLVL|DIRSTACK|" +
    "FUNCNAME|PS4|EPOCH\\w*|BASH\\w*|COMP_\\w+|_|RIMROCK_ENV_\\w+)$",
);

/** What to spawn for a container. Pure. */
export function supervisorProcess(
  plan: SupervisorPlan,
  tools: HostTools,
): Result<SupervisorProcess, LaunchError> {
  const { spec } = plan;
  const invalid = findInvalid(spec);
  if (invalid !== undefined) return err({ code: "COMMAND_INVALID", why: invalid });

  const variables = Object.entries(spec.environment).filter(([name]) => name !== CONTAINER_MARK);
  const exported = variables.filter(([name]) => SHELL_NAME.test(name) && !SHELL_OWN.test(name));
  // A shell cannot hand these on; as arguments of env(1) they are visible to `ps` for an instant.
  const handed = variables.filter(([name]) => !SHELL_NAME.test(name) || SHELL_OWN.test(name));
  const argv = commandAtTerminal(spec, tools);
  if (!argv.ok) return argv;
  const command = [tools.setsid, ...throughEnv({ argv: argv.value, handed, tools })];

  const become = [String(exported.length), ...command];
  const wrapped = [...joinNamespaces(plan, tools), ...changePrivileges(plan, tools)];
  const steps =
    wrapped.length === 0
      ? ["become", ...become]
      : ["exec", ...wrapped, tools.sh, "-c", BECOME_SCRIPT, "sh", ...become];
  const environment: Record<string, string> = { LC_ALL: "C", [CONTAINER_MARK]: spec.containerId };
  for (const [index, [name, value]] of exported.entries()) {
    environment[`RIMROCK_ENV_${index}`] = `${name}=${value}`;
  }
  const script = ["-c", SUPERVISOR_SCRIPT, "rimrock-supervisor", ...scriptArguments(plan)];
  const [file = tools.sh, ...words] = [...newNamespaces(plan.entry), tools.sh, ...script, ...steps];
  return ok({ file, argv: words, environment });
}

/** As SUPERVISOR_SCRIPT takes them, up to the command's own. */
function scriptArguments({ record, entry }: SupervisorPlan): readonly string[] {
  const { space, joinFiles, oomScoreAdjust, resourceLimits = "" } = entry;
  const setup = space?.kind === "NEW" ? space.setup : undefined;
  const expected = setup?.expected ?? [];
  return [
    record,
    whatFor(space),
    setup?.mountProgram ?? "",
    setup?.statProgram ?? "",
    setup?.hostname ?? "",
    setup?.baseDirectory ?? "",
    setup?.directory ?? "",
    oomScoreAdjust === undefined ? "" : String(oomScoreAdjust),
    resourceLimits,
    setup?.homeFile ?? "",
    String(joinFiles.length),
    ...joinFiles,
    String(expected.length),
    expected.map(({ identity }) => identity).join(" "),
    ...expected.map(({ path }) => path),
  ];
}

function whatFor(space: Entry["space"]): string {
  if (space?.kind === "JOINED") return "inside";
  return space?.hasInit === true ? "init" : "";
}

function newNamespaces({ space }: Entry): readonly string[] {
  return space?.kind === "NEW" ? space.enter : [];
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
  const options = [...tools.envSignalOptions, ...shellLeaves.flatMap((name) => ["-u", name])];
  if (options.length === 0 && handed.length === 0) return argv;
  // env(1) takes a command with an equals sign for one more variable.
  const guarded = argv[0]?.includes("=") ? [tools.sh, "-c", 'exec "$@"', "sh", ...argv] : argv;
  return [tools.env, ...options, ...handed.map(([name, value]) => `${name}=${value}`), ...guarded];
}

function joinNamespaces({ spec, entry }: SupervisorPlan, tools: HostTools): readonly string[] {
  if (entry.space?.kind !== "JOINED") return [];
  return [...entry.space.enter, tools.sh, "-c", INSIDE_SCRIPT, "sh", spec.sandboxDirectory];
}

function changePrivileges({ account, entry }: SupervisorPlan, tools: HostTools): readonly string[] {
  const { privileges = [], seccompFilter } = entry;
  const setpriv = tools.setpriv ?? "setpriv";
  // A call of its own, because setpriv(1) loads a filter first and changes the user under it. It
  // comes before anything of the container's environment, which could keep it from being loaded.
  const filter = seccompFilter === undefined ? [] : [setpriv, "--seccomp-filter", seccompFilter];
  if (account === undefined && privileges.length === 0) return filter;
  const user =
    account === undefined
      ? []
      : [`--reuid=${account.userId}`, `--regid=${account.groupId}`, "--init-groups"];
  return [setpriv, ...user, ...privileges, ...filter];
}
