import type * as own from "../../../../protocol/own/operator.ts";
import { quantitiesOf, quantityOf } from "../../../../resources/quantities.ts";
import type { Resources } from "../../../../resources/resource.ts";
import type { AgentRow } from "../../../rows.ts";
import { holdsResources } from "../../holdings.ts";
import type { Scene } from "./explain.ts";

/** The client whose tasks and executors have the largest part of the agent; undefined: nobody's. */
export function mainHolder(
  { state, nameOf }: Pick<Scene, "state" | "nameOf">,
  { id, total }: AgentRow,
): own.ClientName | undefined {
  const { index } = state;
  const has = quantitiesOf(total);
  const parts = new Map<string, { readonly name: own.ClientName; part: number }>();
  const note = (
    row: { readonly frameworkId: string; readonly role: string },
    resources: Resources,
  ): void => {
    const key = `${row.frameworkId}/${row.role}`;
    const holder = parts.get(key) ?? { name: nameOf(row), part: 0 };
    const fractions = Object.entries(quantitiesOf(resources)).map(
      ([kind, amount]) => amount / Math.max(1, quantityOf(has, kind)),
    );
    holder.part += Math.max(0, ...fractions);
    parts.set(key, holder);
  };
  for (const task of index.tasksOfAgent(id)) if (holdsResources(task)) note(task, task.resources);
  for (const executor of index.executorsOfAgent(id)) note(executor, executor.resources);
  const [most] = [...parts.values()].sort((a, b) => b.part - a.part);
  return most?.name;
}
