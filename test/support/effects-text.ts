/** Effects as lines of a transcript, ids replaced by the names the transcript gave. */
import type { Effect } from "../../worker/core/effect.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type * as scheduler from "../../worker/protocol/v1/scheduler.ts";
import { operatorEventText } from "./operator-event-text.ts";

export type NameOf = (id: string) => string;

export function effectText(effect: Effect, nameOf: NameOf): string | undefined {
  switch (effect.type) {
    case "REPLY":
      return replyText(effect, nameOf);
    case "SEND_EVENT":
      return `${nameOf(effect.streamId)} <- ${eventText(effect.event, nameOf)}`;
    case "CLOSE_STREAM":
      return `${nameOf(effect.streamId)} closed`;
    case "SEND_SNAPSHOT":
      return `${nameOf(effect.streamId)} <- SUBSCRIBED with the state`;
    case "SEND_OPERATOR_EVENT":
      return `${nameOf(effect.streamId)} <- ${effect.event.type}`;
    case "PUBLISH":
      return `operators <- ${operatorEventText(effect.event, nameOf)}`;
    case "SEND_COMMANDS":
      return effect.commands
        .map((command) => `${nameOf(effect.agentId)} <- ${commandText(command, nameOf)}`)
        .join("\n");
    case "ADD_TO_RELAY": {
      const waiting = effect.agent.commands.map((command) => ` ${commandText(command, nameOf)};`);
      return `${effect.relayId} + ${nameOf(effect.agent.agentId)}${waiting.join("")}`;
    }
    case "REMOVE_FROM_RELAY":
      return `${effect.relayId} - ${nameOf(effect.agentId)}`;
    case "WAKE_RELAY":
      return `wake ${effect.relayId}`;
  }
}

function replyText({ reply }: Effect & { type: "REPLY" }, nameOf: NameOf): string | undefined {
  switch (reply.type) {
    case "ACCEPTED":
    case "STREAMING":
    case "DONE":
    case "REGISTERED":
      return undefined;
    case "REFUSED": {
      const { code, ...facts } = reply.error;
      const texts = Object.values(facts).map((fact) => ` ${factText(fact, nameOf)}`);
      return `refused ${code}${texts.join("")}`;
    }
    case "RELAY_REPLY":
      return reply.replies.length === 0
        ? undefined
        : reply.replies
            .map((answer) => {
              if (answer.type === "ROSTER") {
                return `roster ${answer.agents.map((a) => nameOf(a.agentId)).join(" ")}`;
              }
              const id = answer.type === "KNOWN" ? answer.agent.agentId : answer.agentId;
              return `${answer.type} ${nameOf(id)}`;
            })
            .join("\n");
  }
}

function factText(fact: unknown, nameOf: NameOf): string {
  return typeof fact === "object" ? JSON.stringify(fact) : nameOf(String(fact));
}

function eventText(event: scheduler.Event, nameOf: NameOf): string {
  switch (event.type) {
    case "SUBSCRIBED":
      return `SUBSCRIBED ${nameOf(event.subscribed?.framework_id.value ?? "")}`;
    case "OFFERS":
      return `OFFERS ${(event.offers?.offers ?? []).map((o) => offerText(o, nameOf)).join(" | ")}`;
    case "RESCIND":
      return `RESCIND ${nameOf(event.rescind?.offer_id.value ?? "")}`;
    case "INVERSE_OFFERS": {
      const offers = event.inverse_offers?.inverse_offers ?? [];
      return `INVERSE_OFFERS ${offers.map((o) => inverseOfferText(o, nameOf)).join(" | ")}`;
    }
    case "RESCIND_INVERSE_OFFER": {
      const id = event.rescind_inverse_offer?.inverse_offer_id.value ?? "";
      return `RESCIND_INVERSE_OFFER ${nameOf(id)}`;
    }
    case "UPDATE":
      return event.update ? `UPDATE ${statusText(event.update.status, nameOf)}` : "UPDATE";
    case "FAILURE":
      return failureText(event, nameOf);
    case "ERROR":
      return `ERROR ${event.error?.message}`;
    case "MESSAGE":
      return `MESSAGE from ${event.message?.executor_id.value} on ${nameOf(event.message?.agent_id.value ?? "")}`;
    case "UPDATE_OPERATION_STATUS": {
      const status = event.update_operation_status?.status;
      const wish = status?.uuid === undefined ? "" : " (acknowledge)";
      const message = status?.message === undefined ? "" : ` "${named(status.message, nameOf)}"`;
      return `OPERATION ${status?.operation_id?.value} ${status?.state}${wish}${message}`;
    }
    default:
      return event.type ?? "?";
  }
}

