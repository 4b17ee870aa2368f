/**
 * The agent's options as data: what the command line, the environment, the configuration file and
 * the help know of them comes from this table. What a value has to look like is `config.ts`'s.
 */
import { DEFAULT_CAPABILITIES } from "./containerizer/cgroups/space/privileges.ts";
import { DOCKER_DEFAULTS } from "./containerizer/docker/docker.ts";
import { containerizers, mesosContainerizerKinds } from "./containerizer/index.ts";
import { isolatorNames } from "./containerizer/isolators.ts";

export interface AgentOption {
  /** A switch is there or not; in the environment and in a file it is "true" or "false". */
  readonly kind: "text" | "switch";
  readonly placeholder?: string;
  readonly help: string;
  /** What holds without it, for the help. A value that is one is in `config.ts`. */
  readonly otherwise?: string;
}

export const DEFAULT_PORT = 5051;

export const agentOptions = {
  master: {
    kind: "text",
    placeholder: "URL",
    help: "where the control plane is; needed",
  },
  "work-dir": {
    kind: "text",
    placeholder: "DIR",
    help: "checkpoints and sandboxes; one agent per folder",
    otherwise: "/var/lib/rimrock-agent as root, else ~/.local/state/rimrock-agent",
  },
  config: {
    kind: "text",
    placeholder: "FILE",
    help: 'JSON with any of these options, like {"attributes": "rack:r1"}',
  },
  resources: {
    kind: "text",
    placeholder: "TEXT",
    help: "like 'cpus:4;mem:8192;ports:[31000-32000]', or JSON; kinds not named are found out",
    otherwise: "what the machine has",
  },
  "default-role": {
    kind: "text",
    placeholder: "ROLE",
    help: "role of resources that name none, found out ones included",
    otherwise: "*: everybody's",
  },
  attributes: { kind: "text", placeholder: "TEXT", help: "like 'rack:r1;zone:z1'" },
  domain: { kind: "text", placeholder: "TEXT", help: "region and zone, like 'eu/eu-1'" },
  hostname: {
    kind: "text",
    placeholder: "NAME",
    help: "advertised name",
    otherwise: "the machine's",
  },
  ip: {
    kind: "text",
    placeholder: "IPV4",
    help: "advertised address",
    otherwise: "the first outward one",
  },
  port: {
    kind: "text",
    placeholder: "N",
    help: "port of the agent's own API, advertised",
    otherwise: `${DEFAULT_PORT} or a free one`,
  },
  listen: {
    kind: "text",
    placeholder: "IPV4",
    help: "where that API listens",
    otherwise: "127.0.0.1: only this machine reaches it",
  },
  "insecure-local": {
    kind: "switch",
    help: "that API needs no token: everybody on this machine may use it",
  },
  "executor-registration-timeout": {
    kind: "text",
    placeholder: "TIME",
    help: "from the start of a framework's own executor to its first SUBSCRIBE",
    otherwise: "1mins",
  },
  "executor-reregistration-timeout": {
    kind: "text",
    placeholder: "TIME",
    help: "from a restart of the agent to its return, at most 15secs",
    otherwise: "2secs",
  },
  "executor-shutdown-grace-period": {
    kind: "text",
    placeholder: "TIME",
    help: "from its SHUTDOWN to SIGKILL, where its framework does not say",
    otherwise: "5secs",
  },
  "executors-without-token": {
    kind: "switch",
    help: "believe executors that send no token, as libraries that know of none do",
  },
  "executor-environment-variables": {
    kind: "text",
    placeholder: "JSON",
    help: 'variables of all tasks and executors, like {"JAVA_HOME": "/opt/java"}, or a file of them',
  },
  "no-switch-user": {
    kind: "switch",
    help: "tasks run as the agent's own user, also when it is root",
  },
  "frameworks-home": {
    kind: "text",
    placeholder: "DIR",
    help: "where the paths of URIs begin that are relative",
    otherwise: "such URIs are refused",
  },
  "hadoop-home": {
    kind: "text",
    placeholder: "DIR",
    help: "Hadoop, whose client fetches URIs of hdfs, s3 and what else it knows",
    otherwise: "the program hadoop on the PATH",
  },
  containerizer: {
    kind: "text",
    placeholder: "NAME",
    help: containerizerHelp(),
    otherwise: "cgroups as root, else process; or what --isolation asks for",
  },
  isolation: {
    kind: "text",
    placeholder: "LIST",
    help: `what containers are isolated by, in Mesos' words: ${isolatorNames.join(",")}`,
    otherwise: "everything that this machine can do but disk/du; see `rimrock-agent check`",
  },
  "allowed-capabilities": {
    kind: "text",
    placeholder: "LIST",
    help: "rights of root that tasks may have, like NET_RAW,SYS_PTRACE, or ALL",
    otherwise: DEFAULT_CAPABILITIES.join(","),
  },
  "seccomp-config-dir": {
    kind: "text",
    placeholder: "DIR",
    help: "profiles of system calls in Docker's JSON format, which tasks name",
    otherwise: "none: tasks that name one are refused",
  },
  "seccomp-profile-name": {
    kind: "text",
    placeholder: "NAME",
    help: "the profile, in that folder, of tasks that name none and are not `unconfined`",
    otherwise: "none",
  },
  "cgroups-enable-cfs": {
    kind: "switch",
    help: "a task uses no more than its `cpus`, also where others leave some, unless its limits say so",
  },
  "user-namespace-ids": {
    kind: "text",
    placeholder: "RANGE",
    help: "ids of this machine that stand for tasks' users where --isolation has namespaces/user, as FROM:COUNT, like 100000:65536; nobody else may have them",
  },
  "enforce-container-disk-quota": {
    kind: "switch",
    help: "a task that uses more than its `disk`, in its sandbox or beside its image, is ended",
  },
  "container-disk-watch-interval": {
    kind: "text",
    placeholder: "TIME",
    help: "how often sandboxes are measured where disk/du or the quota asks for it",
    otherwise: "15secs",
  },
  "nvidia-gpu-devices": {
    kind: "text",
    placeholder: "LIST",
    help: "minor numbers of the GPUs to use, like 0,1",
    otherwise: "all that nvidia-smi lists",
  },
  containerizers: {
    kind: "text",
    placeholder: "LIST",
    help: "whose containers are taken: mesos (as --containerizer says), docker, or both: mesos,docker",
    otherwise: "mesos",
  },
  "docker-socket": {
    kind: "text",
    placeholder: "PATH",
    help: "where the Docker daemon listens",
    otherwise: DOCKER_DEFAULTS.socketPath,
  },
  "docker-config": {
    kind: "text",
    placeholder: "FILE",
    help: "registry credentials as `docker login` writes them: a file, or its JSON",
    otherwise: "Docker's own, ~/.docker/config.json",
  },
  "image-providers": {
    kind: "text",
    placeholder: "NAME",
    help: "whose images the cgroups containerizer takes without a Docker daemon: DOCKER (and OCI), NONE",
    otherwise: "DOCKER",
  },
  "docker-registry": {
    kind: "text",
    placeholder: "URL",
    help: "where images come from that name no registry; or a folder of `docker save` archives",
    otherwise: "https://registry-1.docker.io",
  },
  "docker-store-dir": {
    kind: "text",
    placeholder: "DIR",
    help: "where layers of images are kept, and what containers change of them",
    otherwise: "images in --work-dir",
  },
  "image-gc-config": {
    kind: "text",
    placeholder: "JSON",
    help: 'when images go that no container uses, like {"image_disk_headroom": 0.1}: the share of their disk that is to stay free',
    otherwise: "they stay until PRUNE_IMAGES",
  },
  "image-provisioner-backend": {
    kind: "text",
    placeholder: "NAME",
    help: "how layers become a file system: overlay",
    otherwise: "overlay",
  },
  "docker-allow-privileged": {
    kind: "switch",
    help: "Docker tasks may take their isolation away: privileged, cap-add, devices and the like",
  },
  "docker-allow-vulnerable": {
    kind: "switch",
    help: "use Docker and runc also in versions out of which a container can escape",
  },
  "reconfiguration-policy": {
    kind: "text",
    placeholder: "NAME",
    help: "any, additive or equal: what may have changed about the agent since its last start",
    otherwise: "any",
  },
  "gc-delay": {
    kind: "text",
    placeholder: "TIME",
    help: "how long a sandbox stays after its end; less as the disk fills",
    otherwise: "1weeks",
  },
  "gc-disk-headroom": {
    kind: "text",
    placeholder: "SHARE",
    help: "share of the disk, 0 to 1, that is to stay free: then no sandbox stays after its end",
    otherwise: "0.1",
  },
  "disk-watch-interval": {
    kind: "text",
    placeholder: "TIME",
    help: "how often the disk is looked at",
    otherwise: "1mins",
  },
  "max-log-size": {
    kind: "text",
    placeholder: "SIZE",
    help: "a task's stdout or stderr becomes stdout.1 beyond this; 0B: never",
    otherwise: "100MB",
  },
  "max-log-files": {
    kind: "text",
    placeholder: "N",
    help: "how many such older files stay",
    otherwise: "1",
  },
  "fetcher-cache-size": {
    kind: "text",
    placeholder: "SIZE",
    help: "room for fetched files that tasks asked to be cached",
    otherwise: "2GB",
  },
  ca: {
    kind: "text",
    placeholder: "FILE",
    help: "PEM certificates to trust besides the public ones",
  },
  shutdown: {
    kind: "switch",
    help: "end the agent that runs on --work-dir, and its tasks",
  },
  "die-with-parent": {
    kind: "switch",
    help: "end at once, tasks included, when stdin is closed",
  },
  json: { kind: "switch", help: "log lines (and the answer of `check`) as JSON" },
  version: { kind: "switch", help: "print the version" },
  help: { kind: "switch", help: "print this" },
} as const satisfies { readonly [name: string]: AgentOption };

