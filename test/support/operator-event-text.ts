/** An event for operators in one line of a transcript. */
import type * as master from "../../worker/protocol/v1/master.ts";
import type { NameOf } from "./effects-text.ts";

export function operatorEventText(event: master.Event, nameOf: NameOf): string {
  return [event.type, ...facts(event, nameOf)].join(" ");
}

function facts(event: master.Event, nameOf: NameOf): readonly (string | undefined)[] {
  const { task_added, task_updated, agent_added, agent_removed } = event;
  const { framework_added, framework_updated, framework_removed } = event;
  if (task_added !== undefined) return [task_added.task.task_id.value, task_added.task.state];
  if (task_updated !== undefined) {
    const { status, state } = task_updated;
    const told = status.state === state ? "" : `(status ${status.state})`;
    return [status.task_id.value, state, status.reason, told].filter(Boolean);
  }
  if (agent_added !== undefined) {
    return [nameOf(agent_added.agent.agent_info.id?.value ?? "")];
  }
  if (agent_removed !== undefined) return [nameOf(agent_removed.agent_id.value)];
  const framework = framework_added?.framework ?? framework_updated?.framework;
  const info = framework?.framework_info ?? framework_removed?.framework_info;
  return info === undefined ? [] : [info.name];
}
