/**
 * The filters of containers: which profile each one gets, and the program that becomes of it, in
 * `<id>.seccomp` of the runtime directory. What runs inside a container gets that one's, also after
 * a restart of the agent. Source: Mesos' docs/isolators/linux-seccomp.md.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { err, ok, type Result } from "../../../../worker/std/result.ts";
import type {
  CapabilityName,
  ContainerId,
  ContainerSpec,
  LaunchError,
  SeccompOptions,
} from "../../containerizer.ts";
import { errnoOf, fileError } from "../../supervisor/file-error.ts";
import { compileProfile, type Filter } from "./compile.ts";
import { encode } from "./instructions.ts";
import { parseProfile } from "./profile.ts";
import type { Architecture } from "./system-calls.ts";

export class SeccompFilters {
  readonly #runtimeDirectory: string;
  /** Undefined: no container has one. */
  readonly #options: SeccompOptions | undefined;

  constructor(runtimeDirectory: string, options: SeccompOptions | undefined) {
    this.#runtimeDirectory = runtimeDirectory;
    this.#options = options;
  }

  /** The file with the filter of a new container; undefined: it gets none. */
  make(
    { containerId, seccomp }: ContainerSpec,
    capabilities: readonly CapabilityName[],
  ): Result<string | undefined, LaunchError> {
    const asked = seccomp?.kind === "PROFILE" ? seccomp.name : undefined;
    const name = seccomp === undefined ? this.#options?.defaultProfile : asked;
    if (this.#options === undefined || name === undefined) return ok(undefined);
    const filter = readFilter(this.#options.configDirectory, name, capabilities);
    if (!filter.ok) {
      return err({
        code: "NOT_SUPPORTED",
        what: `the seccomp profile '${name}'`,
        why: filter.error,
      });
    }
    const path = this.#pathOf(containerId);
    try {
      // The container's own user reads it, in a container where nothing else leads to it.
      writeFileSync(path, encode(filter.value.instructions), { mode: 0o644 });
      return ok(path);
    } catch (cause) {
      return err(fileError("write", path, cause));
    }
  }

  /** That of a container which has one. */
  fileOf(id: ContainerId): string | undefined {
    const path = this.#pathOf(id);
    return existsSync(path) ? path : undefined;
  }

  #pathOf(id: ContainerId): string {
    return join(this.#runtimeDirectory, `${id}.seccomp`);
  }
}

/** The error is a sentence without its full stop. */
export function readFilter(
  configDirectory: string,
  name: string,
  capabilities: readonly CapabilityName[],
): Result<Filter, string> {
  const isInside = !name.startsWith("/") && !name.split("/").includes("..") && name !== "";
  if (!isInside || name.includes("\0")) {
    return err(`profiles are named by their path in ${configDirectory}`);
  }
  const path = join(configDirectory, name);
  const architecture = architectureHere();
  if (architecture === undefined) return err(`there are no filters for ${process.arch}`);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const errno = errnoOf(cause);
    return err(errno === "ENOENT" ? `there is no ${path}` : `${path} cannot be read: ${errno}`);
  }
  const profile = parseProfile(text);
  if (!profile.ok) return err(`${path} cannot be used: ${profile.error}`);
  const filter = compileProfile(profile.value, {
    architecture,
    capabilities,
    kernel: kernelVersion(release()),
  });
  return filter.ok ? filter : err(`${path} cannot be used: ${filter.error}`);
}

/** Undefined: no processor that there are numbers of system calls for. */
export function architectureHere(): Architecture | undefined {
  return process.arch === "x64" || process.arch === "arm64" ? process.arch : undefined;
}

/** `text`: like "6.1.0-18-amd64". */
function kernelVersion(text: string): readonly [number, number] {
  const [major = 0, minor = 0] = text.split(/[.-]/).map(Number);
  return [major, minor];
}
