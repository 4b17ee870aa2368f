/**
 * What a transcript talks to: a master, and names for the frameworks, agents, offers and tasks in
 * it. Agents and frameworks here are scripted: they do and say exactly what the commands tell them.
 */
import type { Input, RelayMessage } from "../../worker/core/input.ts";
import type { Outcome } from "../../worker/core/master.ts";
import type { MasterSettings } from "../../worker/core/settings.ts";
import type {
  AgentId,
  FrameworkId,
  RelayId,
  SessionId,
  StreamId,
} from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type * as scheduler from "../../worker/protocol/v1/scheduler.ts";
import { encodeBase64 } from "../../worker/protocol/wire/base64.ts";
import { renderResources } from "../../worker/resources/render.ts";
import { parseAttributesText, parseResourcesText } from "../../worker/resources/text.ts";
import { effectText } from "../support/effects-text.ts";
import { MasterHost } from "../support/master-host.ts";

export interface NamedFramework {
  readonly id: string;
  readonly streamId: StreamId | undefined;
  readonly info: mesos.FrameworkInfo;
}

export interface NamedAgent {
  readonly id: AgentId;
  readonly sessionId: SessionId;
  readonly relayId: RelayId;
  readonly info: mesos.AgentInfo;
}

export class World {
  readonly host: MasterHost;
  readonly frameworks = new Map<string, NamedFramework>();
  readonly agents = new Map<string, NamedAgent>();
  /** The last registration of every agent. */
  readonly registrations = new Map<string, link.RegisterRequest>();
  /** Last run number and agent of every task that was sent to an agent, by "framework/task". */
  readonly runs = new Map<string, { run: bigint; agent: string }>();
  /** Uuid of the update that each task's framework was told last and should acknowledge. */
  readonly updates = new Map<string, Uint8Array>();
  /** Uuids that agents gave to updates, by a name in the transcript. */
  readonly uuids = new Map<string, Uint8Array>();
  readonly #names = new Map<string, string>();
  /** Entries of the audit log that the transcript has shown. */
  auditSeen = 0;
  #streams = 0;
  #sessions = 0;
  #offers = 0;
  #inverseOffers = 0;
  #uuids = 0;

  constructor(settings: Partial<MasterSettings> = {}) {
    this.host = new MasterHost({ settings });
  }

  nameOf = (id: string): string => this.#names.get(id) ?? id;

  /** The id behind a transcript's name; an unknown name stands for itself. */
  idOf(name: string): string {
    for (const [id, known] of this.#names) if (known === name) return id;
    return name;
  }

  name(id: string, name: string): void {
    this.#names.set(id, name);
  }

  /** Applies one input and renders what came of it, one line an effect. */
  apply(input: Input): string[] {
    return this.render(this.host.apply(input));
  }

  render(outcome: Outcome): string[] {
    const lines: string[] = [];
    for (const effect of outcome.effects) {
      this.#learn(effect);
      const text = effectText(effect, this.nameOf);
      if (text !== undefined) lines.push(...text.split("\n"));
    }
    for (const change of outcome.changes) {
      const line = connectionChange(change, this.nameOf);
      if (line !== undefined) lines.push(line);
    }
    return lines;
  }

  newStream(framework: string): StreamId {
    this.#streams++;
    const id = `stream-${this.#streams}` as StreamId;
    this.name(id, framework);
    return id;
  }

  newSession(): SessionId {
    this.#sessions++;
    return `session-${this.#sessions}` as SessionId;
  }

  newUuid(name?: string): Uint8Array {
    this.#uuids++;
    const uuid = new Uint8Array(16).fill(this.#uuids % 256);
    uuid[0] = this.#uuids >> 8;
    if (name !== undefined) this.uuids.set(name, uuid);
    return uuid;
  }

  relay(agent: string, message: RelayMessage): string[] {
    const relayId = this.agents.get(agent)?.relayId ?? ("relay-1" as RelayId);
    return this.apply({ type: "RELAY_BATCH", relayId, messages: [message] });
  }

  call(framework: string, call: scheduler.Call): string[] {
    const known = this.frameworks.get(framework);
    const id = known?.id ?? framework;
    return this.apply({
      type: "SCHEDULER_CALL",
      streamId: known?.streamId,
      call: { framework_id: { value: id }, ...call },
    });
  }

  /** Names and numbers that later commands refer to. */
  #learn(effect: Outcome["effects"][number]): void {
    if (effect.type === "SEND_COMMANDS") {
      for (const command of effect.commands) this.#learnRun(command, effect.agentId);
    }
    if (effect.type === "ADD_TO_RELAY") {
      for (const command of effect.agent.commands) this.#learnRun(command, effect.agent.agentId);
    }
    if (effect.type !== "SEND_EVENT") return;
    const operation = effect.event.update_operation_status?.status;
    if (operation?.uuid !== undefined) {
      const name = `status-of-${operation.operation_id?.value}`;
      this.name(encodeBase64(operation.uuid.value), name);
    }
    for (const offer of effect.event.offers?.offers ?? []) {
      if (this.#names.has(offer.id.value)) continue;
      this.#offers++;
      this.name(offer.id.value, `o${this.#offers}`);
    }
    for (const offer of effect.event.inverse_offers?.inverse_offers ?? []) {
      this.#inverseOffers++;
      this.name(offer.id.value, `i${this.#inverseOffers}`);
    }
    const status = effect.event.update?.status;
    if (status?.uuid !== undefined) {
      this.updates.set(`${this.nameOf(effect.streamId)}/${status.task_id.value}`, status.uuid);
    }
  }

  #learnRun(command: link.Command, agent: string): void {
    const { run_task: one, run_task_group: group, number } = command;
    const framework = this.nameOf((one ?? group)?.framework.id?.value ?? "");
    if (number === undefined) return;
    for (const task of one === undefined ? (group?.task_group.tasks ?? []) : [one.task]) {
      const key = `${framework}/${task.task_id.value}`;
      this.runs.set(key, { run: number, agent: this.nameOf(agent) });
    }
  }

  frameworkId(name: string): FrameworkId {
    return (this.frameworks.get(name)?.id ?? name) as FrameworkId;
  }
}

function connectionChange(
  change: Outcome["changes"][number],
  nameOf: (id: string) => string,
): string | undefined {
  if (change.table !== "agent" && change.table !== "framework") return undefined;
  const state = (row: unknown): string =>
    (row as { connection: { state: string } } | undefined)?.connection.state ?? "-";
  const [before, after] = [state(change.before), state(change.after)];
  return before === after ? undefined : `${nameOf(change.key)} ${before} -> ${after}`;
}

/** Resources as a transcript writes them (`cpus=1 ports=[31000-31001]`) as messages. */
export function resourceMessages(words: readonly string[]): mesos.Resource[] {
  const text = words.map((word) => word.replace("=", ":")).join(";");
  const parsed = parseResourcesText(text);
  if (parsed.ok) return renderResources(parsed.value, { refinedReservations: false });
  // Not valid on purpose: straight onto the wire, so that the master refuses it.
  return words.map((word) => {
    const [name = "", value = ""] = word.split("=");
    return { name, type: "SCALAR", scalar: { value: Number(value) } };
  });
}

export function attributeMessages(text: string): mesos.Attribute[] {
  const parsed = parseAttributesText(text);
  if (!parsed.ok) throw new Error(`attributes in a transcript: ${text}`);
  return parsed.value;
}
