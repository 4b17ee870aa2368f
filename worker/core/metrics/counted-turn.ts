/** A turn that is durable, as the counting looks at it. */

import type * as link from "../../protocol/link/messages.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import type { Input, StampedInput } from "../input.ts";
import type { Outcome } from "../master.ts";
import type { FrameworkRow, Rows, StreamRow, TableName, TaskRow } from "../rows.ts";
import type { MasterState } from "../state.ts";
import { taskKey } from "../tables.ts";
import type { Counters } from "./counters.ts";

export interface CountedTurn {
  readonly counters: Counters;
  /** After the turn. */
  readonly state: MasterState;
  readonly input: Input;
  readonly outcome: Outcome;
  /** What agents reported in it, except of sessions that are over. */
  readonly reports: ReadonlySet<link.ReportRequest>;
  /** The statuses in these reports, by the key of their task. */
  readonly reported: ReadonlyMap<string, readonly mesos.TaskStatus[]>;
  /** The rows that the turn took away, by their keys, as they were last. */
  readonly gone: {
    readonly framework: ReadonlyMap<string, FrameworkRow>;
    readonly stream: ReadonlyMap<string, StreamRow>;
    readonly task: ReadonlyMap<string, TaskRow>;
  };
}

export function countedTurn(
  counters: Counters,
  state: MasterState,
  { input }: StampedInput,
  outcome: Outcome,
): CountedTurn {
  const reports = acceptedReports(input, outcome);
  return {
    counters,
    state,
    input,
    outcome,
    reports,
    reported: statusesIn(reports),
    gone: {
      framework: goneRows(outcome, "framework"),
      stream: goneRows(outcome, "stream"),
      task: goneRows(outcome, "task"),
    },
  };
}

/** The turn's task, also when it has just been completed. */
export function taskIn(
  turn: CountedTurn,
  frameworkId: string,
  taskId: string,
): TaskRow | undefined {
  const key = taskKey(frameworkId, taskId);
  return turn.state.tables.task.get(key) ?? turn.gone.task.get(key);
}

/** Undefined: a refused subscription's stream is nobody's. */
export function frameworkOfStream(turn: CountedTurn, streamId: string): string | undefined {
  const stream = turn.state.tables.stream.get(streamId) ?? turn.gone.stream.get(streamId);
  return stream?.frameworkId;
}

/** The turn's input was obeyed: it has an answer, and that is no refusal. */
export function wasAccepted({ effects }: Outcome): boolean {
  return effects.some((effect) => effect.type === "REPLY" && effect.reply.type !== "REFUSED");
}

/** "agent/session" of the senders that are told to register again: nothing they said counts. */
export function refusedSessions({ effects }: Outcome): ReadonlySet<string> {
  const replies = effects.flatMap((effect) =>
    effect.type === "REPLY" && effect.reply.type === "RELAY_REPLY" ? effect.reply.replies : [],
  );
  const refused = replies.flatMap((reply) =>
    reply.type === "REGISTER_AGAIN" ? [`${reply.agentId}/${reply.sessionId}`] : [],
  );
  return new Set(refused);
}

function acceptedReports(input: Input, outcome: Outcome): ReadonlySet<link.ReportRequest> {
  const reports = new Set<link.ReportRequest>();
  if (input.type !== "RELAY_BATCH") return reports;
  const refused = refusedSessions(outcome);
  for (const message of input.messages) {
    if (message.type !== "REPORT") continue;
    const { agent_id, session_id } = message.report;
    if (!refused.has(`${agent_id.value}/${session_id}`)) reports.add(message.report);
  }
  return reports;
}

function statusesIn(
  reports: ReadonlySet<link.ReportRequest>,
): ReadonlyMap<string, readonly mesos.TaskStatus[]> {
  const byTask = new Map<string, mesos.TaskStatus[]>();
  for (const { updates } of reports) {
    for (const { framework_id, status } of updates ?? []) {
      const key = taskKey(framework_id.value, status.task_id.value);
      const known = byTask.get(key);
      if (known === undefined) byTask.set(key, [status]);
      else known.push(status);
    }
  }
  return byTask;
}

/** Those that existed before the turn's last change of them, and do not after it. */
function goneRows<T extends TableName>(
  { changes }: Outcome,
  name: T,
): ReadonlyMap<string, Rows[T]> {
  const rows = new Map<string, Rows[T]>();
  for (const { table, key, before, after } of changes) {
    if (table !== name) continue;
    // The table's name says which rows its changes hold.
    if (after === undefined) rows.set(key, before as Rows[T]);
    else rows.delete(key);
  }
  return rows;
}
