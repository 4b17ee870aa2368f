/**
 * The agent's options → one typed configuration. Every mistake is reported at once, each with what
 * to do. Does not touch the network, and of the disk only the files that options name.
 */
import { homedir, hostname } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { parseDomainText } from "../worker/protocol/domain-text.ts";
import type * as mesos from "../worker/protocol/v1/mesos.ts";
import type { Resources } from "../worker/resources/resource.ts";
import {
  describeTextError,
  parseAttributesText,
  parseResourcesText,
} from "../worker/resources/text.ts";
import { parseBytes } from "../worker/std/bytes.ts";
import { parseDurationMs } from "../worker/std/duration.ts";
import { err, ok, type Result } from "../worker/std/result.ts";
import type { ContainerizerName } from "./containerizer/composing.ts";
import type { DockerOptions } from "./containerizer/containerizer.ts";
import { DOCKER_DEFAULTS } from "./containerizer/docker/docker.ts";
import type { MesosContainerizerKind } from "./containerizer/index.ts";
import {
  type ContainerizerReason,
  readContainerizer,
  readContainerizers,
  unboundedOption,
} from "./containerizer-options.ts";
import { outwardAddress } from "./discovery/machine.ts";
import { type ExecutorOptions, readExecutorOptions } from "./executor-options.ts";
import { type ImageChoice, readImageOptions } from "./image-options.ts";
import { type IsolationOptions, readIsolationOptions } from "./isolation-options.ts";
import { DEFAULT_PORT, type OptionName } from "./options.ts";
import { type GivenOptions, type OptionSources, readOptions } from "./read-options.ts";
import { type ReconfigurationPolicy, reconfigurationPolicies } from "./shell/reconfiguration.ts";
import type { TaskDefaults } from "./shell/task-defaults.ts";
import { readTaskOptions } from "./task-options.ts";

export interface Config {
  readonly master: URL;
  /** Absolute. */
  readonly workDirectory: string;
  readonly hostname: string;
  /** IPv4. */
  readonly ip: string;
  /** Where the agent's own API listens: IPv4. */
  readonly listen: string;
  /** Of the API, advertised; if nobody said, another may be taken when this one is. */
  readonly port: number;
  readonly isPortGiven: boolean;
  /** Whoever is on this machine may use the API; otherwise who has the token. */
  readonly insecureLocal: boolean;
  /** As given: kinds that are not named are discovered. */
  readonly resources: Resources;
  /** Of resources that are discovered; "*": they are nobody's. */
  readonly defaultRole: string;
  readonly attributes: readonly mesos.Attribute[];
  readonly domain: mesos.DomainInfo | undefined;
  readonly containerizer: MesosContainerizerKind;
  readonly containerizerReason: ContainerizerReason;
  /** In the order they are asked. */
  readonly containerizers: readonly ContainerizerName[];
  readonly isolation: IsolationOptions;
  readonly docker: DockerOptions;
  readonly images: ImageChoice;
  /** PEM; trusted besides the public ones. */
  readonly certificates: string | undefined;
  /** When sandboxes go: ms, share of the disk, ms. */
  readonly collection: {
    readonly delayMs: number;
    readonly headroom: number;
    readonly diskWatchMs: number;
  };
  /** Of a task's logs: bytes, files; undefined: they are never rotated. */
  readonly rotation: { readonly bytesMax: number; readonly filesMax: number } | undefined;
  readonly fetchCacheBytes: number;
  readonly reconfigurationPolicy: ReconfigurationPolicy;
  readonly executors: ExecutorOptions;
  readonly tasks: TaskDefaults;
  readonly dieWithParent: boolean;
  readonly jsonLog: boolean;
  /** As they were written, for those who ask; undefined: they were not. */
  readonly texts: { readonly resources?: string; readonly attributes?: string };
}

export type CommandLine =
  | { readonly type: "RUN"; readonly config: Config }
  /** `mistakes`: what is wrong with the options; `config` holds the defaults in their place. */
  | { readonly type: "CHECK"; readonly config: Config; readonly mistakes: readonly string[] }
  /** `workDirectory`: of the agent that is to end. */
  | { readonly type: "SHUT_DOWN"; readonly workDirectory: string }
  | { readonly type: "HELP" }
  | { readonly type: "VERSION" };

const PORT_MAX = 65_535;

/** The errors are sentences, one per mistake. */
export function readCommandLine(sources: OptionSources): Result<CommandLine, readonly string[]> {
  const options = readOptions(sources);
  if (!options.ok) return options;
  const given = options.value;
  if (given.has("help")) return ok({ type: "HELP" });
  if (given.has("version")) return ok({ type: "VERSION" });
  if (given.command !== undefined && given.command !== "check") {
    return err([`there is no command '${given.command}'; see --help`]);
  }
  if (given.has("shutdown")) {
    return ok({ type: "SHUT_DOWN", workDirectory: workDirectoryOf(given, sources.env) });
  }
  const errors: string[] = [];
  const config = readConfig(given, sources, errors);
  if (given.command === "check") return ok({ type: "CHECK", config, mistakes: errors });
  return errors.length > 0 ? err(errors) : ok({ type: "RUN", config });
}

