/** `/frameworks`, and a framework as the documents show it. */

import type * as mesos from "../../../protocol/v1/mesos.ts";
import type { Members } from "../../../protocol/wire/json-document.ts";
import {
  boolean,
  double,
  type JsonText,
  list,
  message,
  object,
  seconds,
  string,
  strings,
} from "../../../protocol/wire/json-document.ts";
import { add } from "../../../resources/algebra.ts";
import { resourcesText } from "../../../resources/document-text.ts";
import { labelsText, taskText } from "../../../resources/task-document.ts";
import { capabilitiesOf, frameworkInfo, offerConstraintsOf } from "../../framework/info.ts";
import type { CompletedFrameworkRow, FrameworkRow, OfferRow } from "../../rows.ts";
import type { MasterState } from "../../state.ts";
import { frameworkFlags } from "../get-frameworks.ts";
import { sumOf } from "../holdings.ts";
import {
  type FrameworkHoldings,
  groupsOf,
  type Holdings,
  NO_HOLDINGS,
  type Snapshot,
} from "../snapshot.ts";
import { completedTasksOf, liveTasks } from "../task-lists.ts";
import { executorText } from "./executors.ts";
import {
  type LongJson,
  type LongMembers,
  type LongText,
  listPieces,
  longDocument,
  objectPieces,
} from "./long-text.ts";
import type { Query } from "./query.ts";

type AnyFramework = FrameworkRow | CompletedFrameworkRow;

/** Parameter: framework_id. */
export function frameworksDocument(state: MasterState, { framework_id: id }: Query): LongText {
  return longDocument(state, (snapshot) => ({
    ...frameworksMembers(snapshot, (row) => id === undefined || row.id === id),
    unregistered_frameworks: list([]),
  }));
}

/** `frameworks` and `completed_frameworks`, with their tasks. */
export function frameworksMembers(
  snapshot: Snapshot,
  isChosen: (row: AnyFramework) => boolean,
): LongMembers {
  const { frameworks, completedFrameworks } = snapshot;
  return {
    frameworks: () => listPieces(frameworkTexts(snapshot, frameworks.filter(isChosen))),
    completed_frameworks: () =>
      listPieces(frameworkTexts(snapshot, completedFrameworks.filter(isChosen))),
  };
}

function* frameworkTexts(
  snapshot: Snapshot,
  rows: readonly AnyFramework[],
): Generator<LongJson | undefined> {
  const { ofFramework } = yield* groupsOf(snapshot);
  for (const row of rows) {
    yield () => frameworkPieces(snapshot, row, ofFramework.get(row.id) ?? NO_HOLDINGS);
  }
}

/** What `/state-summary` shows of a framework; the other documents begin with it. */
export function frameworkSummary(row: AnyFramework, { used, offered }: Holdings): Members {
  const info = frameworkInfo(row);
  const { active, connected, recovered } = frameworkFlags(row);
  return {
    id: string(row.id),
    name: string(info.name),
    used_resources: resourcesText(sumOf(used)),
    offered_resources: resourcesText(sumOf(offered)),
    capabilities: strings(capabilitiesOf(info)),
    hostname: string(info.hostname ?? ""),
    webui_url: string(info.webui_url ?? ""),
    active: boolean(active),
    connected: boolean(connected),
    recovered: boolean(recovered),
  };
}

function frameworkPieces(
  snapshot: Snapshot,
  row: AnyFramework,
  { used, offered, tasks, offers, executors }: FrameworkHoldings,
): Generator<string> {
  const info = frameworkInfo(row);
  const returned = row.reregisteredMs !== row.registeredMs;
  return objectPieces({
    ...frameworkSummary(row, { used, offered }),
    user: string(info.user),
    failover_timeout: double(info.failover_timeout ?? 0),
    checkpoint: boolean(info.checkpoint ?? false),
    registered_time: seconds(row.registeredMs),
    unregistered_time: seconds("unregisteredMs" in row ? row.unregisteredMs : 0),
    principal: info.principal === undefined ? undefined : string(info.principal),
    resources: resourcesText(add(sumOf(used), sumOf(offered))),
    reregistered_time: returned ? seconds(row.reregisteredMs) : undefined,
    ...rolesMembers(info),
    tasks: () => listPieces(textsOf(liveTasks(snapshot, tasks, "REACHABLE"), taskText)),
    unreachable_tasks: () =>
      listPieces(textsOf(liveTasks(snapshot, tasks, "UNREACHABLE"), taskText)),
    completed_tasks: () => listPieces(textsOf(completedTasksOf(snapshot, row), taskText)),
    offers: () => listPieces(textsOf(offers, offerText)),
    // A command task has no executor of its own: it is the agent's own affair.
    executors: () => listPieces(textsOf(executors, executorText)),
    labels: info.labels && labelsText(info.labels),
    offer_constraints: message("mesos.v1.scheduler.OfferConstraints", offerConstraintsOf(row)),
  });
}

/** One text after the other, when it is wanted. */
function* textsOf<V extends object>(
  values: Iterable<V | undefined>,
  textOf: (value: V) => JsonText,
): Generator<JsonText | undefined> {
  for (const value of values) yield value && textOf(value);
}

/** In the field that the framework itself uses. */
function rolesMembers(info: mesos.FrameworkInfo): Members {
  const isMultiRole = capabilitiesOf(info).includes("MULTI_ROLE");
  return isMultiRole ? { roles: strings(info.roles ?? []) } : { role: string(info.role ?? "*") };
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
