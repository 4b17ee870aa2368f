/** `/files/...`: what tasks have in their sandboxes, as the web page and the log tools read it. */
import { basename, extname } from "node:path";
import { modeText } from "../../worker/protocol/file-mode.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import {
  double,
  integer,
  type JsonText,
  list,
  object,
  string,
} from "../../worker/protocol/wire/json-document.ts";
import {
  listSandboxFiles,
  openSandboxFile,
  READ_BYTES_MAX,
  readSandboxFile,
} from "../shell/files.ts";
import { sandboxPath } from "../shell/sandbox.ts";
import { shownFrameworks } from "./executors.ts";
import {
  type Answer,
  badNumber,
  directoryDownload,
  filesRefused,
  parameterMissing,
} from "./respond.ts";
import { type AgentView, agentId, filesRoot } from "./view.ts";

export type Query = URLSearchParams;

const pathMissing = (): Answer => parameterMissing("path", "name the file or the directory");

export async function browse(view: AgentView, query: Query): Promise<JsonText | Answer> {
  const path = query.get("path");
  if (path === null || path === "") return pathMissing();
  const listed = await listSandboxFiles(filesRoot(view), path);
  return listed.ok ? list(listed.value.map(fileText)) : filesRefused(listed.error);
}

/**
 * `offset` -1, or none, asks for the size. The data is text with the file's own bytes, whatever
 * they are: the answer is bytes too.
 */
export async function read(view: AgentView, query: Query): Promise<Uint8Array | Answer> {
  const path = query.get("path");
  if (path === null || path === "") return pathMissing();
  const [offset, length] = [wholeNumber(query.get("offset")), wholeNumber(query.get("length"))];
  if (offset === undefined) return badNumber("offset", query.get("offset") ?? "");
  if (length === undefined) return badNumber("length", query.get("length") ?? "");
  const wanted = length < 0n ? BigInt(READ_BYTES_MAX) : length;
  const file = await readSandboxFile(filesRoot(view), {
    path,
    offset: offset < 0n ? 0n : offset,
    length: offset < 0n ? 0n : wanted,
  });
  if (!file.ok) return filesRefused(file.error);
  const { size, data } = file.value;
  const at = Number(offset < 0n ? size : offset);
  // One character for each byte: the bytes come out as they went in.
  const text = object({
    data: string(Buffer.from(data).toString("latin1")),
    offset: integer(at),
  });
  return Buffer.from(text, "latin1");
}

export interface Download {
  readonly headers: Readonly<Record<string, string>>;
  readonly open: Awaited<ReturnType<typeof openSandboxFile>> & { readonly ok: true };
}

/** The whole file; who gets it closes it. */
export async function download(view: AgentView, query: Query): Promise<Download | Answer> {
  const path = query.get("path");
  if (path === null || path === "") return pathMissing();
  const open = await openSandboxFile(filesRoot(view), path);
  if (!open.ok) {
    if (open.error.code === "NOT_A_FILE") return directoryDownload();
    return filesRefused(open.error);
  }
  const headers = {
    "Content-Type": types[extname(path).toLowerCase()] ?? "application/octet-stream",
    "Content-Disposition": `attachment; filename=${headerWord(basename(path))}`,
    "X-Content-Type-Options": "nosniff",
  };
  return { headers, open };
}

const types: { readonly [extension: string]: string | undefined } = {
  ".css": "text/css",
  ".gz": "application/x-gzip",
  ".htm": "text/html",
  ".html": "text/html",
  ".jpg": "image/jpeg",
  ".js": "application/javascript",
  ".json": "application/json",
  ".log": "text/plain",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".tar": "application/x-tar",
  ".txt": "text/plain",
  ".xml": "text/xml",
  ".zip": "application/zip",
};

/** A task names its files as it likes: nothing of that may end the header. */
function headerWord(name: string): string {
  return /^[\w.+-]+$/.test(name) ? name : `"${name.replace(/[^\x20-\x7e]|["\\]/g, "_")}"`;
}

/** Every virtual path, and the real one that it stands for. */
export async function attached(view: AgentView): Promise<JsonText> {
  const members: Record<string, JsonText> = {};
  const own = agentId(view.state);
  for (const { executors } of await shownFrameworks(view)) {
    for (const { agentId: id, frameworkId, info, containerId } of executors) {
      const executorId = info.executor_id.value;
      const place = { agentId: id, frameworkId, executorId, containerId };
      const real = string(sandboxPath(view.config.workDirectory, place));
      const virtual = `/frameworks/${frameworkId}/executors/${executorId}/runs/latest`;
      members[sandboxPath(view.config.workDirectory, place)] = real;
      if (id === own) members[virtual] = real;
    }
  }
  return object(members);
}

function fileText({ path, nlink, size, mtime, mode, uid, gid }: mesos.FileInfo): JsonText {
  return object({
    gid: string(gid ?? ""),
    mode: string(modeText(mode ?? 0)),
    mtime: double(Math.floor(Number((mtime?.nanoseconds ?? 0n) / 1_000_000_000n))),
    nlink: integer(nlink ?? 0),
    path: string(path),
    size: integer(Number(size ?? 0n)),
    uid: string(uid ?? ""),
  });
}

/** From -1; a number that is not given is -1. */
function wholeNumber(text: string | null): bigint | undefined {
  if (text === null) return -1n;
  if (!/^(-1|\d{1,18})$/.test(text)) return undefined;
  return BigInt(text);
}
