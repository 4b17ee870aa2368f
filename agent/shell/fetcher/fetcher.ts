/**
 * Fetches a task's URIs into its sandbox before it starts (http-semantics 17.5): one after the
 * other, beside whatever else the agent does. Files are read and unpacked as the task's user, so
 * that nobody gets by a URI what he could not read himself. What was cached is copied: a task may
 * do with its file what it likes.
 */
import { constants } from "node:fs";
import { copyFile, type FileHandle, open, realpath, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { unreachable } from "../../../worker/std/assert.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { Account } from "../../containerizer/supervisor/users.ts";
import type { Outward } from "../../outward/outward.ts";
import { errnoOf } from "../errno.ts";
import { makeFolders } from "../folders.ts";
import type { FetchCache } from "./cache.ts";
import { type DownloadLimits, download } from "./download.ts";
import { type Extraction, extract } from "./extract.ts";
import {
  type ArchiveKind,
  type FetchPlaces,
  type FetchPlan,
  planFetch,
  withoutPassword,
} from "./plan.ts";
import { type ProgramOptions, runProgram } from "./program.ts";
import { fetchByTool } from "./tools.ts";

export interface FetchRequest {
  readonly uris: readonly mesos.CommandInfoURI[];
  /** The sandbox: made, and its user's. */
  readonly directory: string;
  /** The agent's own folder: nothing in it is fetched by its path. */
  readonly workDirectory: string;
  /** Undefined: the agent's own. */
  readonly account: Account | undefined;
  readonly signal: AbortSignal;
  readonly outward: Outward;
  readonly cache: FetchCache;
  /** Absent: there are no such places. */
  readonly places?: FetchPlaces;
  /** A line for whoever looks at the task, now and then while it takes long. */
  readonly say: (line: string) => void;
}

/** How long nothing is said of a download, and then again; ms. */
const PROGRESS_MS = 5_000;

/** `bytesMax`: far beyond what tasks are shipped; bounds what a mistaken URI does to a disk. */
export const FETCH_LIMITS: DownloadLimits = {
  stallMs: 60_000,
  bytesMax: 16 * 1024 ** 3,
  redirectsMax: 10,
};

/** The error names the URI and why, as a sentence without its full stop. */
export async function fetchUris(
  request: FetchRequest,
  limits: DownloadLimits = FETCH_LIMITS,
): Promise<Result<void, string>> {
  for (const info of request.uris) {
    const plan = planFetch(info, request.places);
    const uri = withoutPassword(info.value);
    if (!plan.ok) return err(`Failed to fetch '${uri}': ${plan.error}`);
    const fetched = await guarded(() => fetchOne(plan.value, request, limits));
    if (!fetched.ok) return err(`Failed to fetch '${uri}': ${fetched.error}`);
  }
  return ok(undefined);
}

async function fetchOne(
  plan: FetchPlan,
  request: FetchRequest,
  limits: DownloadLimits,
): Promise<Result<void, string>> {
  const { directory, account, signal } = request;
  makeFolders(directory, plan.names.slice(0, -1), account);
  const path = join(directory, ...plan.names);
  // As programs name it, which begin in the sandbox: the task's user may not be able to go there.
  const inside = `./${plan.names.join("/")}`;
  const got = await get(plan, { path, inside }, { request, limits });
  if (!got.ok) return got;
  if (plan.executable) await makeExecutable(path);
  if (plan.archive === undefined) return ok(undefined);
  const create = (name: string) => createFile(join(directory, name), account);
  const extracted = await extractAs(plan.archive, path, {
    ...{ name: inside, bytesMax: limits.bytesMax, create, stage: request.cache.newPath() },
    options: { directory, account, signal },
  });
  // As in Mesos: an archive that came from the cache does not stay.
  if (extracted.ok && plan.cached) await rm(path, { force: true });
  return extracted;
}

/** `inside`: the same as `path`, seen from the sandbox. */
async function get(
  plan: FetchPlan,
  { path, inside }: { readonly path: string; readonly inside: string },
  means: { readonly request: FetchRequest; readonly limits: DownloadLimits },
): Promise<Result<void, string>> {
  const { source } = plan;
  switch (source.kind) {
    case "HTTP":
      return await getUrl(source.url, path, { plan, ...means });
    case "FILE":
      return await copy({ from: source.path, to: path, inside }, means);
    case "TOOL":
      await rm(path, { force: true });
      return await fetchByTool(source, inside, { ...means.request, limits: means.limits });
    default:
      return unreachable(source);
  }
}

async function extractAs(
  kind: ArchiveKind,
  path: string,
  { options, ...from }: Omit<Extraction, "archive"> & { readonly options: ProgramOptions },
): Promise<Result<void, string>> {
  const archive = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await extract[kind]({ ...from, archive }, options);
  } finally {
    await archive.close();
  }
}