function failureText({ failure }: scheduler.Event, nameOf: NameOf): string {
  const agent = nameOf(failure?.agent_id?.value ?? "");
  const executor = failure?.executor_id?.value;
  return executor === undefined
    ? `FAILURE ${agent}`
    : `FAILURE of ${executor} on ${agent}: ${failure?.status}`;
}

/** A sentence with the transcript's names for the ids in it. */
function named(message: string, nameOf: NameOf): string {
  return message.replace(/[0-9a-f-]{36}-[OS]?\d+/g, (id) => nameOf(id));
}

function inverseOfferText(offer: mesos.InverseOffer, nameOf: NameOf): string {
  const { start, duration } = offer.unavailability;
  const length = duration === undefined ? "" : ` for ${duration.nanoseconds} ns`;
  return `${nameOf(offer.id.value)} on ${nameOf(offer.agent_id?.value ?? "")} from ${start.nanoseconds} ns${length}`;
}

function offerText(offer: mesos.Offer, nameOf: NameOf): string {
  const role = offer.allocation_info?.role;
  const resources = (offer.resources ?? []).map(resourceText).join(" ");
  const to = role === undefined ? "" : ` for ${role}`;
  const executors = (offer.executor_ids ?? []).map(({ value }) => ` (runs ${value})`).join("");
  const away = offer.unavailability === undefined ? "" : " (maintenance)";
  const from = `${nameOf(offer.agent_id.value)}${executors}${away}`;
  return `${nameOf(offer.id.value)} on ${from}${to}: ${resources}`;
}

function resourceText(resource: mesos.Resource): string {
  const stack = (resource.reservations ?? []).map((reservation) => reservation.role ?? "?");
  const old = resource.role !== undefined && resource.role !== "*" ? [resource.role] : [];
  const roles = stack.length > 0 ? stack : old;
  const role = roles.length > 0 ? `(${roles.join(" > ")})` : "";
  const ranges = (resource.ranges?.range ?? []).map(({ begin, end }) => `${begin}-${end}`);
  const value =
    resource.type === "SCALAR"
      ? String(resource.scalar?.value)
      : resource.type === "RANGES"
        ? `[${ranges.join(",")}]`
        : `{${(resource.set?.item ?? []).join(",")}}`;
  const id = resource.disk?.persistence?.id;
  const volume = id === undefined ? "" : `[${id}${resource.shared ? ", shared" : ""}]`;
  return `${resource.name}${role}${volume}=${value}`;
}

function statusText(status: mesos.TaskStatus, nameOf: NameOf): string {
  const parts = [status.task_id.value, status.state];
  if (status.reason !== undefined) parts.push(status.reason);
  if (status.uuid !== undefined) parts.push("(acknowledge)");
  if (status.reason !== undefined && status.message !== undefined) {
    parts.push(`"${named(status.message, nameOf)}"`);
  }
  return parts.join(" ");
}

function commandText(command: link.Command, nameOf: NameOf): string {
  const numbered = command.number === undefined ? "" : " #";
  switch (command.type) {
    case "RUN_TASK":
      return `RUN_TASK${numbered} ${command.run_task?.task.task_id.value}`;
    case "KILL_TASK":
      return `KILL_TASK${numbered} ${command.kill_task?.task_id.value}`;
    case "ACKNOWLEDGE":
      return `ACKNOWLEDGE${numbered} ${command.acknowledge?.task_id.value}`;
    case "RECONCILE_TASKS": {
      const tasks = command.reconcile_tasks?.tasks ?? [];
      return `RECONCILE_TASKS${numbered} ${tasks.map((t) => t.task_id.value).join(" ")}`;
    }
    case "SHUTDOWN_FRAMEWORK":
      return `SHUTDOWN_FRAMEWORK${numbered} ${nameOf(command.shutdown_framework?.framework_id.value ?? "")}`;
    case "RESUME_UPDATES":
      return `RESUME_UPDATES${numbered} ${nameOf(command.resume_updates?.framework_id.value ?? "")}`;
    case "RUN_TASK_GROUP": {
      const { executor, task_group: group } = command.run_task_group ?? {};
      const tasks = (group?.tasks ?? []).map((task) => task.task_id.value);
      return `RUN_TASK_GROUP${numbered} ${executor?.executor_id.value}: ${tasks.join(" ")}`;
    }
    case "APPLY_OPERATION": {
      const { info, resources = [] } = command.apply_operation ?? {};
      return `APPLY_OPERATION${numbered} ${info?.type}: ${resources.map(resourceText).join(" ")}`;
    }
    case "SHUTDOWN_EXECUTOR":
      return `SHUTDOWN_EXECUTOR${numbered} ${command.shutdown_executor?.executor_id.value}`;
    default:
      return `${command.type}${numbered}`;
  }
}
