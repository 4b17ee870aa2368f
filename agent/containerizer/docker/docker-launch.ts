/**
 * From a spec to a running Docker container, in steps that each leave a trace: what an agent finds
 * that comes after one that died between any two of them tells it how far the launch got.
 */
import { closeSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { ContainerSpec, GpuOwners, LaunchError, Launched } from "../containerizer.ts";
import { openOutput } from "../supervisor/output.ts";
import { accountToBecome } from "../supervisor/users.ts";
import { createBody } from "./create-body.ts";
import type { DockerContainer } from "./docker-container.ts";
import { type EngineCalls, lacksImage } from "./engine-calls.ts";
import type { DockerError } from "./errors.ts";
import { imageName } from "./image-name.ts";
import type { Images } from "./images.ts";
import type { Inspected } from "./inspected.ts";
import type { DockerRecords } from "./records.ts";
import type { DockerSpec } from "./spec.ts";

export interface LaunchTools {
  readonly calls: EngineCalls;
  readonly images: Images;
  readonly records: DockerRecords;
  readonly gpus: GpuOwners;
  /** Where the operator keeps registry credentials. */
  readonly config: string | undefined;
  readonly allowPrivileged: boolean;
}

/** Looks at everything that can be known before Docker is asked. */
export function launchRefusal(
  spec: ContainerSpec,
  docker: DockerSpec,
  { allowPrivileged }: LaunchTools,
): LaunchError | undefined {
  const name = imageName(docker.image);
  if (!name.ok) return name.error;
  const [what] = docker.privileges;
  if (what !== undefined && !allowPrivileged) return { code: "PRIVILEGE_FORBIDDEN", what };
  const hasStreams = spec.streams !== undefined || spec.terminal !== undefined;
  const why = hasStreams ? "a Docker container has no streams of its own" : invalid(spec);
  if (why !== undefined) return { code: "COMMAND_INVALID", why };
  const account = accountToBecome(spec.user);
  if (!account.ok) return account.error;
  const output = openOutput(spec.sandboxDirectory, account.value);
  if (!output.ok) return output.error;
  for (const file of Object.values(output.value)) closeSync(file);
  return undefined;
}

/** An empty command is the image's own, but a shell needs one. */
function invalid({ command, environment }: ContainerSpec): string | undefined {
  if (command.shell && command.value === "") return "it is empty; set command.value";
  const words = command.shell ? [command.value] : [command.value, ...command.arguments];
  const bad = [...words, ...Object.values(environment)].find((text) => text.includes("\0"));
  if (bad !== undefined) return `'${bad.replaceAll("\0", "\\0")}' has a NUL byte`;
  const name = Object.keys(environment).find((key) => key === "" || /[=\0]/.test(key));
  return name === undefined ? undefined : `'${name}' is no name for an environment variable`;
}

/** Makes and starts it, with its record written before each step. */
export async function makeAndStart(
  container: DockerContainer,
  { spec, docker, owner }: { spec: ContainerSpec; docker: DockerSpec; owner: string },
  tools: LaunchTools,
): Promise<Result<Inspected, LaunchError>> {
  const { calls, records } = tools;
  const { containerId, sandboxDirectory } = spec;
  const gpus = tools.gpus.take(containerId, docker.gpus);
  if (!gpus.ok) return gpus;
  const body = createBody(spec, docker, { owner, gpus: gpus.value });
  const created = await create(container, body, { spec, docker }, tools);
  if (!created.ok) return created;
  const dockerId = created.value;
  container.dockerId = dockerId;
  if (container.cancel.signal.aborted) return err({ code: "LAUNCH_CANCELLED" });
  const stage = { state: "STARTING", dockerId } as const;
  const written = records.write(containerId, { stage, sandboxDirectory });
  if (!written.ok) return written;
  // Where its output begins: all that is found after that in the sandbox's files is its own.
  const sizes = { stdout: sizeOf(spec, "stdout"), stderr: sizeOf(spec, "stderr") };
  const beginning = { time: "", stream: "stdout", nth: 0, sizes } as const;
  const positioned = records.writePosition(containerId, beginning);
  if (!positioned.ok) return positioned;
  const started = await calls.start(dockerId);
  if (!started.ok) return started;
  const found = await calls.inspect(dockerId);
  if (!found.ok) return found;
  if (found.value === undefined) {
    const message = "somebody removed it as soon as it was there";
    return err({ code: "DOCKER_REFUSED", operation: "start the container", status: 404, message });
  }
  // Without it the next agent takes it for one that nobody saw start, and looks.
  records.write(containerId, { stage: { state: "STARTED", dockerId }, sandboxDirectory });
  return ok(found.value);
}

function sizeOf({ sandboxDirectory }: ContainerSpec, name: "stdout" | "stderr"): number {
  return lstatSync(join(sandboxDirectory, name), { throwIfNoEntry: false })?.size ?? 0;
}

export function launchedAs(found: Inspected): Launched {
  const { pid, ipAddresses, document } = found;
  return { pid: pid ?? 0, ipAddresses, data: Buffer.from(document) };
}

/** Most images are there: the one that is not is found missing by its use. */
async function create(
  container: DockerContainer,
  body: ReturnType<typeof createBody>,
  { spec, docker }: { readonly spec: ContainerSpec; readonly docker: DockerSpec },
  { calls, images, config }: LaunchTools,
): Promise<Result<string, DockerError>> {
  const { image, forcePull, overrides } = docker;
  const { platform } = overrides;
  const pull = (): Promise<Result<void, DockerError>> =>
    images.pull({
      ...{ image, platform },
      credentials: { config, sandboxDirectory: spec.sandboxDirectory },
      signal: container.cancel.signal,
    });
  if (!forcePull) {
    const created = await calls.create(spec.containerId, body, platform);
    if (!lacksImage(created)) return created;
  }
  const pulled = await pull();
  return pulled.ok ? calls.create(spec.containerId, body, platform) : pulled;
}
