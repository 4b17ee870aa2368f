/**
 * A framework for tests: launches a batch of commands as offers come, and writes down what it
 * hears.
 */

import { isTerminal } from "../../worker/protocol/task-state.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { takeResources } from "../../worker/sdk/resources.ts";
import { Scheduler, type TaskToLaunch } from "../../worker/sdk/scheduler.ts";
import { until } from "./harness.ts";

const WANTED = { cpus: 0.05, mem: 8 };
/** A lost agent is back long before; its tasks are not to be given up. */
const FAILOVER_SECONDS = 3_600;

export interface Batch {
  /** Task id → its updates, in order. */
  readonly updates: ReadonlyMap<string, readonly mesos.TaskStatus[]>;
  untilAllRun(): Promise<void>;
  /** Task id → how its agent says it ended, once it has said so of every task. */
  untilAllEnded(withinMs: number): Promise<ReadonlyMap<string, mesos.TaskStatus>>;
  /** How the agent of one task says that it ended. */
  untilEnded(taskId: string, withinMs: number): Promise<mesos.TaskStatus>;
  /** Leaves the cluster, tearing the framework down. */
  end(): Promise<void>;
}

/** `commands`: task id → shell command. */
export function startBatch(
  master: string,
  commands: ReadonlyMap<string, string>,
  capabilities: readonly mesos.FrameworkInfoCapability[] = [],
): Batch {
  const waiting = [...commands.keys()];
  const updates = new Map<string, mesos.TaskStatus[]>(waiting.map((id) => [id, []]));
  const scheduler = new Scheduler({
    master,
    framework: {
      ...{ user: "", name: "test", checkpoint: true, failover_timeout: FAILOVER_SECONDS },
      capabilities,
    },
    backOff: { initialMs: 50, maxMs: 200 },
    reconcileBackOff: { initialMs: 500, maxMs: 2_000 },
  });
  const abort = new AbortController();
  let failure: unknown;
  const run = scheduler
    .run(
      {
        OFFERS: async ({ offers }) => {
          for (const offer of offers) await launchOn(scheduler, offer, waiting, commands);
        },
        UPDATE: ({ status }) => void updates.get(status.task_id.value)?.push(status),
      },
      { signal: abort.signal },
    )
    .catch((error: unknown) => {
      failure = error;
    });
  const told = (): string =>
    [...updates]
      .map(([id, all]) => `${id}: ${all.map(({ state, message = "" }) => `${state} ${message}`)}`)
      .join("\n") + (failure === undefined ? "" : `\nthe scheduler ended: ${failure}`);
  // Answers to reconciliation have no uuid, and do not say how a task ended.
  const ends = (): Map<string, mesos.TaskStatus> =>
    new Map(
      [...updates].flatMap(([id, all]) => {
        const end = all.find(({ state, uuid }) => uuid !== undefined && isTerminal(state));
        return end === undefined ? [] : [[id, end]];
      }),
    );
  return {
    updates,
    untilAllRun: async () => {
      const running = (): boolean =>
        [...updates.values()].every((all) => all.some(({ state }) => state === "TASK_RUNNING"));
      await until(running, {
        what: () => `all run:\n${told()}`,
        unless: () => failure !== undefined,
      });
    },
    untilAllEnded: async (withinMs) => {
      await until(() => ends().size === updates.size, {
        what: () => `all have ended:\n${told()}`,
        withinMs,
        unless: () => failure !== undefined,
      });
      return ends();
    },
    untilEnded: async (taskId, withinMs) =>
      await until(() => ends().get(taskId), {
        what: () => `${taskId} has ended:\n${told()}`,
        withinMs,
        unless: () => failure !== undefined,
      }),
    end: async () => {
      await scheduler.teardown();
      abort.abort();
      await run;
    },
  };
}

async function launchOn(
  scheduler: Scheduler,
  offer: mesos.Offer,
  waiting: string[],
  commands: ReadonlyMap<string, string>,
): Promise<void> {
  const tasks: TaskToLaunch[] = [];
  let resources = offer.resources ?? [];
  for (let id = waiting[0]; id !== undefined; id = waiting[0]) {
    const take = takeResources(resources, WANTED);
    if (!take.ok) break;
    waiting.shift();
    resources = take.rest;
    const command = { value: commands.get(id) ?? "", shell: true };
    tasks.push({ task_id: { value: id }, name: id, resources: take.taken, command });
  }
  if (tasks.length > 0) await scheduler.launch(offer, tasks);
  else await scheduler.decline({ offer_ids: [offer.id] });
}
