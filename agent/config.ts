/**
 * The agent's command line and environment → one typed configuration. Every mistake is reported at
 * once, each with what to do. Does not touch the disk or the network.
 */
import { homedir, hostname } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { parseDomainText } from "../worker/protocol/domain-text.ts";
import type * as mesos from "../worker/protocol/v1/mesos.ts";
import type { Resources } from "../worker/resources/resource.ts";
import {
  describeTextError,
  parseAttributesText,
  parseResourcesText,
} from "../worker/resources/text.ts";
import { err, ok, type Result } from "../worker/std/result.ts";
import { type ContainerizerKind, containerizers } from "./containerizer/index.ts";
import { outwardAddress } from "./discovery/machine.ts";

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
  readonly attributes: readonly mesos.Attribute[];
  readonly domain: mesos.DomainInfo | undefined;
  readonly containerizer: ContainerizerKind;
  readonly dieWithParent: boolean;
  readonly jsonLog: boolean;
  /** As they were written, for those who ask; undefined: they were not. */
  readonly texts: { readonly resources?: string; readonly attributes?: string };
}

export type CommandLine =
  | { readonly type: "RUN"; readonly config: Config }
  | { readonly type: "HELP" }
  | { readonly type: "VERSION" };

const DEFAULT_PORT = 5051;
const PORT_MAX = 65_535;

interface OptionHelp {
  readonly placeholder?: string;
  readonly help: string;
}

const optionHelp: { readonly [name: string]: OptionHelp } = {
  master: { placeholder: "URL", help: "where the master is; else RIMROCK_MASTER" },
  "work-dir": { placeholder: "DIR", help: "checkpoints and sandboxes; one agent per folder" },
  resources: {
    placeholder: "TEXT",
    help: "like 'cpus:4;mem:8192;ports:[31000-32000]'; kinds not named are found out",
  },
  attributes: { placeholder: "TEXT", help: "like 'rack:r1;zone:z1'" },
  domain: { placeholder: "TEXT", help: "region and zone, like 'eu/eu-1'" },
  hostname: { placeholder: "NAME", help: "advertised name; else the machine's" },
  ip: { placeholder: "IPV4", help: "advertised address; else the first outward one" },
  port: {
    placeholder: "N",
    help: `port of the agent's own API, advertised; else ${DEFAULT_PORT} or a free one`,
  },
  listen: {
    placeholder: "IPV4",
    help: "where that API listens; else only this machine reaches it",
  },
  "insecure-local": { help: "that API needs no token: everybody on this machine may use it" },
  containerizer: { placeholder: "NAME", help: containerizerHelp() },
  "die-with-parent": { help: "end at once, tasks included, when stdin is closed" },
  json: { help: "log lines as JSON" },
  version: { help: "print the version" },
  help: { help: "print this" },
};

export function helpText(): string {
  const rows = Object.entries(optionHelp).map(([name, { placeholder, help }]) => {
    const option = `--${name}${placeholder === undefined ? "" : ` ${placeholder}`}`;
    return `  ${option.padEnd(22)} ${help}`;
  });
  return [
    "rimrock-agent: runs tasks on this machine for a Rimrock master.",
    "",
    "  rimrock-agent --master http://127.0.0.1:5050",
    "",
    ...rows,
    "",
    "Tasks outlive the agent process (but not with --die-with-parent): the next one on the same",
    "--work-dir finds them. Run as root, tasks run as their framework's user; otherwise as the agent's own.",
    "",
  ].join("\n");
}

