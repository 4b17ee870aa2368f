/**
 * The deployment's configuration as we want it, made from the bindings; every mistake in them is
 * told at once.
 */
import { buildFacts, type VersionMetadata } from "./build.ts";
import { isPolicyName, policies } from "./core/allocator/policies/index.ts";
import type { MasterSettings } from "./core/settings.ts";
import { defaultSettings } from "./core/settings.ts";
import { parseDomainText } from "./protocol/domain-text.ts";
import { parseDurationMs } from "./std/duration.ts";
import { err, ok, type Result } from "./std/result.ts";

export interface Config {
  readonly master: MasterSettings;
  /** What the local front door proves itself with; absent where there is none. */
  readonly frontDoorKey?: string;
}

export interface ConfigError {
  readonly variable: string;
  /** What is wrong and what to set, without the variable's name. */
  readonly message: string;
}

/** As they are set: nothing here is checked yet. */
export interface Variables {
  /** Where clients reach this deployment, as told to frameworks. */
  readonly RIMROCK_HOSTNAME?: string;
  readonly RIMROCK_IP?: string;
  readonly RIMROCK_PORT?: string | number;
  /** Mesos duration text ("30secs"): offers older than this are rescinded; "none": they are not. */
  readonly RIMROCK_OFFER_TIMEOUT?: string;
  /** How many offers a framework has in hand at once, at most; "none": any number. */
  readonly RIMROCK_MAX_OFFERS_PER_FRAMEWORK?: string | number;
  /** Allocation policy of a cluster that is created now; later `PUT /policy` changes it. */
  readonly RIMROCK_POLICY?: string;
  /** Mesos duration text from 1 s to 15 min, and how many of them make an agent unreachable. */
  readonly RIMROCK_AGENT_PING_TIMEOUT?: string;
  readonly RIMROCK_MAX_AGENT_PING_TIMEOUTS?: string | number;
  /** Set by `rimrock start` alone, anew each time. */
  readonly RIMROCK_FRONT_DOOR_KEY?: string;
  /** "REGION/ZONE" where the master counts as being; none = agents of all regions are alike. */
  readonly RIMROCK_DOMAIN?: string;
  /** Not set by anybody: the platform says which version of the Worker this is. */
  readonly RIMROCK_VERSION?: VersionMetadata;
}

export function readConfig(env: Variables): Result<Config, readonly ConfigError[]> {
  const errors: ConfigError[] = [];
  const address = readAddress(env, errors);
  const offerTimeoutMs = readOfferTimeout(env, errors);
  const maxOffersPerFramework = readMaxOffers(env, errors);
  const policy = readPolicy(env, errors);
  const agentPing = readAgentPing(env, errors);
  const domain = readDomain(env, errors);
  if (errors.length > 0) return err(errors);
  const build = buildFacts(env.RIMROCK_VERSION);
  const offers = { offerTimeoutMs, maxOffersPerFramework };
  const master = { ...defaultSettings, address, ...offers, policy, agentPing, domain, build };
  const frontDoorKey = env.RIMROCK_FRONT_DOOR_KEY;
  return ok(frontDoorKey === undefined ? { master } : { master, frontDoorKey });
}

/** One line per mistake. */
export function describeConfigErrors(errors: readonly ConfigError[]): string {
  return errors.map(({ variable, message }) => `${variable} ${message}`).join("\n");
}

function readAddress(env: Variables, errors: ConfigError[]): MasterSettings["address"] {
  const { hostname, ip, port } = defaultSettings.address;
  const given = {
    hostname: env.RIMROCK_HOSTNAME ?? hostname,
    ip: env.RIMROCK_IP ?? ip,
    port: Number(env.RIMROCK_PORT ?? port),
  };
  if (given.hostname === "" || /[\s/]/.test(given.hostname)) {
    errors.push({ variable: "RIMROCK_HOSTNAME", message: "is not a host name." });
  }
  if (!isIpv4(given.ip)) {
    const message = `is '${given.ip}'; set the IPv4 address (a.b.c.d) that clients reach.`;
    errors.push({ variable: "RIMROCK_IP", message });
  }
  if (!Number.isInteger(given.port) || given.port < 1 || given.port > 65_535) {
    const message = `is '${env.RIMROCK_PORT}'; set a port from 1 to 65535.`;
    errors.push({ variable: "RIMROCK_PORT", message });
  }
  return given;
}

