/** A test bench for what the agent does with one custom executor. */
import type { ContainerId } from "../../../agent/containerizer/containerizer.ts";
import type { Effect } from "../../../agent/core/effect.ts";
import type * as executor from "../../../worker/protocol/v1/executor.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { defined } from "../../../worker/std/assert.ts";
import { Bench, exited, framework, PID, task } from "./bench.ts";

export const info: mesos.ExecutorInfo = {
  executor_id: { value: "e" },
  framework_id: { value: "f1" },
  command: { value: "./executor" },
  resources: [{ name: "mem", type: "SCALAR", scalar: { value: 32 } }],
};
/** A bench whose words are about one custom executor. */
export class ExecutorBench extends Bench {
  #number = 0;
  #connection = 0;
  #uuid = 0;

  launch(
    taskId: string,
    more: Partial<mesos.ExecutorInfo> = {},
    of: mesos.FrameworkInfo = framework("f1"),
  ): Effect[] {
    const own = { command: undefined, executor: { ...info, ...more } };
    return this.run(++this.#number, task(taskId, own), of);
  }

  launchGroup(...taskIds: string[]): Effect[] {
    const run_task_group = {
      framework: framework("f1"),
      executor: { ...info, type: "CUSTOM" as const },
      task_group: { tasks: taskIds.map((id) => task(id)) },
    };
    const number = BigInt(++this.#number);
    return this.commands({ type: "RUN_TASK_GROUP", number, run_task_group });
  }

  get container(): ContainerId {
    const row = [...this.state.executor.values()].at(-1);
    return defined(row, "there is an executor").containerId;
  }

  executorStarted(): Effect[] {
    return this.input({ type: "CONTAINER_STARTED", containerId: this.container, pid: PID });
  }

  executorEnded(termination = exited(0)): Effect[] {
    return this.input({ type: "CONTAINER_ENDED", containerId: this.container, termination });
  }

  subscribe(taskIds: readonly string[] = [], updates: readonly mesos.TaskStatus[] = []): Effect[] {
    const { container: containerId } = this;
    const connection = ++this.#connection;
    return this.input({ type: "EXECUTOR_SUBSCRIBED", containerId, connection, taskIds, updates });
  }

  disconnect(): Effect[] {
    const { container: containerId } = this;
    const connection = this.#connection;
    return this.input({ type: "EXECUTOR_DISCONNECTED", containerId, connection });
  }

  status(taskId: string, state: mesos.TaskState, uuid = ++this.#uuid): mesos.TaskStatus {
    const bytes = new Uint8Array(16).fill(uuid);
    return { task_id: { value: taskId }, state, source: "SOURCE_EXECUTOR", uuid: bytes };
  }

  update(status: mesos.TaskStatus): Effect[] {
    return this.input({ type: "EXECUTOR_UPDATE", containerId: this.container, status });
  }

  killTask(taskId: string, run: number, graceMs?: number): Effect[] {
    const kill_policy = { grace_period: { nanoseconds: BigInt(graceMs ?? 0) * 1_000_000n } };
    return this.commands({
      type: "KILL_TASK",
      number: BigInt(++this.#number),
      kill_task: {
        framework_id: { value: "f1" },
        task_id: { value: taskId },
        run_number: BigInt(run),
        ...(graceMs !== undefined && { kill_policy }),
      },
    });
  }

  shutdown(): Effect[] {
    const shutdown_executor = { framework_id: { value: "f1" }, executor_id: { value: "e" } };
    const number = BigInt(++this.#number);
    return this.commands({ type: "SHUTDOWN_EXECUTOR", number, shutdown_executor });
  }

  executorRow() {
    return this.state.executor.get(this.container);
  }
}

/** An executor that has subscribed and was given task t1. */
export function withTask(...capabilities: mesos.FrameworkInfoCapabilityType[]): ExecutorBench {
  const bench = new ExecutorBench();
  bench.launch("t1", {}, framework("f1", ...capabilities));
  bench.executorStarted();
  bench.subscribe();
  return bench;
}

export const events = (effects: readonly Effect[]): executor.Event[] =>
  effects.flatMap((effect) => (effect.type === "EXECUTOR_EVENT" ? effect.event : []));
export const names = (effects: readonly Effect[]) => events(effects).map(({ type }) => type);
export const exits = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.type === "REPORT" ? effect.executorExits : []));
