/**
 * Carries out FETCH and LAUNCH: a sandbox, what the task wants in it, then a container. A sandbox
 * that was fetched into is launched in as it is.
 */
import { randomUUID } from "node:crypto";
import { closeSync, rmSync } from "node:fs";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { assert } from "../../worker/std/assert.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import {
  type ContainerId,
  type Containerizer,
  type ContainerSpec,
  containerId as checkedContainerId,
  describeLaunchError,
  type LaunchError,
  type Launched,
  type UserRange,
} from "../containerizer/containerizer.ts";
import type { ImageFetcher } from "../containerizer/images/options.ts";
import { openOutput } from "../containerizer/supervisor/output.ts";
import { tellTask } from "../containerizer/supervisor/tell-task.ts";
import { type Account, ownerOf } from "../containerizer/supervisor/users.ts";
import { commandEnvironment } from "../core/command-environment.ts";
import { containerCommand, containerSpec, type SpecFacts } from "../core/container-spec.ts";
import type { Launch } from "../core/effect.ts";
import { imageOf } from "../core/mesos-image.ts";
import { volumesOf } from "../core/volumes.ts";
import type { Outward } from "../outward/outward.ts";
import type { TerminalInputs } from "./containers/input.ts";
import { errnoOf } from "./errno.ts";
import { type ExecutorApiPlace, executorEnvironment } from "./executor-environment.ts";
import type { FetchCache } from "./fetcher/cache.ts";
import { fetchUris } from "./fetcher/fetcher.ts";
import { Gate } from "./gate.ts";
import {
  linkLatest,
  makeExecutorSandbox,
  makeSandbox,
  makeTaskSandbox,
  type SandboxPlace,
  sandboxPath,
  taskSandboxPath,
} from "./sandbox.ts";
import type { TaskDefaults } from "./task-defaults.ts";
import { volumeMounts } from "./volumes.ts";

/** Tasks that are fetched for at one time; the others wait for them. */
const FETCHES_AT_ONCE = 16;

export interface LauncherOptions {
  readonly containerizer: Containerizer & Partial<ImageFetcher>;
  readonly workDirectory: string;
  /** Advertised address. */
  readonly ip: string;
  readonly port: number;
  readonly taskDefaults: TaskDefaults;
  /** Those that containers which are not Docker's have of their own; undefined: the machine's. */
  readonly users: UserRange | undefined;
  readonly outward: Outward;
  readonly fetchCache: FetchCache;
  readonly executorApi: ExecutorApiPlace;
  /** What clients type into tasks with a terminal. */
  readonly inputs: TerminalInputs;
}

