/**
 * What a client could know of the cluster: names of things that exist, by the message or field that
 * carries them. With them random calls reach what is behind the look-ups.
 */
import type { MasterState } from "../../worker/core/state.ts";

export interface Knowledge {
  /** Values of `value`, by the full name of an id's message. */
  readonly ids: ReadonlyMap<string, readonly string[]>;
  /** Texts by the name of a field. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** 16 bytes in base64 each. */
  readonly uuids: readonly string[];
  readonly streamIds: readonly string[];
  /** By the id of its framework. */
  readonly streamOf: ReadonlyMap<string, string>;
  readonly relayIds: readonly string[];
}

/** Names that scripts choose, also before they exist. */
const TASKS = Array.from({ length: 30 }, (_, at) => `t${at}`);
export const ROLES = ["*", "dev", "ops", "dev/web", "dev/db", "a/b/c"] as const;
const PERSISTENCE = ["v1", "v2", "v3"];

/** Of each kind at most so many: the oldest are as good as the newest. */
const MOST = 40;

export function knowledgeOf({ tables }: MasterState): Knowledge {
  const frameworks = [...tables.framework.values()];
  const agents = [...tables.agent.values()];
  const tasks = take(tables.task.values());
  const frameworkIds = [
    // Most often one that is there.
    ...[1, 2, 3, 4].flatMap(() => frameworks.map(({ id }) => id)),
    ...take(tables.completedFramework.values(), 3).map(({ id }) => id),
  ];
  const offerIds = take(tables.offer.values()).map(({ id }) => id);
  const taskIds = [...tasks.map(({ id }) => id), ...TASKS];
  const agentIds = agents.map(({ id }) => id);
  const executorIds = tasks.flatMap(({ id, executorId }) => [id, ...(executorId ?? [])]);
  const operations = take(tables.operation.values());
  return {
    ids: new Map<string, readonly string[]>([
      ["mesos.v1.FrameworkID", frameworkIds],
      ["mesos.v1.AgentID", agentIds],
      [
        "mesos.v1.OfferID",
        [...offerIds, ...take(tables.inverseOffer.values()).map(({ id }) => id)],
      ],
      ["mesos.v1.TaskID", taskIds],
      ["mesos.v1.ExecutorID", [...executorIds, "default", "custom"]],
      ["mesos.v1.OperationID", operations.flatMap(({ operationId }) => operationId ?? [])],
      ["mesos.v1.ContainerID", ["c1", "c2"]],
    ]),
    fields: new Map<string, readonly string[]>([
      ["role", ROLES],
      ["roles", ROLES],
      ["suppressed_roles", ROLES],
      ["hostname", agents.map(({ hostname }) => hostname)],
      ["ip", agents.map(({ ip }) => ip)],
      ["session_id", agents.map(({ sessionId }) => sessionId)],
      ["relay_id", agents.map(({ relayId }) => relayId)],
      ["principal", ["p1", "p2"]],
      ["path", ["/master/log", "/slave/log", ".", ".."]],
      ["persistence", PERSISTENCE],
      ["id", PERSISTENCE],
    ]),
    uuids: [
      ...take(tables.update.values()).map(({ uuid }) => uuid),
      ...operations.map(({ uuid }) => uuid),
    ],
    streamOf: new Map(take(tables.stream.values()).map(({ id, frameworkId }) => [frameworkId, id])),
    streamIds: take(tables.stream.values()).map(({ id }) => id),
    relayIds: take(tables.relay.values()).map(({ id }) => id),
  };
}

function take<T>(rows: IterableIterator<T>, most = MOST): T[] {
  const taken: T[] = [];
  for (const row of rows) {
    if (taken.length >= most) break;
    taken.push(row);
  }
  return taken;
}
