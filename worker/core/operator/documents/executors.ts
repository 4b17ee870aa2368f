/** An executor as the documents show it, under its framework. */
import type * as mesos from "../../../protocol/v1/mesos.ts";
import {
  boolean,
  type JsonText,
  list,
  message,
  object,
  string,
  strings,
} from "../../../protocol/wire/json-document.ts";
import { resourcesText } from "../../../resources/document-text.ts";
import { labelsText } from "../../../resources/task-document.ts";
import type { ExecutorRow } from "../../rows.ts";
import { executorInfo } from "../get-executors.ts";

export function executorText(row: ExecutorRow): JsonText {
  const info = executorInfo(row);
  return object({
    executor_id: string(row.id),
    name: string(info.name ?? ""),
    framework_id: string(row.frameworkId),
    command: commandText(info.command ?? {}),
    resources: resourcesText(row.resources),
    role: row.resources.length > 0 ? string(row.role) : undefined,
    labels: info.labels && labelsText(info.labels),
    type: info.type && string(info.type),
    slave_id: string(row.agentId),
  });
}

function commandText({ shell, value, arguments: argv, environment, uris }: mesos.CommandInfo) {
  return object({
    shell: boolean(shell ?? true),
    value: value === undefined ? undefined : string(value),
    argv: strings(argv ?? []),
    environment: environment && message("mesos.v1.Environment", environment),
    uris: list((uris ?? []).map(uriText)),
  });
}

function uriText({ value, executable }: mesos.CommandInfoURI): JsonText {
  return object({ value: string(value), executable: boolean(executable ?? false) });
}
