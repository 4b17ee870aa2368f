/** Whom the Changes of a turn concern as to inverse offers. */
import type {
  AgentRow,
  ExecutorRow,
  FrameworkRow,
  InverseAnswerRow,
  OfferRow,
  TaskRow,
} from "../rows.ts";
import type { MasterState } from "../state.ts";

export interface Concerned {
  /** Somebody may now hold something of them, may have ceased to, or may be asked again. */
  readonly agentIds: ReadonlySet<string>;
  readonly removedFrameworks: ReadonlySet<string>;
  /** Frameworks whose stream is gone, or another one. */
  readonly newStreams: ReadonlySet<string>;
}

export function concernedBy({ tables, index, changes }: MasterState): Concerned {
  const agentIds = new Set<string>();
  const removedFrameworks = new Set<string>();
  const newStreams = new Set<string>();
  for (const { table, key, before, after } of changes) {
    if (table === "agent") agentIds.add(key);
    else if (table === "machine") {
      for (const { id } of tables.agent.values()) agentIds.add(id);
    } else if (table === "framework") {
      const [old, now] = [before as FrameworkRow | undefined, after as FrameworkRow | undefined];
      if (now === undefined) removedFrameworks.add(key);
      else if (old?.connection !== now.connection) newStreams.add(key);
    } else if (after !== undefined && namesAgent(table)) {
      agentIds.add((after as NamesAgent).agentId);
    }
  }
  for (const id of newStreams) {
    for (const { agentId } of index.tasksOfFramework(id)) agentIds.add(agentId);
    for (const { agentId } of index.executorsOfFramework(id)) agentIds.add(agentId);
    for (const { agentId } of index.offersOfFramework(id)) agentIds.add(agentId);
  }
  return { agentIds, removedFrameworks, newStreams };
}

type NamesAgent = { readonly agentId: AgentRow["id"] } & (
  | OfferRow
  | TaskRow
  | ExecutorRow
  | InverseAnswerRow
);

function namesAgent(table: string): boolean {
  return table === "offer" || table === "task" || table === "executor" || table === "inverseAnswer";
}
