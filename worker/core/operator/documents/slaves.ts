import { type JsonText, list, object } from "../../../protocol/wire/json-document.ts";
import type { MasterState } from "../../state.ts";
import { isRegistered } from "../get-agents.ts";
import { groupsOf, NO_HOLDINGS, type Snapshot } from "../snapshot.ts";
import { agentMembers, fullResourcesMembers } from "./agents.ts";
import { type LongText, listPieces, longDocument } from "./long-text.ts";
import type { Query } from "./query.ts";

/** `/slaves`: the agents that are connected, with their resources in full. Parameter: slave_id. */
export function slavesDocument(state: MasterState, { slave_id: id }: Query): LongText {
  return longDocument(state, (snapshot) => ({
    slaves: () => listPieces(agentTexts(snapshot, id)),
    recovered_slaves: list([]),
  }));
}

function* agentTexts(snapshot: Snapshot, id: string | undefined): Generator<JsonText | undefined> {
  const { ofAgent } = yield* groupsOf(snapshot);
  for (const agent of snapshot.agents) {
    if (!isRegistered(agent) || (id !== undefined && agent.id !== id)) {
      yield undefined;
      continue;
    }
    const holdings = ofAgent.get(agent.id) ?? NO_HOLDINGS;
    yield object({ ...agentMembers(agent, holdings), ...fullResourcesMembers(agent, holdings) });
  }
}
