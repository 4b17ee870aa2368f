/**
 * The calls of the agent's own API that come through the link: one function per call, one table.
 */
import type * as agent from "../../worker/protocol/v1/agent.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { unreachable } from "../../worker/std/assert.ts";
import {
  describeFilesError,
  type FilesError,
  type FilesRoot,
  listSandboxFiles,
  readSandboxFile,
} from "./files.ts";

/** As it goes to the caller. */
export interface CallAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface CallContext {
  readonly files: FilesRoot;
  readonly version: string;
}

type CallHandler = (call: agent.Call, context: CallContext) => Promise<CallAnswer>;

/** The rest of the agent API, and its HTTP server on this machine, is a later issue. */
const handlers: { readonly [T in agent.CallType]?: CallHandler } = {
  GET_HEALTH: async () => answer({ type: "GET_HEALTH", get_health: { healthy: true } }),
  GET_VERSION: async (_call, { version }) =>
    answer({ type: "GET_VERSION", get_version: { version_info: { version } } }),
  LIST_FILES: async ({ list_files }, { files }) => {
    if (list_files === undefined) return missing("list_files");
    const listed = await listSandboxFiles(files, list_files.path);
    if (!listed.ok) return filesError(listed.error);
    return answer({ type: "LIST_FILES", list_files: { file_infos: listed.value } });
  },
  READ_FILE: async ({ read_file }, { files }) => {
    if (read_file === undefined) return missing("read_file");
    const { path, offset, length } = read_file;
    const read = await readSandboxFile(files, { path, offset, length });
    if (!read.ok) return filesError(read.error);
    return answer({ type: "READ_FILE", read_file: read.value });
  },
};

export async function answerCall(call: agent.Call, context: CallContext): Promise<CallAnswer> {
  if (call.type === undefined) return missing("type");
  const handler = handlers[call.type];
  if (handler !== undefined) return await handler(call, context);
  const served = Object.keys(handlers).join(", ");
  return text(501, `This agent does not serve ${call.type} yet; it serves ${served}`);
}

function answer(response: agent.Response): CallAnswer {
  const body = encodeJson("mesos.v1.agent.Response", response);
  return { status: 200, contentType: "application/json", body };
}

function missing(field: string): CallAnswer {
  return text(400, `Failed to validate agent::Call: Expecting '${field}' to be present`);
}

function filesError(error: FilesError): CallAnswer {
  return text(filesStatus(error), describeFilesError(error));
}

function filesStatus(error: FilesError): number {
  switch (error.code) {
    case "NOT_FOUND":
      return 404;
    case "NOT_A_FILE":
    case "NOT_A_DIRECTORY":
      return 400;
    case "FAILED":
      return error.errno === "EACCES" ? 403 : 500;
    default:
      return unreachable(error);
  }
}

function text(status: number, body: string): CallAnswer {
  return { status, contentType: "text/plain; charset=utf-8", body };
}