interface Fetch {
  readonly plan: FetchPlan;
  readonly request: FetchRequest;
  readonly limits: DownloadLimits;
}

async function getUrl(url: URL, path: string, fetch: Fetch): Promise<Result<void, string>> {
  const { plan, request } = fetch;
  if (plan.cached) return await getCached(url, path, fetch);
  const file = await createFile(path, request.account);
  if (!file.ok) return file;
  try {
    return await downloadInto(file.value, url, fetch, request.signal);
  } finally {
    await file.value.close();
  }
}

async function getCached(url: URL, path: string, fetch: Fetch): Promise<Result<void, string>> {
  const { account, cache, signal } = fetch.request;
  const taken = await cache.take(
    `${account?.userId ?? ""} ${url.href}`,
    (file, ended) => downloadInto(file, url, fetch, ended),
    signal,
  );
  if (!taken.ok) return taken;
  try {
    await rm(path, { force: true });
    const { COPYFILE_EXCL, COPYFILE_FICLONE, O_RDONLY, O_NOFOLLOW } = constants;
    // Shares the bytes on disk where the file system can, until somebody changes his.
    await copyFile(taken.value.path, path, COPYFILE_EXCL | COPYFILE_FICLONE);
    const file = await open(path, O_RDONLY | O_NOFOLLOW);
    try {
      await file.chmod(0o644);
      if (account !== undefined) await file.chown(account.userId, account.groupId);
    } finally {
      await file.close();
    }
    return ok(undefined);
  } finally {
    taken.value.release();
  }
}

function downloadInto(
  file: FileHandle,
  url: URL,
  { plan, request, limits }: Fetch,
  signal: AbortSignal,
): Promise<Result<void, string>> {
  let saidMs = performance.now();
  const progress = (bytes: number, total: number | undefined): void => {
    if (performance.now() - saidMs < PROGRESS_MS) return;
    saidMs = performance.now();
    const all = total === undefined ? "" : ` of ${megabytes(total)}`;
    request.say(`Fetching '${plan.uri}': ${megabytes(bytes)}${all}`);
  };
  return download(url, file, { limits, signal, outward: request.outward, progress });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

async function copy(
  { from, to, inside }: { readonly from: string; readonly to: string; readonly inside: string },
  { request, limits }: { readonly request: FetchRequest; readonly limits: DownloadLimits },
): Promise<Result<void, string>> {
  const facts = await stat(from).catch(errnoOf);
  if (facts === "ENOENT" || facts === "ENOTDIR") return err("there is no such file on this agent");
  // Whoever it runs as says what else is wrong. A device or a pipe may have no end.
  if (typeof facts !== "string") {
    if (!facts.isFile()) return err("it is not a regular file");
    if (facts.size > limits.bytesMax) return err(`it has more than ${limits.bytesMax} bytes`);
  }
  await rm(to, { force: true });
  const hidden = await realpath(request.workDirectory);
  return await runProgram(["sh", "-c", COPY_SCRIPT, "sh", from, inside, hidden], request);
}

/**
 * What is open is what counts: the way there may lead through links, which somebody may exchange.
 * What only the agent may read would otherwise be had by a task of the same user. Arguments: which
 * file, to where, and the agent's own folder.
 */
const COPY_SCRIPT = `exec <"$1"
at=$(readlink /proc/self/fd/0) || exit 1
case $at in
/proc/*|/sys/*) echo "it is the kernel's" >&2; exit 1 ;;
"$3"/*) echo "it is in the agent's own folder" >&2; exit 1 ;;
esac
exec cp -- /proc/self/fd/0 "$2"`;

/** In place of whatever is there, never through a link. */
async function createFile(
  path: string,
  account: Account | undefined,
): Promise<Result<FileHandle, string>> {
  await rm(path, { force: true });
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
  if (account !== undefined) await file.chown(account.userId, account.groupId);
  return ok(file);
}

async function makeExecutable(path: string): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    await file.chmod(((await file.stat()).mode & 0o7777) | 0o111);
  } finally {
    await file.close();
  }
}

async function guarded(work: () => Promise<Result<void, string>>): Promise<Result<void, string>> {
  try {
    return await work();
  } catch (cause) {
    const where = cause instanceof Error && "path" in cause ? ` (${String(cause.path)})` : "";
    return err(`${errnoOf(cause)}${where}`);
  }
}