/** `args`: without node and the script. The errors are sentences, one per mistake. */
export function readCommandLine(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Result<CommandLine, readonly string[]> {
  const parsed = parse(args);
  if (!parsed.ok) return parsed;
  const values = parsed.value;
  if (values.help === true) return ok({ type: "HELP" });
  if (values.version === true) return ok({ type: "VERSION" });
  const errors: string[] = [];
  const read = <T>(result: Result<T, string>, otherwise: T): T => {
    if (!result.ok) errors.push(result.error);
    return result.ok ? result.value : otherwise;
  };
  const master = read(readMaster(values.master ?? env.RIMROCK_MASTER), NO_MASTER);
  const insecureLocal = values["insecure-local"] === true;
  const config: Config = {
    master,
    workDirectory: resolve(values["work-dir"] ?? defaultWorkDirectory(env)),
    hostname: read(readHostname(values.hostname ?? hostname()), ""),
    ip: read(readIp("--ip", values.ip ?? defaultIp(master)), ""),
    listen: read(readListen(values.listen ?? LOOPBACK, insecureLocal), LOOPBACK),
    port: read(readPort(values.port), DEFAULT_PORT),
    isPortGiven: values.port !== undefined,
    insecureLocal,
    resources: read(readText("--resources", values.resources, parseResourcesText), []),
    attributes: read(readText("--attributes", values.attributes, parseAttributesText), []),
    domain: read(readDomain(values.domain), undefined),
    containerizer: read(readContainerizer(values.containerizer ?? "process"), "process"),
    dieWithParent: values["die-with-parent"] === true,
    jsonLog: values.json === true,
    texts: textsOf(values),
  };
  return errors.length > 0 ? err(errors) : ok({ type: "RUN", config });
}

type Values = ReturnType<typeof parseValues>;

function parse(args: readonly string[]): Result<Values, readonly string[]> {
  try {
    return ok(parseValues(args));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return err([`${message.split("\n")[0]}; see --help`]);
  }
}

function parseValues(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = {
    master: text,
    "work-dir": text,
    resources: text,
    attributes: text,
    domain: text,
    hostname: text,
    ip: text,
    port: text,
    listen: text,
    "insecure-local": flag,
    containerizer: text,
    "die-with-parent": flag,
    json: flag,
    version: flag,
    help: flag,
  };
  return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
}

const NO_MASTER = new URL("http://127.0.0.1:5050");

function readMaster(text: string | undefined): Result<URL, string> {
  if (text === undefined || text === "") {
    return err("no master: give --master http://HOST:PORT or set RIMROCK_MASTER");
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    return err(`--master '${text}' is not a URL; write http://HOST:PORT or https://HOST`);
  }
  if (url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    return err(`--master '${text}' has more than a host and a path; leave the rest out`);
  }
  return ok(url);
}

function readHostname(text: string): Result<string, string> {
  if (/^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/.test(text)) return ok(text);
  return err(`--hostname '${text}' is not a host name; use letters, digits, '-' and '.'`);
}

const LOOPBACK = "127.0.0.1";

function readListen(text: string, insecureLocal: boolean): Result<string, string> {
  if (insecureLocal && !text.startsWith("127.")) {
    return err(
      `--listen ${text} lets other machines in and --insecure-local asks nobody for a token; leave one out`,
    );
  }
  return readIp("--listen", text);
}

function textsOf({ resources, attributes }: Values): Config["texts"] {
  return {
    ...(resources !== undefined && { resources }),
    ...(attributes !== undefined && { attributes }),
  };
}

function readIp(option: string, text: string): Result<string, string> {
  const octets = text.split(".");
  const good =
    octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) < 256);
  return good
    ? ok(text)
    : err(`${option} '${text}' is not an IPv4 address; write one like 10.0.0.7`);
}

function readPort(text: string | undefined): Result<number, string> {
  if (text === undefined) return ok(DEFAULT_PORT);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= PORT_MAX) return ok(port);
  return err(`--port '${text}' is not a port; write a number from 1 to ${PORT_MAX}`);
}

function readText<T, E extends Parameters<typeof describeTextError>[0]>(
  option: string,
  text: string | undefined,
  parseText: (text: string) => Result<T, E>,
): Result<T, string> {
  const parsed = parseText(text ?? "");
  return parsed.ok ? parsed : err(`${option}: ${describeTextError(parsed.error)}`);
}

function readDomain(text: string | undefined): Result<mesos.DomainInfo | undefined, string> {
  if (text === undefined) return ok(undefined);
  const parsed = parseDomainText(text);
  return parsed.ok ? parsed : err(`--domain '${text}' ${parsed.error}`);
}

function readContainerizer(text: string): Result<ContainerizerKind, string> {
  const kind = containerizerKinds().find((name) => name === text);
  if (kind !== undefined) return ok(kind);
  return err(`--containerizer '${text}' is unknown; choose ${containerizerKinds().join(" or ")}`);
}

/** The keys of the table are exactly its kinds. */
function containerizerKinds(): readonly ContainerizerKind[] {
  return Object.keys(containerizers) as ContainerizerKind[];
}

function containerizerHelp(): string {
  return containerizerKinds()
    .map((name) => `${name}: ${containerizers[name].summary}`)
    .join("; ");
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