/** Says that there is to be no bound, where leaving it out means the usual one. */
const NONE = "none";

function readOfferTimeout(env: Variables, errors: ConfigError[]): number | undefined {
  const text = env.RIMROCK_OFFER_TIMEOUT;
  if (text === undefined || text === "") return defaultSettings.offerTimeoutMs;
  if (text === NONE) return undefined;
  const parsed = parseDurationMs(text);
  if (parsed.ok && parsed.value > 0) return parsed.value;
  const message = `is '${text}'; set a duration such as 30secs or 5mins, '${NONE}', or leave it out.`;
  errors.push({ variable: "RIMROCK_OFFER_TIMEOUT", message });
  return undefined;
}

function readMaxOffers(env: Variables, errors: ConfigError[]): number | undefined {
  const text = String(env.RIMROCK_MAX_OFFERS_PER_FRAMEWORK ?? "");
  if (text === "") return defaultSettings.maxOffersPerFramework;
  if (text === NONE) return undefined;
  const most = Number(text);
  if (Number.isSafeInteger(most) && most >= 1) return most;
  const message = `is '${text}'; set a whole number from 1, '${NONE}', or leave it out.`;
  errors.push({ variable: "RIMROCK_MAX_OFFERS_PER_FRAMEWORK", message });
  return undefined;
}

function readPolicy(env: Variables, errors: ConfigError[]): string {
  const name = env.RIMROCK_POLICY;
  if (name === undefined || name === "") return defaultSettings.policy;
  if (isPolicyName(name)) return name;
  const message = `is '${name}'; set one of ${Object.keys(policies).join(", ")}, or leave it out.`;
  errors.push({ variable: "RIMROCK_POLICY", message });
  return defaultSettings.policy;
}

/** Bounds as in Mesos. */
const PING_TIMEOUT_MS = { least: 1_000, most: 900_000 };

function readAgentPing(env: Variables, errors: ConfigError[]): MasterSettings["agentPing"] {
  const given = { ...defaultSettings.agentPing };
  const timeout = env.RIMROCK_AGENT_PING_TIMEOUT;
  if (timeout !== undefined && timeout !== "") {
    const parsed = parseDurationMs(timeout);
    const { least, most } = PING_TIMEOUT_MS;
    if (parsed.ok && parsed.value >= least && parsed.value <= most) given.timeoutMs = parsed.value;
    else {
      const message = `is '${timeout}'; set a duration from 1secs to 15mins, or leave it out.`;
      errors.push({ variable: "RIMROCK_AGENT_PING_TIMEOUT", message });
    }
  }
  const count = env.RIMROCK_MAX_AGENT_PING_TIMEOUTS;
  if (count !== undefined && count !== "") {
    given.maxTimeouts = Number(count);
    if (
      !Number.isInteger(given.maxTimeouts) ||
      given.maxTimeouts < 1 ||
      given.maxTimeouts > 1_000
    ) {
      const message = `is '${count}'; set a whole number from 1 to 1000, or leave it out.`;
      errors.push({ variable: "RIMROCK_MAX_AGENT_PING_TIMEOUTS", message });
    }
  }
  return given;
}

function readDomain(env: Variables, errors: ConfigError[]): MasterSettings["domain"] {
  const text = env.RIMROCK_DOMAIN;
  if (text === undefined || text === "") return undefined;
  const parsed = parseDomainText(text);
  if (parsed.ok) return parsed.value;
  errors.push({ variable: "RIMROCK_DOMAIN", message: `'${text}' ${parsed.error}.` });
  return undefined;
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
}
