/**
 * Rows as earlier versions of the project left them, made into rows of this one.
 *
 * For what SQL cannot do: changes of tables, and of rows where it can, are migrations. Old rows are
 * told by their shape, and are written back once, so that every later start finds none.
 */
import { infoTexts } from "../../core/agent/info.ts";
import { writeRefused } from "../../core/offer/refused.ts";
import type { AgentRow, FilterRow } from "../../core/rows.ts";
import type { StoredRows } from "../../core/state.ts";
import { decodeStored } from "../../core/stored.ts";
import type { Resources } from "../../resources/resource.ts";
import type { Change } from "../../std/table.ts";

/** Until agents had numbers; `info` was the whole AgentInfo. */
type UnnumberedAgentRow = Omit<AgentRow, "number" | "attributes">;
/** Until a call's refusals were one row: each was about one offer. */
interface SingleFilterRow extends Omit<FilterRow, "agents" | "refused" | "which"> {
  readonly agentId: string;
  readonly refused: Resources;
}

/** What has to be written; none, mostly. */
export function upgrades(stored: StoredRows): readonly Change[] {
  // What is on disk is in the shape of any version: the types are those of all of them.
  const agents = (stored.agent ?? []) as readonly (AgentRow | UnnumberedAgentRow)[];
  const filters = (stored.filter ?? []) as readonly (FilterRow | SingleFilterRow)[];
  const numbers = new Map<string, number>();
  const changes: Change[] = [];
  let next = 0;
  for (const row of agents) {
    if (!("number" in row)) continue;
    numbers.set(row.id, row.number);
    next = Math.max(next, row.number + 1);
  }
  for (const row of agents) {
    if ("number" in row) continue;
    const info = decodeStored("mesos.v1.AgentInfo", row.info);
    const after: AgentRow = { ...row, ...infoTexts(info), number: next++ };
    numbers.set(row.id, after.number);
    changes.push({ table: "agent", key: row.id, before: row, after });
  }
  for (const row of filters) {
    if (!("agentId" in row)) continue;
    const { agentId, refused, ...facts } = row;
    const number = numbers.get(agentId);
    const after =
      number === undefined ? undefined : { ...facts, ...writeRefused([[number, refused]]) };
    changes.push({ table: "filter", key: String(row.seq), before: row, after });
  }
  return changes;
}
