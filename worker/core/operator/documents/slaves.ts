import type { MasterState } from "../../state.ts";
import { registeredAgents } from "../get-agents.ts";
import { agentMembers, fullResourcesMembers } from "./agents.ts";
import { list, object } from "./json-text.ts";
import type { Query } from "./query.ts";

/** `/slaves`: the agents that are connected, with their resources in full. Parameter: slave_id. */
export function slavesDocument(state: MasterState, query: Query): string {
  const { slave_id: id } = query;
  const chosen = registeredAgents(state).filter((agent) => id === undefined || agent.id === id);
  const texts = chosen.map((agent) =>
    object({ ...agentMembers(state, agent), ...fullResourcesMembers(state, agent) }),
  );
  return object({ slaves: list(texts), recovered_slaves: list([]) });
}
