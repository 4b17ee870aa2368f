/**
 * Who has what, as operators are shown it: used by tasks, or offered, kept apart by the role it is
 * allocated to.
 *
 * What an ended or unreachable task had counts for nobody, as in the allocator.
 */

import { isTerminal } from "../../protocol/task-state.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { add } from "../../resources/algebra.ts";
import { renderForDocuments } from "../../resources/render.ts";
import type { Resources } from "../../resources/resource.ts";
import type { ExecutorRow, OfferRow, TaskRow } from "../rows.ts";

/** Resources per role they are allocated to, in the order of first appearance. */
export type AllocatedResources = ReadonlyMap<string, Resources>;

export function usedBy(
  tasks: Iterable<TaskRow>,
  executors: Iterable<ExecutorRow> = [],
): AllocatedResources {
  const byRole = new Map<string, Resources>();
  for (const task of tasks) if (holdsResources(task)) addTo(byRole, task);
  for (const executor of executors) addTo(byRole, executor);
  return byRole;
}

export function offeredIn(offers: Iterable<OfferRow>): AllocatedResources {
  const byRole = new Map<string, Resources>();
  for (const offer of offers) addTo(byRole, offer);
  return byRole;
}

export function holdsResources(task: TaskRow): boolean {
  return !isTerminal(task.state) && task.state !== "TASK_UNREACHABLE";
}

/** All of it, whatever the role. */
export function sumOf(allocated: AllocatedResources): Resources {
  return [...allocated.values()].reduce<Resources>(add, []);
}

/** As resource messages that name the role they are allocated to. */
export function renderAllocated(allocated: AllocatedResources): readonly mesos.Resource[] {
  return [...allocated].flatMap(([role, resources]) =>
    renderForDocuments(resources).map((resource) => ({ ...resource, allocation_info: { role } })),
  );
}

/** Adds what is held for a role to what is held for it already. */
export function addTo(
  byRole: Map<string, Resources>,
  { role, resources }: { readonly role: string; readonly resources: Resources },
): void {
  byRole.set(role, add(byRole.get(role) ?? [], resources));
}
