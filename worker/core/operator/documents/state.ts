/**
 * `/state`: the whole cluster in one document. What web pages, service discovery and exporters
 * read.
 */

import { defined } from "../../../std/assert.ts";
import { masterInfo } from "../../framework/master-info.ts";
import type { MasterState } from "../../state.ts";
import { registeredAgents } from "../get-agents.ts";
import { agentMembers, type Members } from "./agents.ts";
import { flagsText } from "./flags.ts";
import { frameworksMembers } from "./frameworks.ts";
import { double, integer, list, object, seconds, string, strings } from "./json-text.ts";
import { buildMembers } from "./version.ts";

export function stateDocument(state: MasterState): string {
  const agents = registeredAgents(state);
  return object({
    version: string(state.settings.version),
    ...buildMembers(state),
    ...masterMembers(state),
    activated_slaves: double(agents.length),
    deactivated_slaves: double(0),
    unreachable_slaves: double(state.tables.agent.size - agents.length),
    ...leaderMembers(state),
    flags: flagsText(state),
    slaves: list(agents.map((agent) => object(agentMembers(state, agent)))),
    recovered_slaves: list([]),
    ...frameworksMembers(state, () => true),
    orphan_tasks: list([]),
    unregistered_frameworks: list([]),
  });
}

/** The object leads from its start: there is nobody to be elected before. */
function masterMembers(state: MasterState): Members {
  const { id, pid, hostname, capabilities } = masterInfo(state);
  return {
    start_time: seconds(state.startedMs),
    elected_time: seconds(state.startedMs),
    id: string(id),
    pid: string(defined(pid, "the master has a pid")),
    hostname: string(hostname ?? ""),
    capabilities: strings((capabilities ?? []).flatMap(({ type }) => type ?? [])),
  };
}

function leaderMembers(state: MasterState): Members {
  const { id, pid, port, hostname } = masterInfo(state);
  const actor = string(defined(pid, "the master has a pid"));
  return {
    leader: actor,
    leader_info: object({
      id: string(id),
      pid: actor,
      port: integer(port),
      hostname: string(hostname ?? ""),
    }),
  };
}
