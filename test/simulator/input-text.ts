/** Inputs of the master as one line of a trace. */
import type { Input, RelayMessage } from "../../worker/core/input.ts";
import type * as scheduler from "../../worker/protocol/v1/scheduler.ts";
import { shortId } from "./world.ts";

export function inputText(input: Input): string {
  switch (input.type) {
    case "SUBSCRIBE": {
      const id = input.call.subscribe?.framework_info.id?.value ?? "new";
      return `SUBSCRIBE ${shortId(id)} ${input.streamId}`;
    }
    case "SCHEDULER_CALL":
      return `${callText(input.call)} (${input.streamId})`;
    case "AGENT_REGISTER": {
      const { agent_info, session_id, tasks = [] } = input.request;
      const runs = tasks.map(
        ({ task, run_number }) => `${task.task_id.value}#${run_number}:${task.state}`,
      );
      const id = shortId(agent_info.id?.value ?? "new");
      return `REGISTER ${id} of ${agent_info.hostname} ${session_id} ${runs.join(" ")}`;
    }
    case "RELAY_BATCH":
      return `BATCH ${input.messages.map(relayMessageText).join("; ")}`;
    case "STREAM_CLOSED":
      return `STREAM_CLOSED ${input.streamId} ${input.cause}`;
    default:
      return input.type;
  }
}

export function relayMessageText(message: RelayMessage): string {
  switch (message.type) {
    case "REPORT": {
      const { agent_id, session_id, updates = [] } = message.report;
      const texts = updates.map(
        ({ status, run_number }) => `${status.task_id.value}#${run_number}:${status.state}`,
      );
      return `REPORT ${shortId(agent_id.value)} ${session_id} ${texts.join(" ")}`;
    }
    case "ACKNOWLEDGED":
      return `ACKNOWLEDGED ${shortId(message.agentId)} ${message.commandNumber}`;
    case "WHO_IS":
    case "SILENT":
      return `${message.type} ${shortId(message.agentId)} ${message.sessionId}`;
    default:
      return message.type;
  }
}

export function callText(call: scheduler.Call): string {
  const words: string[] = [shortId(call.framework_id?.value ?? "?"), call.type ?? "?"];
  for (const { value } of call.accept?.offer_ids ?? []) words.push(shortId(value));
  for (const operation of call.accept?.operations ?? []) {
    const { launch, launch_group: group } = operation;
    if (launch === undefined) words.push(`${operation.type} ${operation.id?.value ?? ""}`);
    for (const task of launch?.task_infos ?? group?.task_group.tasks ?? []) {
      words.push(`${task.task_id.value}[${task.command?.value}]`);
    }
  }
  for (const { value } of call.decline?.offer_ids ?? []) words.push(shortId(value));
  if (call.decline) words.push(`refuse=${call.decline.filters?.refuse_seconds}`);
  const taskId = call.kill?.task_id ?? call.acknowledge?.task_id;
  if (taskId) words.push(taskId.value);
  for (const { task_id } of call.reconcile?.tasks ?? []) words.push(task_id.value);
  return words.join(" ");
}
