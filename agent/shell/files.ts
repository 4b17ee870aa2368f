/**
 * Reads sandboxes for operators. A path names a run and a place below it:
 *
 *   /frameworks/<framework>/executors/<executor>/runs/<container or latest>[/...]
 *   <work directory>/slaves/<agent>/frameworks/...                                  (the real path)
 *
 * Invariant: nothing outside that run's own sandbox is ever read, whatever links a task plants
 * there. The path is resolved first and what was opened is checked again through /proc, because a
 * task can exchange a folder for a link in between. Nothing blocks: a pipe or a device is refused.
 */
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, readlink, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { groupNames, userNames } from "./account-names.ts";
import { errnoOf } from "./errno.ts";

export type FilesError =
  | { readonly code: "NOT_FOUND"; readonly path: string }
  | { readonly code: "NOT_A_FILE"; readonly path: string }
  | { readonly code: "NOT_A_DIRECTORY"; readonly path: string }
  | { readonly code: "FAILED"; readonly path: string; readonly errno: string };

/** 16 pages: more is read by asking again with a later offset (http-semantics 18). */
export const READ_BYTES_MAX = 64 * 1024;

/** Where the sandboxes are. `agentId` undefined: none are yet. */
export interface FilesRoot {
  readonly workDirectory: string;
  readonly agentId: string | undefined;
}

/** A regular file in a sandbox, opened for reading: whoever asked for it closes it. */
export interface OpenFile {
  readonly file: FileHandle;
  readonly size: bigint;
}

/**
 * Up to `length` bytes (at most 64 KiB) from `offset`; past the end there are none. `size`: of the
 * file.
 */
export async function readSandboxFile(
  root: FilesRoot,
  request: { path: string; offset: bigint; length: bigint | undefined },
): Promise<Result<{ size: bigint; data: Uint8Array }, FilesError>> {
  const { path } = request;
  const opened = await openSandboxFile(root, path);
  if (!opened.ok) return opened;
  const { file, size } = opened.value;
  return await guarded(path, async () => {
    try {
      return ok({ size, data: await readAt(file, size, request) });
    } finally {
      await file.close();
    }
  });
}

