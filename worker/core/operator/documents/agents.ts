/** An agent as the documents show it; old clients call it a slave. */

import {
  boolean,
  double,
  integer,
  type JsonText,
  type Members,
  message,
  messages,
  seconds,
  string,
  strings,
} from "../../../protocol/wire/json-document.ts";
import { unreserved } from "../../../resources/algebra.ts";
import { attributesText } from "../../../resources/attribute-document.ts";
import { reservedText, resourcesText, unreservedText } from "../../../resources/document-text.ts";
import { renderForDocuments } from "../../../resources/render.ts";
import type { Resources } from "../../../resources/resource.ts";
import { agentAttributes, agentDomain } from "../../agent/info.ts";
import type { AgentRow } from "../../rows.ts";
import { agentPid, drainInfo, isActive } from "../get-agents.ts";
import { renderAllocated, sumOf } from "../holdings.ts";
import type { Holdings } from "../snapshot.ts";

/** What `/state`, `/slaves` and `/state-summary` have in common. */
export function agentMembers(agent: AgentRow, { used, offered }: Holdings): Members {
  const { id, total, registeredMs, reregisteredMs, service } = agent;
  const draining = drainInfo(agent);
  const [attributes, domain] = [agentAttributes(agent), agentDomain(agent)];
  return {
    id: string(id),
    hostname: string(agent.hostname),
    port: integer(agent.port),
    attributes: attributesText(attributes ?? []),
    domain: domain && message("mesos.v1.DomainInfo", domain),
    pid: string(agentPid(agent)),
    registered_time: seconds(registeredMs),
    reregistered_time: reregisteredMs === undefined ? undefined : seconds(reregisteredMs),
    resources: resourcesText(total),
    used_resources: resourcesText(sumOf(used)),
    offered_resources: resourcesText(sumOf(offered)),
    reserved_resources: reservedText(total, resourcesText),
    unreserved_resources: unreservedText(total),
    active: boolean(isActive(agent)),
    deactivated: boolean(service.state !== "ACTIVE"),
    version: string(agent.version),
    capabilities: strings(agent.capabilities),
    drain_info: draining && message("mesos.v1.DrainInfo", draining),
    // Whole seconds, as everywhere.
    estimated_drain_start_time_seconds:
      "startedMs" in service ? double(Math.floor(service.startedMs / 1_000)) : undefined,
  };
}

/** The resource messages that only `/slaves` shows. */
export function fullResourcesMembers({ total }: AgentRow, { used, offered }: Holdings): Members {
  const full = (resources: Resources): JsonText =>
    messages("mesos.v1.Resource", renderForDocuments(resources));
  return {
    reserved_resources_full: reservedText(total, full),
    unreserved_resources_full: full(unreserved(total)),
    used_resources_full: messages("mesos.v1.Resource", renderAllocated(used)),
    offered_resources_full: messages("mesos.v1.Resource", renderAllocated(offered)),
  };
}
