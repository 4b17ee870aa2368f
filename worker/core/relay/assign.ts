/** Which relay serves an agent, and that a relay is watched. */

import type { RelayId } from "../../protocol/ids.ts";
import { AGENTS_PER_RELAY, RELAY_SILENCE_MS } from "../constants.ts";
import type { AgentRow } from "../rows.ts";
import { newSeq } from "../state.ts";
import type { Turn } from "../turn.ts";

/** The relay for a new agent: the first with room, or one more. */
export function assignRelay(turn: Turn): RelayId {
  const { relay } = turn.state.tables;
  for (const row of relay.values()) {
    if (turn.state.index.count("agentsOfRelay", row.id) < AGENTS_PER_RELAY) return row.id;
  }
  const id = `relay-${relay.size + 1}` as RelayId;
  relay.put({ seq: newSeq(turn.state), id });
  watch(turn, id);
  return id;
}

export function removeFromRelay(turn: Turn, agent: AgentRow): void {
  const { relayId, id, sessionId } = agent;
  turn.effects.push({ type: "REMOVE_FROM_RELAY", relayId, agentId: id, sessionId });
}

/** The relay was heard of: its silence counts from now. */
export function watch(turn: Turn, relayId: RelayId): void {
  const { relayWatch } = turn.state.tables;
  const seq = relayWatch.get(relayId)?.seq ?? newSeq(turn.state);
  const dueMs = turn.nowMs + RELAY_SILENCE_MS;
  relayWatch.put({ seq, relayId, heardMs: turn.nowMs, dueMs });
}
