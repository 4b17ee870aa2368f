import { removeAgents } from "../offer/refusal-rows.ts";
import type { Turn } from "../turn.ts";

/** Refusals are not gone through for fewer agents that went. */
const SPARE_NUMBERS = 1_024;

/**
 * A number that no agent has and no refusal names, as low as may be: what is kept by agent lies in
 * lists. Agents that went leave the rows that name them only when these hold back many numbers;
 * then all of them at once.
 */
export function newAgentNumber({ state }: Turn): number {
  const { refusals, tables } = state;
  const number = refusals.freeNumber();
  if (number < 2 * tables.agent.size + SPARE_NUMBERS) return number;
  for (const row of tables.filter.rows()) {
    removeAgents(state, row, (each) => !refusals.isOfAgent(each));
  }
  return refusals.freeNumber();
}
