/** Carries out LAUNCH: a sandbox, then a container in it. */
import { err, ok, type Result } from "../../worker/std/result.ts";
import {
  type Containerizer,
  describeLaunchError,
  type Launched,
} from "../containerizer/containerizer.ts";
import { containerSpec } from "../core/container-spec.ts";
import type { Launch } from "../core/effect.ts";
import { volumesOf } from "../core/volumes.ts";
import { makeExecutorSandbox, makeSandbox, makeTaskSandbox } from "./sandbox.ts";

export interface LauncherOptions {
  readonly containerizer: Containerizer;
  readonly workDirectory: string;
  /** Advertised address. */
  readonly ip: string;
  readonly port: number;
  /** False: tasks run as the agent's own user, whatever their framework's user is. */
  readonly switchUser: boolean;
}

export class Launcher {
  readonly #options: LauncherOptions;

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  /** The error is a sentence for the task's status. */
  async launch(agentId: string, launch: Launch): Promise<Result<Launched, string>> {
    const sandbox = this.#makeSandbox(agentId, launch);
    if (!sandbox.ok) return sandbox;
    const { containerizer, ip, port } = this.#options;
    const { containerId, framework, task, executor } = launch;
    const spec = containerSpec(framework, task, {
      ...{ containerId, agentId, ip, port },
      ...(executor === undefined ? {} : { executor: executor.info }),
      sandboxDirectory: sandbox.value,
      user: this.#userOf(launch),
    });
    const launched = await containerizer.launch(spec);
    return launched.ok ? ok(launched.value) : err(describeLaunchError(launched.error));
  }

  #makeSandbox(agentId: string, launch: Launch): Result<string, string> {
    const { workDirectory } = this.#options;
    const { containerId, framework, task, executor } = launch;
    const taskId = task.task_id.value;
    const place = {
      agentId,
      frameworkId: framework.id?.value ?? "",
      executorId: executor?.info.executor_id.value ?? taskId,
      containerId: executor?.containerId ?? containerId,
    };
    const content = { user: this.#userOf(launch), volumes: volumesOf(task.resources) };
    if (executor === undefined) return makeSandbox(workDirectory, place, content);
    const shared = { user: content.user, volumes: volumesOf(executor.info.resources) };
    const outer = makeExecutorSandbox(workDirectory, place, shared);
    if (!outer.ok) return outer;
    const inner = { executorSandbox: outer.value, containerId, taskId };
    return makeTaskSandbox(workDirectory, inner, content);
  }

  /** Undefined: the agent's own. An empty name names nobody, as in Mesos. */
  #userOf({ framework, task, executor }: Launch): string | undefined {
    const named = task.command?.user || executor?.info.command?.user;
    return named || (this.#options.switchUser ? framework.user : undefined) || undefined;
  }
}