export type OptionName = keyof typeof agentOptions;

/** Those that make sense on a command line only. */
export const COMMAND_LINE_ONLY: ReadonlySet<string> = new Set(["shutdown", "version", "help"]);

/** The environment variable of an option. The master's name is the one that `rimrock` reads too. */
export function variableOf(name: string): string {
  if (name === "master") return "RIMROCK_MASTER";
  return `RIMROCK_AGENT_${name.toUpperCase().replaceAll("-", "_")}`;
}

const HELP_COLUMNS = 100;
const HELP_INDENT = 26;

/** In lines of at most so many characters, broken at blanks and after commas. */
function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const piece of text.split(/(?<=[ ,])/)) {
    if ((line + piece).trimEnd().length > columns) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += piece;
  }
  return [...lines, line.trimEnd()];
}

export function helpText(): string {
  const rows = Object.entries<AgentOption>(agentOptions).flatMap(([name, option]) => {
    const { placeholder, help, otherwise } = option;
    const typed = `  --${name}${placeholder === undefined ? "" : ` ${placeholder}`}`;
    const fallback = otherwise === undefined ? "" : ` (default: ${otherwise})`;
    const lines = wrapped(`${help}${fallback}`, HELP_COLUMNS - HELP_INDENT);
    const [first = "", ...rest] = lines.map((line) => " ".repeat(HELP_INDENT) + line);
    if (typed.length < HELP_INDENT) return [typed.padEnd(HELP_INDENT) + first.trimStart(), ...rest];
    return [typed, first, ...rest];
  });
  return [
    "rimrock-agent: runs tasks on this machine for a Rimrock control plane.",
    "",
    "  rimrock-agent --master http://127.0.0.1:5050",
    "  rimrock-agent check        what works on this machine, and what to do about what does not",
    "",
    ...rows,
    "",
    "Names may be written as in Mesos, like --work_dir=DIR; file:///PATH stands for what is in the file.",
    "Every option may also be set by a variable, like RIMROCK_AGENT_WORK_DIR (the master's is",
    "RIMROCK_MASTER), or in the file of --config; the command line goes before the environment,",
    "and the environment before the file. HTTPS_PROXY, HTTP_PROXY and NO_PROXY are followed.",
    "",
    "Tasks outlive the agent process (but not with --die-with-parent): the next one on the same",
    "--work-dir finds them. SIGTERM ends the agent alone, SIGUSR1 its tasks as well. Run as root,",
    "tasks run as their framework's user; otherwise as the agent's own.",
    "",
  ].join("\n");
}

function containerizerHelp(): string {
  return mesosContainerizerKinds
    .map((name) => `${name}: ${containerizers[name].summary}`)
    .join("; ");
}