function readConfig(given: GivenOptions, sources: OptionSources, errors: string[]): Config {
  const read = <T>(result: Result<T, string>, otherwise: T): T => {
    if (!result.ok) errors.push(result.error);
    return result.ok ? result.value : otherwise;
  };
  const master = read(readMaster(given), NO_MASTER);
  const insecureLocal = given.has("insecure-local");
  const defaultRole = read(readRole(given), "*");
  const isolation = readIsolationOptions(given, read);
  const isRoot = process.geteuid?.() === 0;
  const unread = { kind: "process", reason: "NAMED" } as const;
  const containerizer = read(readContainerizer(given, isolation, { isRoot }), unread);
  const containerizers = read(readContainerizers(given), ["mesos"]);
  const unbounded = unboundedOption(given, containerizer.kind, containerizers);
  if (unbounded !== undefined) errors.push(unbounded);
  return {
    master,
    workDirectory: workDirectoryOf(given, sources.env),
    hostname: read(readHostname(given), ""),
    ip: read(readIp(given, "ip", defaultIp(master)), ""),
    listen: read(readListen(given, insecureLocal), LOOPBACK),
    port: read(readPort(given), DEFAULT_PORT),
    isPortGiven: given.text("port") !== undefined,
    insecureLocal,
    resources: read(readText(given, "resources", resourcesFor(defaultRole)), []),
    defaultRole,
    attributes: read(readText(given, "attributes", parseAttributesText), []),
    domain: read(readDomain(given), undefined),
    containerizer: containerizer.kind,
    containerizerReason: containerizer.reason,
    containerizers,
    isolation,
    docker: read(readDocker(given, sources), DOCKER_DEFAULTS),
    images: readImageOptions(given, read),
    certificates: read(readCertificates(given, sources), undefined),
    collection: {
      delayMs: read(readDuration(given, "gc-delay", "1weeks"), 0),
      headroom: read(readHeadroom(given), 0),
      diskWatchMs: read(readDuration(given, "disk-watch-interval", "1mins"), 0),
    },
    rotation: read(readRotation(given), undefined),
    reconfigurationPolicy: read(readReconfigurationPolicy(given), "any"),
    fetchCacheBytes: read(readSize(given, "fetcher-cache-size", "2GB"), 0),
    executors: readExecutorOptions(given, read),
    tasks: readTaskOptions(given, sources, read),
    dieWithParent: given.has("die-with-parent"),
    jsonLog: given.has("json"),
    texts: textsOf(given),
  };
}

const NO_MASTER = new URL("http://127.0.0.1:5050");

function readMaster(given: GivenOptions): Result<URL, string> {
  const text = given.text("master");
  const label = given.label("master");
  if (text === undefined || text === "") {
    return err("no master: give --master http://HOST:PORT or set RIMROCK_MASTER");
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    return err(`${label} '${text}' is not a URL; write http://HOST:PORT or https://HOST`);
  }
  if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    return err(`${label} '${text}' has more than a host and a path; leave the rest out`);
  }
  return ok(url);
}

function readHostname(given: GivenOptions): Result<string, string> {
  const text = given.text("hostname") ?? hostname();
  if (/^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/.test(text)) return ok(text);
  const label = given.label("hostname");
  return err(`${label} '${text}' is not a host name; use letters, digits, '-' and '.'`);
}

const LOOPBACK = "127.0.0.1";

function readListen(given: GivenOptions, insecureLocal: boolean): Result<string, string> {
  const read = readIp(given, "listen", LOOPBACK);
  if (!read.ok || !insecureLocal || read.value.startsWith("127.")) return read;
  return err(
    `${given.label("listen")} ${read.value} lets other machines in and --insecure-local asks nobody ` +
      "for a token; leave one out",
  );
}

function textsOf(given: GivenOptions): Config["texts"] {
  const resources = given.text("resources");
  const attributes = given.text("attributes");
  return {
    ...(resources !== undefined && { resources }),
    ...(attributes !== undefined && { attributes }),
  };
}

function readIp(
  given: GivenOptions,
  option: "ip" | "listen",
  otherwise: string,
): Result<string, string> {
  const text = given.text(option) ?? otherwise;
  const octets = text.split(".");
  const good =
    octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) < 256);
  return good
    ? ok(text)
    : err(`${given.label(option)} '${text}' is not an IPv4 address; write one like 10.0.0.7`);
}

function readPort(given: GivenOptions): Result<number, string> {
  const text = given.text("port");
  if (text === undefined) return ok(DEFAULT_PORT);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= PORT_MAX) return ok(port);
  return err(
    `${given.label("port")} '${text}' is not a port; write a number from 1 to ${PORT_MAX}`,
  );
}

function readText<T, E extends Parameters<typeof describeTextError>[0]>(
  given: GivenOptions,
  option: OptionName,
  parseText: (text: string) => Result<T, E>,
): Result<T, string> {
  const parsed = parseText(given.text(option) ?? "");
  return parsed.ok ? parsed : err(`${given.label(option)}: ${describeTextError(parsed.error)}`);
}