export class Launcher {
  readonly #options: LauncherOptions;
  readonly #fetches = new Map<ContainerId, AbortController>();
  /** Sandboxes that were fetched into, until their launch. */
  readonly #fetched = new Map<ContainerId, string>();
  readonly #gate = new Gate(FETCHES_AT_ONCE);

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  /** Undefined: it was cancelled. The error is a sentence for the task's status. */
  async fetch(agentId: string, launch: Launch): Promise<Result<void, string> | undefined> {
    const { containerId } = launch;
    const abort = new AbortController();
    this.#fetches.set(containerId, abort);
    const fetched = await this.#gate.pass(async () =>
      abort.signal.aborted ? undefined : await this.#fetch(agentId, launch, abort.signal),
    );
    this.#fetches.delete(containerId);
    if (abort.signal.aborted || fetched === undefined) return undefined;
    if (!fetched.ok) return fetched;
    this.#fetched.set(containerId, fetched.value);
    return ok(undefined);
  }

  cancelFetch(containerId: ContainerId): void {
    this.#fetches.get(containerId)?.abort();
    this.#fetched.delete(containerId);
  }

  /** Ends what is being fetched: the next process does it again. */
  close(): void {
    for (const abort of this.#fetches.values()) abort.abort();
  }

  /** The error is a sentence for the task's status. */
  async launch(agentId: string, launch: Launch): Promise<Result<Launched, string>> {
    const fetched = this.#fetched.get(launch.containerId);
    this.#fetched.delete(launch.containerId);
    const sandbox = fetched === undefined ? this.#makeSandbox(agentId, launch) : ok(fetched);
    if (!sandbox.ok) return sandbox;
    const { containerizer, ip, port } = this.#options;
    const environment = executorEnvironment(this.#options.executorApi, launch);
    if (!environment.ok) return environment;
    const { containerId, framework, task, executor } = launch;
    const made = containerSpec(framework, task, {
      ...{ containerId, agentId, ip, port },
      operatorEnvironment: this.#options.taskDefaults.environment,
      ...(executor === undefined ? {} : { executor: executor.info }),
      environment: environment.value,
      sandboxDirectory: sandbox.value,
      user: this.#userOf(launch),
      ...this.#shared(agentId, launch),
    });
    // Its registry has been asked by now.
    const image = fetched !== undefined && made.image && { ...made.image, cached: true };
    const spec = { ...made, ...(image && { image }) };
    const started =
      spec.terminal !== undefined
        ? await this.#launchAtTerminal(spec)
        : sentence(await containerizer.launch(spec));
    // For those who look, and so after the task, which waits for nobody.
    if (fetched === undefined) this.#linkLatest(agentId, launch);
    return started;
  }

  /** Without it the sandbox is found by its container's id, as all but the latest are. */
  #linkLatest(agentId: string, launch: Launch): void {
    if (launch.executor !== undefined) return;
    linkLatest(this.#options.workDirectory, this.#placeOf(agentId, launch));
  }

  /** Clients type into it by way of the agent, this one and the next. */
  async #launchAtTerminal(spec: ContainerSpec): Promise<Result<Launched, string>> {
    const { containerizer, inputs } = this.#options;
    const { containerId, sandboxDirectory } = spec;
    // Whom an image's user is shows with the image; its containerizer gives him what is his.
    const users = spec.docker === undefined ? this.#options.users : undefined;
    const account = spec.image === undefined ? ownerOf(spec.user, users) : ok(undefined);
    if (!account.ok) return err(describeLaunchError(account.error));
    const input = await inputs.make(containerId);
    if (!input.ok) return input;
    const output = openOutput(sandboxDirectory, account.value);
    if (!output.ok) {
      closeSync(input.value);
      return err(describeLaunchError(output.error));
    }
    const streams = { stdin: input.value, ...output.value };
    const launched = await containerizer.launch({ ...spec, streams });
    for (const file of Object.values(streams)) closeSync(file);
    if (!launched.ok) inputs.remove(containerId);
    return sentence(launched);
  }

  /** A container inside a task's own, for one command of its check: with the task's environment. */
  specInside(agentId: string, launch: Launch, command: mesos.CommandInfo): ContainerSpec {
    const { ip, port } = this.#options;
    const { containerId, framework, task, executor } = launch;
    const id = checkedContainerId(randomUUID());
    assert(id.ok, "a uuid is a container id");
    const around = containerSpec(framework, task, {
      ...{ containerId, agentId, ip, port },
      operatorEnvironment: this.#options.taskDefaults.environment,
      ...(executor === undefined ? {} : { executor: executor.info }),
      sandboxDirectory: this.#sandboxPath(agentId, launch),
      user: this.#userOf(launch),
    });
    const user = command.user || around.user;
    const { sandboxDirectory, limits } = around;
    return {
      containerId: id.value,
      inside: containerId,
      command: containerCommand(command),
      environment: { ...around.environment, ...commandEnvironment(command) },
      ...(user === undefined ? {} : { user }),
      sandboxDirectory,
      limits,
    };
  }

  /** What a container has besides its sandbox: volumes, and in a group the executor's sandbox. */
  #shared(agentId: string, { containerId, framework, task, executor }: Launch): Partial<SpecFacts> {
    const { workDirectory } = this.#options;
    const own = volumesOf(task.resources);
    if (executor === undefined) return volumeMounts(workDirectory, own);
    const launch = { containerId, framework, task, executor };
    const sandboxDirectory = sandboxPath(workDirectory, this.#placeOf(agentId, launch));
    return {
      ...volumeMounts(workDirectory, [...volumesOf(executor.info.resources), ...own]),
      group: { id: executor.containerId, sandboxDirectory },
    };
  }

  /** The sandbox's path. */
  async #fetch(
    agentId: string,
    launch: Launch,
    signal: AbortSignal,
  ): Promise<Result<string, string>> {
    const uris = launch.task.command?.uris ?? [];
    // Nobody but the image may know its user.
    const account = uris.length === 0 ? ok(undefined) : this.#ownerOf(launch);
    if (!account.ok) return err(describeLaunchError(account.error));
    // What an earlier process fetched may be half of it.
    const cleared = clear(this.#sandboxPath(agentId, launch));
    const sandbox = cleared.ok ? this.#makeSandbox(agentId, launch) : cleared;
    if (!sandbox.ok) return sandbox;
    this.#linkLatest(agentId, launch);
    const directory = sandbox.value;
    const fetched = await fetchUris({
      ...{ uris, directory, signal, workDirectory: this.#options.workDirectory },
      places: this.#options.taskDefaults,
      account: account.value,
      outward: this.#options.outward,
      cache: this.#options.fetchCache,
      say: (line) => tellTask(directory, line, account.value),
    });
    if (fetched.ok) return await this.#fetchImage(launch, { directory, signal });
    if (!signal.aborted) tellTask(directory, fetched.error, account.value);
    const { containerId } = launch;
    return err(`Failed to fetch all URIs for container '${containerId}': ${fetched.error}`);
  }

  /** After the URIs: among them may be who its task is to the registry. */
  async #fetchImage(
    { task }: Launch,
    { directory, signal }: { readonly directory: string; readonly signal: AbortSignal },
  ): Promise<Result<string, string>> {
    const { containerizer } = this.#options;
    const image = imageOf(task.container);
    if (image === undefined) return ok(directory);
    const request = { image, sandboxDirectory: directory, signal };
    const fetched = await containerizer.fetchImage?.(request);
    return fetched?.ok === false ? err(describeLaunchError(fetched.error)) : ok(directory);
  }

  #placeOf(agentId: string, { containerId, framework, task, executor }: Launch): SandboxPlace {
    return {
      agentId,
      frameworkId: framework.id?.value ?? "",
      executorId: executor?.info.executor_id.value ?? task.task_id.value,
      containerId: executor?.containerId ?? containerId,
    };
  }

  #sandboxPath(agentId: string, launch: Launch): string {
    const { workDirectory } = this.#options;
    const outer = sandboxPath(workDirectory, this.#placeOf(agentId, launch));
    return launch.executor === undefined ? outer : taskSandboxPath(outer, launch.containerId);
  }

  #makeSandbox(agentId: string, launch: Launch): Result<string, string> {
    const { workDirectory } = this.#options;
    const { containerId, task, executor } = launch;
    const taskId = task.task_id.value;
    const place = this.#placeOf(agentId, launch);
    const owner = { user: this.#userOf(launch), users: this.#usersOf(launch) };
    const content = { ...owner, volumes: volumesOf(task.resources) };
    if (executor === undefined) return makeSandbox(workDirectory, place, content);
    const shared = { ...owner, volumes: volumesOf(executor.info.resources) };
    const outer = makeExecutorSandbox(workDirectory, place, shared);
    if (!outer.ok) return outer;
    const inner = { executorSandbox: outer.value, containerId, taskId };
    return makeTaskSandbox(workDirectory, inner, content);
  }

  #ownerOf(launch: Launch): Result<Account | undefined, LaunchError> {
    return ownerOf(this.#userOf(launch), this.#usersOf(launch));
  }

  #usersOf({ task }: Launch): UserRange | undefined {
    return task.container?.type === "DOCKER" ? undefined : this.#options.users;
  }

  /** Undefined: the agent's own. An empty name names nobody, as in Mesos. */
  #userOf({ framework, task, executor }: Launch): string | undefined {
    const named = task.command?.user || executor?.info.command?.user;
    return (
      named || (this.#options.taskDefaults.switchUser ? framework.user : undefined) || undefined
    );
  }
}

function sentence(launched: Result<Launched, LaunchError>): Result<Launched, string> {
  return launched.ok ? launched : err(describeLaunchError(launched.error));
}

function clear(path: string): Result<void, string> {
  try {
    rmSync(path, { recursive: true, force: true });
    return ok(undefined);
  } catch (cause) {
    return err(`cannot clear the sandbox ${path}: ${errnoOf(cause)}`);
  }
}
