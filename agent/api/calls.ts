/**
 * The calls of the agent's operator API (http-semantics 9.2): one function per call, one table, for
 * what comes over HTTP and what comes through the link.
 */
import type * as agent from "../../worker/protocol/v1/agent.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type { MessageEncoding } from "../../worker/protocol/wire/encoding.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { encodeProtobuf } from "../../worker/protocol/wire/protobuf.ts";
import { unreachable } from "../../worker/std/assert.ts";
import { listSandboxFiles, readSandboxFile } from "../shell/files.ts";
import type { CallHandler, Exchange } from "./call-handler.ts";
import { containerCalls } from "./container-calls.ts";
import { getContainers } from "./containers.ts";
import { shownFrameworks } from "./executors.ts";
import { flagsOf } from "./flags.ts";
import { metricsOf } from "./metrics.ts";
import {
  type Answer,
  emptyAnswer,
  fieldMissing,
  filesRefused,
  messageAnswer,
  notServed,
  recovering,
  type StreamAnswer,
} from "./respond.ts";
import { getExecutors, getFrameworks, getState, getTasks } from "./tasks.ts";
import { type AgentView, agentId, filesRoot } from "./view.ts";

const handlers: { readonly [T in agent.CallType]?: CallHandler } = {
  ...containerCalls,
  GET_HEALTH: () => ({ type: "GET_HEALTH", get_health: { healthy: true } }),
  GET_VERSION: (_call, { version }) => ({
    type: "GET_VERSION",
    get_version: { version_info: version },
  }),
  GET_FLAGS: (_call, view) => ({ type: "GET_FLAGS", get_flags: { flags: [...flagsOf(view)] } }),
  GET_METRICS: ({ get_metrics }, view) => {
    if (get_metrics === undefined) return fieldMissing("get_metrics");
    const metrics = metricsOf(view, Date.now()).map(([name, value]) => ({ name, value }));
    return { type: "GET_METRICS", get_metrics: { metrics } };
  },
  GET_LOGGING_LEVEL: (_call, { verbosity }) => ({
    type: "GET_LOGGING_LEVEL",
    get_logging_level: { level: verbosity.level },
  }),
  SET_LOGGING_LEVEL: ({ set_logging_level }, { verbosity }) => {
    if (set_logging_level === undefined) return fieldMissing("set_logging_level");
    const { level, duration } = set_logging_level;
    verbosity.raise({ level, durationMs: Number(duration.nanoseconds) / 1e6 });
    return emptyAnswer;
  },
  GET_STATE: async (_call, view) => ({
    type: "GET_STATE",
    get_state: getState(await shownFrameworks(view)),
  }),
  GET_CONTAINERS: async ({ get_containers }, view) => {
    const found = await getContainers(view, get_containers ?? {});
    return { type: "GET_CONTAINERS", ...(found !== undefined && { get_containers: found }) };
  },
  GET_FRAMEWORKS: async (_call, view) => ({
    type: "GET_FRAMEWORKS",
    get_frameworks: getFrameworks(await shownFrameworks(view)),
  }),
  GET_EXECUTORS: async (_call, view) => ({
    type: "GET_EXECUTORS",
    get_executors: getExecutors(await shownFrameworks(view)),
  }),
  GET_TASKS: async (_call, view) => ({
    type: "GET_TASKS",
    get_tasks: getTasks(await shownFrameworks(view)),
  }),
  // An operation is carried out in the step that it comes in: none is ever under way.
  GET_OPERATIONS: () => ({ type: "GET_OPERATIONS", get_operations: {} }),
  GET_AGENT: (_call, view) => ({ type: "GET_AGENT", get_agent: getAgent(view) }),
  GET_RESOURCE_PROVIDERS: () => ({
    type: "GET_RESOURCE_PROVIDERS",
    get_resource_providers: {},
  }),
  LIST_FILES: async ({ list_files }, view) => {
    if (list_files === undefined) return fieldMissing("list_files");
    const listed = await listSandboxFiles(filesRoot(view), list_files.path);
    if (!listed.ok) return filesRefused(listed.error);
    return { type: "LIST_FILES", list_files: { file_infos: listed.value } };
  },
  READ_FILE: async ({ read_file }, view) => {
    if (read_file === undefined) return fieldMissing("read_file");
    const { path, offset, length } = read_file;
    const read = await readSandboxFile(filesRoot(view), { path, offset, length });
    return read.ok ? { type: "READ_FILE", read_file: read.value } : filesRefused(read.error);
  },
};

export async function answerCall(
  call: agent.Call,
  view: AgentView,
  exchange: Exchange,
): Promise<Answer | StreamAnswer> {
  if (view.counters.recoverySeconds === undefined) return recovering();
  if (call.type === undefined) return fieldMissing("type");
  const handler = handlers[call.type];
  if (handler === undefined) return notServed(`the call ${call.type}`);
  const answer = await handler(call, view, exchange);
  if ("status" in answer) return answer;
  const { encoding } = exchange;
  return messageAnswer(encoding, encoded(answer, encoding));
}

function encoded(response: agent.Response, encoding: MessageEncoding): string | Uint8Array {
  switch (encoding) {
    case "application/json":
      return encodeJson("mesos.v1.agent.Response", response);
    case "application/x-protobuf":
      return encodeProtobuf("mesos.v1.agent.Response", response);
    default:
      return unreachable(encoding);
  }
}

function getAgent({ state }: AgentView): agent.ResponseGetAgent {
  const id = agentId(state);
  const drain = state.drain.get("drain");
  const info: mesos.AgentInfo = {
    ...state.facts.agentInfo,
    ...(id !== undefined && { id: { value: id } }),
  };
  return {
    agent_info: info,
    ...(drain !== undefined && { drain_config: { mark_gone: drain.marksGone } }),
  };
}
