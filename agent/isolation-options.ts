/** The agent's options about how containers are isolated. */
import { resolve } from "node:path";
import { parseDurationMs } from "../worker/std/duration.ts";
import { err, ok, type Result } from "../worker/std/result.ts";
import { parseCapabilities } from "./containerizer/cgroups/space/privileges.ts";
import { parseUserRange } from "./containerizer/cgroups/user-namespaces.ts";
import type {
  CapabilityName,
  DiskOptions,
  SeccompOptions,
  UserRange,
} from "./containerizer/containerizer.ts";
import { type Isolator, parseIsolation } from "./containerizer/isolators.ts";
import type { GivenOptions } from "./read-options.ts";

export interface IsolationOptions {
  /** Undefined: everything that the machine can do. */
  readonly isolation: ReadonlySet<Isolator> | undefined;
  /** Undefined: what is harmless to the machine. */
  readonly allowedCapabilities: readonly CapabilityName[] | undefined;
  /** Of containers' own users; undefined: they have the machine's. */
  readonly users: UserRange | undefined;
  /** Undefined: there are no profiles. */
  readonly seccomp: SeccompOptions | undefined;
  readonly disk: DiskOptions;
  /** A container is held to the processors that it asks for, unless it says otherwise. */
  readonly capsCpus: boolean;
  /** Minor numbers of the GPUs to use; undefined: all. */
  readonly gpuDevices: readonly number[] | undefined;
}

/** `read` takes note of mistakes. */
export function readIsolationOptions(
  given: GivenOptions,
  read: <T>(result: Result<T, string>, otherwise: T) => T,
): IsolationOptions {
  return {
    isolation: read(readIsolation(given), undefined),
    allowedCapabilities: read(readCapabilities(given), undefined),
    users: read(readUsers(given), undefined),
    seccomp: read(readSeccomp(given), undefined),
    disk: {
      everyMs: read(readWatchInterval(given), 1),
      isEnforced: given.has("enforce-container-disk-quota"),
    },
    capsCpus: given.has("cgroups-enable-cfs"),
    gpuDevices: read(readGpuDevices(given), undefined),
  };
}

function readIsolation(given: GivenOptions): Result<ReadonlySet<Isolator> | undefined, string> {
  const text = given.text("isolation");
  if (text === undefined) return ok(undefined);
  const label = given.label("isolation");
  const parsed = parseIsolation(text);
  if (!parsed.ok) return err(`${label} ${parsed.error}`);
  if (given.has("enforce-container-disk-quota") && !parsed.value.has("disk/du")) {
    return err(`${label} has no disk/du, which --enforce-container-disk-quota needs; add it`);
  }
  if (parsed.value.has("linux/seccomp") && given.text("seccomp-config-dir") === undefined) {
    return err(
      `${label} has linux/seccomp, which needs --seccomp-config-dir; say where profiles are`,
    );
  }
  return parsed;
}

function readUsers(given: GivenOptions): Result<UserRange | undefined, string> {
  const isWanted = given.text("isolation")?.split(",").map(trimmed).includes("namespaces/user");
  const text = given.text("user-namespace-ids");
  const label = given.label("user-namespace-ids");
  if (isWanted !== true) {
    if (text === undefined) return ok(undefined);
    return err(`${label} is for namespaces/user, which is not in --isolation; add it`);
  }
  if (text === undefined) {
    const option = given.label("isolation");
    return err(`${option} has namespaces/user, which needs --user-namespace-ids FROM:COUNT`);
  }
  const users = parseUserRange(text);
  return users.ok ? users : err(`${label} ${users.error}`);
}

function readSeccomp(given: GivenOptions): Result<SeccompOptions | undefined, string> {
  const directory = given.text("seccomp-config-dir");
  const name = given.text("seccomp-profile-name");
  const label = given.label("seccomp-profile-name");
  if (directory === undefined) {
    if (name === undefined) return ok(undefined);
    return err(`${label} '${name}' needs --seccomp-config-dir, the folder that it is in`);
  }
  const isolation = given.text("isolation");
  if (
    name !== undefined &&
    isolation?.split(",").map(trimmed).includes("linux/seccomp") === false
  ) {
    return err(`${label} '${name}' needs linux/seccomp in --isolation; add it`);
  }
  const configDirectory = resolve(directory);
  return ok(name === undefined ? { configDirectory } : { configDirectory, defaultProfile: name });
}

function trimmed(text: string): string {
  return text.trim();
}

function readCapabilities(
  given: GivenOptions,
): Result<readonly CapabilityName[] | undefined, string> {
  const text = given.text("allowed-capabilities");
  if (text === undefined) return ok(undefined);
  const parsed = parseCapabilities(text);
  return parsed.ok ? parsed : err(`${given.label("allowed-capabilities")} ${parsed.error}`);
}

function readWatchInterval(given: GivenOptions): Result<number, string> {
  const text = given.text("container-disk-watch-interval") ?? "15secs";
  const parsed = parseDurationMs(text);
  if (parsed.ok && parsed.value > 0) return parsed;
  const label = given.label("container-disk-watch-interval");
  return err(`${label} '${text}' is not a time above 0; write one like 15secs`);
}

function readGpuDevices(given: GivenOptions): Result<readonly number[] | undefined, string> {
  const text = given.text("nvidia-gpu-devices");
  if (text === undefined) return ok(undefined);
  const words = text.split(",").map((word) => word.trim());
  if (words.every((word) => /^\d{1,4}$/.test(word)) && new Set(words).size === words.length) {
    return ok(words.map(Number));
  }
  const label = given.label("nvidia-gpu-devices");
  return err(`${label} '${text}' is no list of GPUs; write minor numbers, each once, like 0,1`);
}