export async function openSandboxFile(
  root: FilesRoot,
  path: string,
): Promise<Result<OpenFile, FilesError>> {
  return await guarded(path, async () => {
    const place = await resolve(root, path);
    if (place === undefined) return err({ code: "NOT_FOUND", path });
    if (!(await lstat(place.real)).isFile()) return err({ code: "NOT_A_FILE", path });
    const { O_RDONLY, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW } = constants;
    const file = await open(place.real, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
    const checked = await guarded(path, () => checkOpened(file, path, place.sandbox));
    if (!checked.ok) await file.close();
    return checked;
  });
}

/** The way there may have been changed since it was looked at; what is open is what counts. */
async function checkOpened(
  file: FileHandle,
  path: string,
  sandbox: string,
): Promise<Result<OpenFile, FilesError>> {
  if (!isInside(sandbox, await openedPath(file))) return err({ code: "NOT_FOUND", path });
  const facts = await file.stat({ bigint: true });
  return facts.isFile() ? ok({ file, size: facts.size }) : err({ code: "NOT_A_FILE", path });
}

/** One level, sorted by path; each path begins with the one asked for. */
export async function listSandboxFiles(
  root: FilesRoot,
  path: string,
): Promise<Result<mesos.FileInfo[], FilesError>> {
  return await guarded(path, async () => {
    const place = await resolve(root, path);
    if (place === undefined) return err({ code: "NOT_FOUND", path });
    if (!(await stat(place.real)).isDirectory()) return err({ code: "NOT_A_DIRECTORY", path });
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
    const folder = await open(place.real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      // Here, too, what is open is what counts.
      const opened = await openedPath(folder);
      const isOwn = opened === place.sandbox || isInside(place.sandbox, opened);
      return isOwn ? ok(await filesIn(folder, path)) : err({ code: "NOT_FOUND", path });
    } finally {
      await folder.close();
    }
  });
}

async function filesIn(folder: FileHandle, path: string): Promise<mesos.FileInfo[]> {
  const users = await userNames();
  const groups = await groupNames();
  const infos: mesos.FileInfo[] = [];
  const held = `/proc/self/fd/${folder.fd}`;
  for (const name of (await readdir(held)).sort()) {
    const facts = await lstat(join(held, name), { bigint: true }).catch(() => undefined);
    if (facts === undefined) continue; // Removed meanwhile.
    infos.push({
      path: join(path, name),
      nlink: Number(facts.nlink),
      size: facts.size,
      mtime: { nanoseconds: facts.mtimeNs },
      mode: Number(facts.mode),
      uid: users.get(String(facts.uid)) ?? String(facts.uid),
      gid: groups.get(String(facts.gid)) ?? String(facts.gid),
    });
  }
  return infos;
}

async function openedPath(file: FileHandle): Promise<string> {
  return await readlink(`/proc/self/fd/${file.fd}`);
}

export function describeFilesError(error: FilesError): string {
  switch (error.code) {
    case "NOT_FOUND":
      return (
        `No such file in a sandbox of this agent: '${error.path}'; ` +
        "paths begin with /frameworks/<framework>/executors/<executor>/runs/latest"
      );
    case "NOT_A_FILE":
      return `'${error.path}' is not a regular file; LIST_FILES shows what is there`;
    case "NOT_A_DIRECTORY":
      return `'${error.path}' is not a directory; read it with READ_FILE`;
    case "FAILED":
      return `Cannot read '${error.path}': ${error.errno}`;
  }
}

interface Place {
  /** Real path of the run's sandbox. */
  readonly sandbox: string;
  /** Real path of what was named. */
  readonly real: string;
}

/** Undefined: not a path of ours, or one that leaves its sandbox. A missing file throws ENOENT. */
async function resolve(root: FilesRoot, path: string): Promise<Place | undefined> {
  const names = sandboxNames(root, path);
  if (names === undefined) return undefined;
  const runs = join(await realpath(join(root.workDirectory, "slaves")), ...names.slice(0, 6));
  const [container, ...rest] = names.slice(6);
  if (container === undefined) return undefined;
  const sandbox = await realpath(join(runs, container));
  // `latest` points to its neighbour; nothing above a sandbox is a link.
  if (!isInside(runs, sandbox) || sandbox.slice(runs.length + 1).includes("/")) return undefined;
  const real = await realpath(join(sandbox, ...rest));
  return real === sandbox || isInside(sandbox, real) ? { sandbox, real } : undefined;
}

/** [agent, "frameworks", framework, "executors", executor, "runs", container, ...rest] */
function sandboxNames(root: FilesRoot, path: string): string[] | undefined {
  const real = join(root.workDirectory, "slaves");
  const below = path.startsWith(`${real}/`)
    ? path.slice(real.length + 1)
    : `${root.agentId ?? ""}/${path.replace(/^\/+/, "")}`;
  const names = below.split("/").filter((name, at) => name !== "" || at === 0);
  const legal = names.every(
    (name) => name !== "" && name !== "." && name !== ".." && !name.includes("\0"),
  );
  const shaped = names[1] === "frameworks" && names[3] === "executors" && names[5] === "runs";
  return legal && shaped && names.length >= 7 ? names : undefined;
}

function isInside(directory: string, path: string): boolean {
  return path.startsWith(`${directory}/`);
}

async function readAt(
  file: FileHandle,
  size: bigint,
  { offset, length }: { offset: bigint; length: bigint | undefined },
): Promise<Uint8Array> {
  const left = size - offset;
  const most = BigInt(READ_BYTES_MAX);
  const wanted = [left, length ?? most, most].reduce((a, b) => (b < a ? b : a));
  if (wanted <= 0n) return new Uint8Array();
  const buffer = Buffer.alloc(Number(wanted));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, Number(offset));
  return buffer.subarray(0, bytesRead);
}

async function guarded<T>(
  path: string,
  work: () => Promise<Result<T, FilesError>>,
): Promise<Result<T, FilesError>> {
  try {
    return await work();
  } catch (cause) {
    const errno = errnoOf(cause);
    const missing = ["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG"].includes(errno);
    return err(missing ? { code: "NOT_FOUND", path } : { code: "FAILED", path, errno });
  }
}
