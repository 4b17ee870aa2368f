/**
 * `/registrar(1)/registry`: what a Mesos master writes down to survive, out of what this one does.
 * Lists that are empty are left out, but for that of the agents.
 */
import type * as mesos from "../../../protocol/v1/mesos.ts";
import {
  boolean,
  integer,
  type JsonText,
  list,
  message,
  messages,
  object,
  string,
} from "../../../protocol/wire/json-document.ts";
import { renderForDocuments } from "../../../resources/render.ts";
import { agentAttributes, agentDomain } from "../../agent/info.ts";
import { masterInfo } from "../../framework/master-info.ts";
import { machineMessage } from "../../maintenance/machine-name.ts";
import { unavailabilityMessage } from "../../maintenance/unavailability.ts";
import type { AgentRow, MachineRow } from "../../rows.ts";
import type { MasterState } from "../../state.ts";
import { nanoseconds } from "../../task/reconcile.ts";
import { isRegistered } from "../get-agents.ts";
import { getQuota } from "../get-quota.ts";
import { getWeights } from "../get-weights.ts";
import {
  type LongJson,
  type LongText,
  listPieces,
  longDocument,
  objectPieces,
} from "./long-text.ts";

export function registryDocument(state: MasterState): LongText {
  const { machine, goneAgent } = state.tables;
  const machines = [...machine.values()];
  const quotas = getQuota(state).get_quota?.status.configs ?? [];
  const weights = getWeights(state).get_weights?.weight_infos ?? [];
  const gone = [...goneAgent.values()].map(({ id, goneMs }) => agentEntry(id, goneMs));
  return longDocument(state, ({ agents }) => {
    const [admitted, unreachable] = [agents.filter(isRegistered), agents.filter(isUnreachable)];
    return {
      gone: some(gone, (slaves) => object({ slaves: list(slaves) })),
      machines: some(machines, (all) => object({ machines: list(all.map(machineEntry)) })),
      master: object({ info: message("mesos.v1.MasterInfo", masterInfo(state)) }),
      minimum_capabilities: some(capabilitiesNeeded(agents, quotas.length > 0), list),
      quota_configs: some(quotas, (all) => messages("mesos.v1.quota.QuotaConfig", all)),
      schedules: some(machines, (all) => list([schedule(all)])),
      slaves: agentList(admitted, entry),
      unreachable: unreachable.length === 0 ? undefined : agentList(unreachable, unreachableEntry),
      weights: some(weights, (all) =>
        list(all.map((info) => object({ info: message("mesos.v1.WeightInfo", info) }))),
      ),
    };
  });
}

function some<T, R>(items: readonly T[], make: (items: readonly T[]) => R): R | undefined {
  return items.length === 0 ? undefined : make(items);
}

/** Made while it is read: a cluster may have many. */
function agentList(agents: readonly AgentRow[], make: (agent: AgentRow) => JsonText): LongJson {
  const entries = (): Iterable<string> => listPieces(agents.map((agent) => () => [make(agent)]));
  return () => objectPieces({ slaves: agents.length === 0 ? undefined : entries });
}

function isUnreachable({ connection }: AgentRow): boolean {
  return connection.state === "UNREACHABLE";
}

/** In the form of the old API. */
function entry(agent: AgentRow): JsonText {
  const [attributes, domain] = [agentAttributes(agent), agentDomain(agent)];
  return object({
    ...serviceMembers(agent),
    info: object({
      attributes: messages("mesos.v1.Attribute", attributes ?? []),
      checkpoint: boolean(true),
      domain: domain && message("mesos.v1.DomainInfo", domain),
      hostname: string(agent.hostname),
      id: object({ value: string(agent.id) }),
      port: integer(agent.port),
      resources: messages("mesos.v1.Resource", renderForDocuments(agent.total)),
    }),
  });
}

function unreachableEntry(agent: AgentRow): JsonText {
  const sinceMs = agent.connection.state === "UNREACHABLE" ? agent.connection.sinceMs : 0;
  return agentEntry(agent.id, sinceMs, serviceMembers(agent));
}

function agentEntry(
  id: string,
  sinceMs: number,
  members: Readonly<Record<string, JsonText | undefined>> = {},
): JsonText {
  return object({
    ...members,
    id: object({ value: string(id) }),
    timestamp: message("mesos.v1.TimeInfo", nanoseconds(sinceMs)),
  });
}

function serviceMembers({ service }: AgentRow): Readonly<Record<string, JsonText | undefined>> {
  return {
    deactivated: boolean(service.state !== "ACTIVE"),
    drain_info: "config" in service ? message("mesos.v1.DrainInfo", drainInfo(service)) : undefined,
  };
}

function drainInfo({
  state,
  config: { maxGracePeriodNs: ns, markGone },
}: Extract<AgentRow["service"], { readonly config: object }>): mesos.DrainInfo {
  const max_grace_period = ns === undefined ? undefined : { nanoseconds: BigInt(ns) };
  return { state, config: { max_grace_period, mark_gone: markGone } };
}

/** What an older Mesos would have to know to take this registry over. */
function capabilitiesNeeded(agents: readonly AgentRow[], hasQuota: boolean): readonly JsonText[] {
  const needed = [
    ...(agents.some(({ service }) => service.state !== "ACTIVE") ? ["AGENT_DRAINING"] : []),
    ...(hasQuota ? ["QUOTA_V2"] : []),
  ];
  return needed.map((capability) => object({ capability: string(capability) }));
}

function machineEntry(machine: MachineRow): JsonText {
  return object({
    info: message("mesos.v1.MachineInfo", {
      id: machineMessage(machine),
      mode: machine.mode,
      unavailability: unavailabilityMessage(machine),
    }),
  });
}

/** The windows in the order in which the operator wrote them. */
function schedule(machines: readonly MachineRow[]): JsonText {
  const windows = [...new Set(machines.map(({ window }) => window))].sort((a, b) => a - b);
  return message("mesos.v1.maintenance.Schedule", {
    windows: windows.flatMap((number) => {
      const within = machines.filter(({ window }) => window === number);
      const [first] = within;
      if (first === undefined) return [];
      return [
        { machine_ids: within.map(machineMessage), unavailability: unavailabilityMessage(first) },
      ];
    }),
  });
}
