/** The `docker` entry of the table of containerizers. */
import { err, ok, type Result } from "../../../worker/std/result.ts";
import {
  type ContainerizerModule,
  type ContainerizerOptions,
  type DockerOptions,
  describeLaunchError,
} from "../containerizer.ts";
import { DockerContainerizer } from "./docker-containerizer.ts";
import { Engine } from "./engine.ts";
import { knownEscape } from "./vulnerable.ts";

/** What holds where nobody says. */
export const DOCKER_DEFAULTS: DockerOptions = {
  socketPath: "/var/run/docker.sock",
  allowPrivileged: false,
  allowVulnerable: false,
  pullStallMs: 120_000,
};

/** Whether there is a daemon that speaks with us, and out of which no container escapes. */
export async function checkDocker(
  options: DockerOptions,
): Promise<Result<void, { readonly why: string }>> {
  const engine = new Engine(options.socketPath);
  const versions = await engine.negotiate();
  if (!versions.ok) return err({ why: describeLaunchError(versions.error) });
  const known = options.allowVulnerable ? undefined : knownEscape(versions.value);
  if (known === undefined) return ok(undefined);
  return err({ why: `${known}, or start the agent with --docker-allow-vulnerable` });
}

const optionsOf = ({ docker }: ContainerizerOptions): DockerOptions => docker ?? DOCKER_DEFAULTS;

export const dockerContainerizer: ContainerizerModule = {
  summary: "containers of a Docker daemon on this machine",
  check: (options) => checkDocker(optionsOf(options)),
  create: (options) => new DockerContainerizer(options, optionsOf(options)),
};