/** "*": nobody's. */
function readRole(given: GivenOptions): Result<string, string> {
  const text = given.text("default-role") ?? "*";
  const parsed = parseResourcesText("cpus:1", { defaultRole: text });
  if (parsed.ok) return ok(text);
  return err(`${given.label("default-role")} '${text}': ${describeTextError(parsed.error)}`);
}

const resourcesFor = (defaultRole: string) => (text: string) =>
  parseResourcesText(text, { defaultRole });

function readDomain(given: GivenOptions): Result<mesos.DomainInfo | undefined, string> {
  const text = given.text("domain");
  if (text === undefined) return ok(undefined);
  const parsed = parseDomainText(text);
  return parsed.ok ? parsed : err(`${given.label("domain")} '${text}' ${parsed.error}`);
}

function readDocker(
  given: GivenOptions,
  { readFile }: OptionSources,
): Result<DockerOptions, string> {
  const options = {
    ...DOCKER_DEFAULTS,
    socketPath: resolve(given.text("docker-socket") ?? DOCKER_DEFAULTS.socketPath),
    allowPrivileged: given.has("docker-allow-privileged"),
    allowVulnerable: given.has("docker-allow-vulnerable"),
  };
  const config = given.text("docker-config");
  if (config === undefined) return ok(options);
  const label = given.label("docker-config");
  const isInline = config.trimStart().startsWith("{");
  const content = isInline ? ok(config) : readFile(resolve(config));
  if (!content.ok) return err(`${label} ${config}: ${content.error}`);
  try {
    JSON.parse(content.value);
  } catch {
    // The parser's words would quote what may be a password.
    return err(`${label}${isInline ? "" : ` ${config}`} is not JSON; see what docker login writes`);
  }
  return ok({ ...options, config: isInline ? config : resolve(config) });
}

function readDuration(
  given: GivenOptions,
  option: OptionName,
  otherwise: string,
): Result<number, string> {
  const text = given.text(option) ?? otherwise;
  const parsed = parseDurationMs(text);
  if (parsed.ok && parsed.value > 0) return parsed;
  return err(
    `${given.label(option)} '${text}' is not a time above 0; write one like 30secs or 2days`,
  );
}

function readHeadroom(given: GivenOptions): Result<number, string> {
  const text = given.text("gc-disk-headroom") ?? "0.1";
  const share = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (share >= 0 && share <= 1) return ok(share);
  const label = given.label("gc-disk-headroom");
  return err(`${label} '${text}' is not a share; write a number from 0 to 1, like 0.1`);
}

function readReconfigurationPolicy(given: GivenOptions): Result<ReconfigurationPolicy, string> {
  const text = given.text("reconfiguration-policy") ?? "any";
  const policy = reconfigurationPolicies.find((name) => name === text);
  if (policy !== undefined) return ok(policy);
  const label = given.label("reconfiguration-policy");
  return err(`${label} '${text}' is unknown; choose ${reconfigurationPolicies.join(", ")}`);
}

function readSize(
  given: GivenOptions,
  option: OptionName,
  otherwise: string,
): Result<number, string> {
  const text = given.text(option) ?? otherwise;
  const parsed = parseBytes(text);
  if (parsed.ok) return parsed;
  return err(`${given.label(option)} '${text}' is not a size; write one like 10MB`);
}

function readRotation(given: GivenOptions): Result<Config["rotation"], string> {
  const bytes = readSize(given, "max-log-size", "100MB");
  if (!bytes.ok) return bytes;
  const text = given.text("max-log-files") ?? "1";
  const filesMax = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (filesMax < 1) {
    return err(`${given.label("max-log-files")} '${text}' is not a number from 1 to 999`);
  }
  return ok(bytes.value === 0 ? undefined : { bytesMax: bytes.value, filesMax });
}

function readCertificates(
  given: GivenOptions,
  { readFile }: OptionSources,
): Result<string | undefined, string> {
  const path = given.text("ca");
  if (path === undefined) return ok(undefined);
  const read = readFile(path);
  if (!read.ok) return err(`${given.label("ca")} ${path}: ${read.error}`);
  if (read.value.includes("-----BEGIN CERTIFICATE-----")) return read;
  return err(`${given.label("ca")} ${path} holds no certificate in PEM form`);
}

function workDirectoryOf(given: GivenOptions, env: OptionSources["env"]): string {
  return resolve(given.text("work-dir") ?? defaultWorkDirectory(env));
}

function defaultWorkDirectory(env: Readonly<Record<string, string | undefined>>): string {
  if (process.getuid?.() === 0) return "/var/lib/rimrock-agent";
  const state = env.XDG_STATE_HOME;
  const base = state && isAbsolute(state) ? state : join(homedir(), ".local", "state");
  return join(base, "rimrock-agent");
}

/** Beside a master on this machine everything is local. */
function defaultIp(master: URL): string {
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(master.hostname);
  return local ? "127.0.0.1" : outwardAddress();
}
