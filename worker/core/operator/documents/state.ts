/**
 * `/state`: the whole cluster in one document. What web pages, service discovery and exporters
 * read.
 */

import {
  double,
  integer,
  type JsonText,
  list,
  type Members,
  message,
  object,
  seconds,
  string,
  strings,
} from "../../../protocol/wire/json-document.ts";
import { defined } from "../../../std/assert.ts";
import { masterInfo } from "../../framework/master-info.ts";
import type { MasterState } from "../../state.ts";
import { isActive, isRegistered } from "../get-agents.ts";
import { groupsOf, NO_HOLDINGS, type Snapshot } from "../snapshot.ts";
import { agentMembers } from "./agents.ts";
import { flagsText } from "./flags.ts";
import { frameworksMembers } from "./frameworks.ts";
import { type LongText, listPieces, longDocument } from "./long-text.ts";
import { buildMembers } from "./version.ts";

export function stateDocument(state: MasterState): LongText {
  const registered = [...state.tables.agent.values()].filter(isRegistered);
  const active = registered.filter(isActive).length;
  const head = {
    version: string(state.settings.version),
    ...buildMembers(state),
    ...masterMembers(state),
    activated_slaves: double(active),
    deactivated_slaves: double(registered.length - active),
    unreachable_slaves: double(state.tables.agent.size - registered.length),
    ...leaderMembers(state),
    flags: flagsText(state),
  };
  return longDocument(state, (snapshot) => ({
    ...head,
    slaves: () => listPieces(agentTexts(snapshot)),
    recovered_slaves: list([]),
    ...frameworksMembers(snapshot, () => true),
    orphan_tasks: list([]),
    unregistered_frameworks: list([]),
  }));
}

function* agentTexts(snapshot: Snapshot): Generator<JsonText | undefined> {
  const { ofAgent } = yield* groupsOf(snapshot);
  for (const agent of snapshot.agents) {
    if (!isRegistered(agent)) yield undefined;
    else yield object(agentMembers(agent, ofAgent.get(agent.id) ?? NO_HOLDINGS));
  }
}

/** The object leads from its start: there is nobody to be elected before. */
function masterMembers(state: MasterState): Members {
  const { id, pid, hostname, capabilities, domain } = masterInfo(state);
  return {
    start_time: seconds(state.startedMs),
    elected_time: seconds(state.startedMs),
    id: string(id),
    pid: string(defined(pid, "the master has a pid")),
    hostname: string(hostname ?? ""),
    capabilities: strings((capabilities ?? []).flatMap(({ type }) => type ?? [])),
    domain: domain && message("mesos.v1.DomainInfo", domain),
  };
}

function leaderMembers(state: MasterState): Members {
  const { id, pid, port, hostname, domain } = masterInfo(state);
  const actor = string(defined(pid, "the master has a pid"));
  return {
    leader: actor,
    leader_info: object({
      id: string(id),
      pid: actor,
      port: integer(port),
      hostname: string(hostname ?? ""),
      domain: domain && message("mesos.v1.DomainInfo", domain),
    }),
  };
}
