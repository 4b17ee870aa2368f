/** What agents reported, through their relays. */

import type * as link from "../../protocol/link/messages.ts";
import type { RelayMessage } from "../input.ts";
import { type CountedTurn, refusedSessions, taskIn } from "./counted-turn.ts";
import { count } from "./increments.ts";

export function countReports(turn: CountedTurn, messages: readonly RelayMessage[]): void {
  const { counters, outcome, reports } = turn;
  const refused = refusedSessions(outcome);
  for (const message of messages) {
    if (message.type === "REPORT") countReport(turn, message.report);
    if (isFrom(message, refused)) count(counters, "dropped_messages");
  }
  const sent = outcome.effects.filter(
    (effect) => effect.type === "SEND_EVENT" && effect.event.type === "MESSAGE",
  ).length;
  const said = messages.reduce(
    (sum, message) =>
      sum + (message.type === "REPORT" ? (message.report.executor_messages?.length ?? 0) : 0),
    0,
  );
  count(counters, "valid_executor_to_framework_messages", sent);
  count(counters, "invalid_executor_to_framework_messages", said - sent);
  for (const report of reports) {
    count(counters, "messages_exited_executor", report.executor_exits?.length ?? 0);
  }
}

function countReport(turn: CountedTurn, report: link.ReportRequest): void {
  const { counters, reports } = turn;
  const updates = report.updates ?? [];
  const isHeard = reports.has(report);
  const valid = isHeard ? updates.filter((update) => isOfTask(turn, report, update)).length : 0;
  count(counters, "messages_status_update", updates.length);
  count(counters, "messages_executor_to_framework", report.executor_messages?.length ?? 0);
  count(counters, "valid_status_updates", valid);
  count(counters, "invalid_status_updates", updates.length - valid);
}

/** It is about a run that the master knows, on the agent that it runs on. */
function isOfTask(
  turn: CountedTurn,
  { agent_id }: link.ReportRequest,
  { framework_id, status, run_number }: link.StatusUpdate,
): boolean {
  const task = taskIn(turn, framework_id.value, status.task_id.value);
  if (task === undefined) return false;
  // Texts of the wire and ids of rows are told apart by their types only.
  return (task.agentId as string) === agent_id.value && BigInt(task.run) === run_number;
}

function isFrom(message: RelayMessage, sessions: ReadonlySet<string>): boolean {
  switch (message.type) {
    case "REPORT": {
      const { agent_id, session_id } = message.report;
      return sessions.has(`${agent_id.value}/${session_id}`);
    }
    case "ACKNOWLEDGED":
      return sessions.has(`${message.agentId}/${message.sessionId}`);
    default:
      return false;
  }
}
