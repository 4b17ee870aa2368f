/** `/frameworks`, and a framework as the documents show it. */

import type * as mesos from "../../../protocol/v1/mesos.ts";
import { add } from "../../../resources/algebra.ts";
import type { Resources } from "../../../resources/resource.ts";
import { capabilitiesOf, frameworkInfo } from "../../framework/info.ts";
import type { CompletedFrameworkRow, FrameworkRow, OfferRow } from "../../rows.ts";
import type { MasterState } from "../../state.ts";
import { frameworkFlags } from "../get-frameworks.ts";
import { offeredIn, sumOf, usedBy } from "../holdings.ts";
import { type TaskLists, tasksByFramework, tasksOf } from "../task-lists.ts";
import type { Members } from "./agents.ts";
import {
  boolean,
  double,
  type JsonText,
  list,
  object,
  seconds,
  string,
  strings,
} from "./json-text.ts";
import type { Query } from "./query.ts";
import { resourcesText } from "./resources.ts";
import { labelsText, taskText } from "./tasks.ts";

type AnyFramework = FrameworkRow | CompletedFrameworkRow;

/** Parameter: framework_id. */
export function frameworksDocument(state: MasterState, query: Query): string {
  const { framework_id: id } = query;
  return object({
    ...frameworksMembers(state, (row) => id === undefined || row.id === id),
    unregistered_frameworks: list([]),
  });
}

/** `frameworks` and `completed_frameworks`, with their tasks. */
export function frameworksMembers(
  state: MasterState,
  isChosen: (row: AnyFramework) => boolean,
): Members {
  const { framework, completedFramework } = state.tables;
  const tasks = tasksByFramework(state);
  const textsOf = (rows: Iterable<AnyFramework>): JsonText =>
    list(
      [...rows].filter(isChosen).map((row) => frameworkText(state, row, tasksOf(tasks, row.id))),
    );
  return {
    frameworks: textsOf(framework.values()),
    completed_frameworks: textsOf(completedFramework.values()),
  };
}

/** What `/state-summary` shows of a framework; the other documents begin with it. */
export function frameworkSummary(state: MasterState, row: AnyFramework): Members {
  const info = frameworkInfo(row);
  const { used, offered } = holdingsOf(state, row);
  const { active, connected, recovered } = frameworkFlags(row);
  return {
    id: string(row.id),
    name: string(info.name),
    used_resources: resourcesText(used),
    offered_resources: resourcesText(offered),
    capabilities: strings(capabilitiesOf(info)),
    hostname: string(info.hostname ?? ""),
    webui_url: string(info.webui_url ?? ""),
    active: boolean(active),
    connected: boolean(connected),
    recovered: boolean(recovered),
  };
}

function frameworkText(state: MasterState, row: AnyFramework, tasks: TaskLists): JsonText {
  const info = frameworkInfo(row);
  const { used, offered } = holdingsOf(state, row);
  const returned = row.reregisteredMs !== row.registeredMs;
  return object({
    ...frameworkSummary(state, row),
    user: string(info.user),
    failover_timeout: double(info.failover_timeout ?? 0),
    checkpoint: boolean(info.checkpoint ?? false),
    registered_time: seconds(row.registeredMs),
    unregistered_time: seconds("unregisteredMs" in row ? row.unregisteredMs : 0),
    principal: info.principal === undefined ? undefined : string(info.principal),
    resources: resourcesText(add(used, offered)),
    reregistered_time: returned ? seconds(row.reregisteredMs) : undefined,
    ...rolesMembers(info),
    tasks: list(tasks.tasks.map(taskText)),
    unreachable_tasks: list(tasks.unreachable.map(taskText)),
    completed_tasks: list(tasks.completed.map(taskText)),
    offers: list(offersOf(state, row).map(offerText)),
    // Command tasks have no executor of their own, and custom executors are not served yet.
    executors: list([]),
    labels: info.labels && labelsText(info.labels),
    offer_constraints: object({}),
  });
}

/** In the field that the framework itself uses. */
function rolesMembers(info: mesos.FrameworkInfo): Members {
  const isMultiRole = capabilitiesOf(info).includes("MULTI_ROLE");
  return isMultiRole ? { roles: strings(info.roles ?? []) } : { role: string(info.role ?? "*") };
}

function holdingsOf(
  state: MasterState,
  row: AnyFramework,
): { used: Resources; offered: Resources } {
  return {
    used: sumOf(usedBy(state.index.tasksOfFramework(row.id))),
    offered: sumOf(offeredIn(offersOf(state, row))),
  };
}

function offersOf(state: MasterState, row: AnyFramework): readonly OfferRow[] {
  return state.index.offersOfFramework(row.id);
}

function offerText(offer: OfferRow): JsonText {
  return object({
    id: string(offer.id),
    framework_id: string(offer.frameworkId),
    allocation_info: object({ role: string(offer.role) }),
    slave_id: string(offer.agentId),
    resources: resourcesText(offer.resources),
  });
}
