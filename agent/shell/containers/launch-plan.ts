/** From a client's request to what the containerizer is told, with the files and pipes it takes. */
import { closeSync, openSync } from "node:fs";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import {
  type ContainerId,
  type ContainerSpec,
  describeLaunchError,
} from "../../containerizer/containerizer.ts";
import { accountToBecome } from "../../containerizer/supervisor/users.ts";
import { DEFAULT_PATH } from "../../core/container-spec.ts";
import type { ContainerCallError, SessionPipes } from "./client-container.ts";
import type { TerminalInputs } from "./input.ts";
import { makeNestedSandbox } from "./nested-sandbox.ts";
import { PipedOutput } from "./output.ts";
import { openPipes } from "./pipes.ts";
import type { ContainerRequest } from "./request.ts";
import type { Surroundings } from "./task-containers.ts";

export interface LaunchPlan {
  readonly spec: ContainerSpec;
  /** The agent's ends, of a session. */
  readonly pipes: SessionPipes | undefined;
  /** Closes the command's ends: it has them, or will never have. */
  letGo(): void;
  /** The launch failed. */
  giveUp(): void;
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
    letGo,
    giveUp: close,
  });
}

/** Any other container has a sandbox of its own, and writes there. */
export async function planNested(facts: LaunchFacts, inputs: TerminalInputs): Promise<Plan> {
  const { id, value, request, around } = facts;
  const account = accountToBecome(request.user ?? around.user);
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
    return agentFails(input.error);
  }
  const places = { MESOS_SANDBOX: path, MESOS_DIRECTORY: path };
  return ok({
    spec: {
      ...commonSpec(facts),
      environment: { PATH: DEFAULT_PATH, ...places, ...request.environment },
      sandboxDirectory: path,
      streams: { stdin: input.value, stdout, stderr },
    },
    pipes: undefined,
    letGo: () => close(input.value, stdout, stderr),
    giveUp: () => inputs.remove(id),
  });
}

function commonSpec({ id, request, around }: LaunchFacts) {
  const user = request.user ?? around.user;
  const { inside, limits, group } = around;
  return {
    containerId: id,
    command: request.command,
    limits,
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
