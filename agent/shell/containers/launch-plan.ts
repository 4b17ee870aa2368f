/** From a client's request to what the containerizer is told, with the files and pipes it takes. */
import { closeSync, openSync } from "node:fs";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import {
  type ContainerId,
  type ContainerSpec,
  describeLaunchError,
} from "../../containerizer/containerizer.ts";
import { type Account, ownerOf } from "../../containerizer/supervisor/users.ts";
import { amountOf } from "../../core/amount.ts";
import { DEFAULT_PATH } from "../../core/container-spec.ts";
import { imageParts } from "../../core/mesos-image.ts";
import type { ContainerCallError, SessionPipes } from "./client-container.ts";
import type { TerminalInputs } from "./input.ts";
import { makeNestedSandbox, removeNestedSandbox } from "./nested-sandbox.ts";
import { PipedOutput } from "./output.ts";
import { openPipes } from "./pipes.ts";
import { type ContainerRequest, obstacleBeside } from "./request.ts";
import { limitsOf, type Surroundings } from "./task-containers.ts";

export interface LaunchPlan {
  readonly spec: ContainerSpec;
  /** The agent's ends, of a session. */
  readonly pipes: SessionPipes | undefined;
  /** What is to be there before the launch, with a place to tell of it. */
  readonly fetch: { readonly account: Account | undefined; readonly stderr: number } | undefined;
  /** Closes the command's ends: it has them, or will never have. */
  letGo(): void;
  /** The launch failed: the next one may have its name. */
  giveUp(): Promise<void>;
}

export interface LaunchFacts {
  readonly id: ContainerId;
  /** Of the container itself, the last of its chain. */
  readonly value: string;
  readonly request: ContainerRequest;
  readonly around: Surroundings;
}

type Plan = Result<LaunchPlan, ContainerCallError>;

/** A session shares everything with the container that it is in, and talks to its client only. */
export async function planSession(facts: LaunchFacts, directory: string): Promise<Plan> {
  const { request, around } = facts;
  const refused = obstacle(facts);
  if (refused !== undefined) return clientFails(refused);
  if (request.uris.length > 0) {
    return clientFails("a session fetches nothing; leave 'command.uris' out");
  }
  if (request.imaged !== undefined) {
    return clientFails("a session has the files around it; leave 'container.mesos.image' out");
  }
  const pipes = await openPipes(directory);
  if (!pipes.ok) return agentFails(pipes.error);
  const { streams, stdin, stdout, stderr, letGo } = pipes.value;
  // A broken input is told to who writes into it.
  stdin.on("error", () => {});
  const close = (): void => {
    for (const end of [stdin, stdout, stderr]) end.destroy();
  };
  return ok({
    spec: {
      ...commonSpec(facts),
      environment: { ...around.environment, ...request.environment },
      sandboxDirectory: around.sandboxDirectory,
      streams,
    },
    pipes: { stdin, output: new PipedOutput({ stdout, stderr }), close },
    fetch: undefined,
    letGo,
    giveUp: async () => close(),
  });
}

/** Any other container has a sandbox of its own, and writes there. */
export async function planNested(facts: LaunchFacts, inputs: TerminalInputs): Promise<Plan> {
  const { id, value, request, around } = facts;
  const refused = obstacle(facts);
  if (refused !== undefined) return clientFails(refused);
  // Whom an image's user is shows with the image; what is fetched, its client's user may read.
  const isKnownLater = request.imaged !== undefined && request.uris.length === 0;
  const user = request.user ?? around.user;
  const account = isKnownLater ? ok(undefined) : ownerOf(user, around.users);
  if (!account.ok) return clientFails(describeLaunchError(account.error));
  const sandbox = makeNestedSandbox(around.sandboxDirectory, value, account.value);
  if (!sandbox.ok) return agentFails(sandbox.error);
  const { path, stdout, stderr } = sandbox.value;
  const input = request.terminal === undefined ? emptyInput() : await inputs.make(id);
  const close = (...descriptors: readonly number[]): void => {
    for (const descriptor of descriptors) closeSync(descriptor);
  };
  if (!input.ok) {
    close(stdout, stderr);
    await removeNestedSandbox(path);
    return agentFails(input.error);
  }
  const places = { MESOS_SANDBOX: path, MESOS_DIRECTORY: path };
  const environment = { PATH: DEFAULT_PATH, ...places, ...request.environment };
  return ok({
    spec: {
      ...commonSpec(facts),
      environment,
      ...(request.imaged && imageParts(request.imaged, environment)),
      sandboxDirectory: path,
      streams: { stdin: input.value, stdout, stderr },
    },
    pipes: undefined,
    fetch: request.uris.length === 0 ? undefined : { account: account.value, stderr },
    letGo: () => close(input.value, stdout, stderr),
    giveUp: async () => {
      inputs.remove(id);
      await removeNestedSandbox(path);
    },
  });
}

/** Why it cannot be had where it is to be launched. */
function obstacle({ request, around }: LaunchFacts): string | undefined {
  if (around.inside !== undefined) return obstacleBeside(request);
  if (around.group === undefined || request.ownsLimits) return undefined;
  if (request.resources.length === 0 && request.limits === undefined) return undefined;
  return (
    "it shares the resources of the container that it is in; leave 'resources' and 'limits' out, " +
    "or set 'container.linux_info.share_cgroups' to false"
  );
}

function commonSpec({ id, request, around }: LaunchFacts) {
  const user = request.user ?? around.user;
  const { inside, group, agentFolders = [] } = around;
  const { resources, limits, parts } = request;
  const volumes = [...(around.volumes ?? []), ...(parts.volumes ?? [])];
  const gpus = Math.ceil(amountOf(resources, "gpus"));
  return {
    containerId: id,
    command: request.command,
    limits: request.ownsLimits ? limitsOf({ resources, limits }) : around.limits,
    ...parts,
    ...(volumes.length > 0 && { volumes }),
    ...(agentFolders.length > 0 && { agentFolders }),
    ...(gpus > 0 && { gpus }),
    ...(inside !== undefined && { inside }),
    ...(group !== undefined && { group }),
    ...(user !== undefined && { user }),
    ...(request.terminal !== undefined && { terminal: request.terminal }),
  };
}

function emptyInput(): Result<number, string> {
  return ok(openSync("/dev/null", "r"));
}

function agentFails(why: string): Result<never, ContainerCallError> {
  return err({ code: "LAUNCH_FAILED", why, fault: "AGENT" });
}

function clientFails(why: string): Result<never, ContainerCallError> {
  return err({ code: "LAUNCH_FAILED", why, fault: "CLIENT" });
}
