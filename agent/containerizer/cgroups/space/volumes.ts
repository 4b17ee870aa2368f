/**
 * From the volumes that a container asks for to mounts, or to the reason against one. Paths in
 * sandboxes are walked without following links (`beneath.ts`); on the way to a folder of the
 * machine only root's links are followed. What was found is compared with what was mounted
 * (`script.ts`), so that nobody exchanges it in between.
 */
import { lstatSync, readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { err, ok, type Result } from "../../../../worker/std/result.ts";
import type { ContainerSpec, LaunchError, UserRange, VolumeMount } from "../../containerizer.ts";
import { errnoOf } from "../../supervisor/file-error.ts";
import type { Account } from "../../supervisor/users.ts";
import { type Found, lookBeneath, namesOf } from "./beneath.ts";
import type { Bind } from "./mount-table.ts";

export interface ResolvedVolume {
  readonly bind: Bind;
  readonly identity: string;
}

export interface VolumeContext {
  readonly spec: ContainerSpec;
  readonly account: Account | undefined;
  /** Users of its own, if it has some. */
  readonly users?: UserRange | undefined;
  /** The agent's own folder: no volume leads there. */
  readonly hidden: string;
  /** Of a container with a file system of its own; absent: it has the machine's. */
  readonly targets?: {
    /** Where its sandbox is mounted, and what it calls that itself. */
    readonly sandbox: string;
    readonly sandboxInContainer: string;
    /** Makes an absolute path of the container's, and says where that is on the machine. */
    readonly make: (path: string, isFolder: boolean) => Result<string, Refusal>;
  };
}

type Refusal = string;

/** Where a container's own system mounts are. */
const RESERVED = ["/proc", "/sys", "/dev"];
const LINKS_MAX = 40;

export function resolveVolumes(
  context: VolumeContext,
): Result<readonly ResolvedVolume[], LaunchError> {
  const resolved: ResolvedVolume[] = [];
  for (const volume of context.spec.volumes ?? []) {
    const one = resolveVolume(context, volume);
    const { containerPath } = volume;
    if (!one.ok) return err({ code: "VOLUME_REFUSED", containerPath, why: one.error });
    resolved.push(one.value);
  }
  return ok(resolved);
}

function resolveVolume(
  context: VolumeContext,
  volume: VolumeMount,
): Result<ResolvedVolume, Refusal> {
  const source = findSource(context, volume);
  if (!source.ok) return source;
  const target = findTarget(context, volume.containerPath, source.value);
  if (!target.ok) return target;
  const { path, identity } = source.value;
  return ok({ bind: { source: path, target: target.value, readOnly: volume.readOnly }, identity });
}

interface Source extends Found {
  readonly path: string;
}

function findSource(context: VolumeContext, volume: VolumeMount): Result<Source, Refusal> {
  const { source } = volume;
  if (source.kind === "HOST" || source.kind === "AGENT") return hostSource(context, volume);
  const { spec, account } = context;
  const [folder, whose] =
    source.kind === "SANDBOX"
      ? [spec.sandboxDirectory, "its sandbox"]
      : [spec.group?.sandboxDirectory, "its parent's sandbox"];
  if (folder === undefined) return err("only a container in another one has a parent's sandbox");
  const names = namesOf(source.path);
  if (names === undefined) return err(`the path '${source.path}' leads out of ${whose}`);
  const found = lookBeneath(folder, names, { kind: "FOLDER", account, mode: 0o755 });
  if (!found.ok) return err(walkError(source.path, whose, found.error));
  return ok({ ...found.value, path: join(folder, ...names) });
}

function hostSource(
  { hidden, users }: VolumeContext,
  { source: { kind, path: given }, readOnly }: VolumeMount,
): Result<Source, Refusal> {
  if (!given.startsWith("/")) return err(`the host path '${given}' is not absolute`);
  try {
    const path = throughTrustedLinks(given);
    if (kind === "HOST" && (isWithin(path, hidden) || isWithin(hidden, path))) {
      return err(`the host path '${given}' holds what is the agent's own (${hidden})`);
    }
    const stat = statSync(path);
    const isForeign = users !== undefined && kind === "HOST" && isOthers(stat, users);
    if (isForeign && !readOnly) return err(foreign(given, stat.uid, users));
    return ok({ path, identity: `${stat.dev}:${stat.ino}`, isFolder: stat.isDirectory() });
  } catch (cause) {
    const errno = errnoOf(cause);
    if (errno === "ENOENT") return err(`there is no '${given}' on this machine; make it first`);
    return err(`the host path '${given}' cannot be used: ${errno}`);
  }
}

/** Nobody in the container could write to it. */
function isOthers({ uid, mode }: Stats, { from, count }: UserRange): boolean {
  return (uid < from || uid >= from + count) && (mode & 0o002) === 0;
}

function foreign(path: string, userId: number, { from }: UserRange): string {
  return (
    `the host path '${path}' belongs to the user ${userId}, who is nobody in a container with ` +
    `users of its own; mount it read-only (RO), or give it to ${from} and above: ` +
    `${from} is the container's root`
  );
}

/** The real path; throws ELOOP at a link that is neither root's nor the agent's own. */
function throughTrustedLinks(path: string): string {
  let at = "/";
  let rest = resolve(path).split("/").filter(Boolean);
  for (let links = 0; rest.length > 0; ) {
    const [name = "", ...further] = rest;
    const next = join(at, name);
    const stat = lstatSync(next);
    if (!stat.isSymbolicLink()) {
      [at, rest] = [next, further];
      continue;
    }
    if (stat.uid !== 0 && stat.uid !== process.geteuid?.()) throw new Error("a link of a user");
    if (++links > LINKS_MAX) throw new Error("too many links");
    const target = resolve(at, readlinkSync(next));
    [at, rest] = ["/", [...target.split("/").filter(Boolean), ...further]];
  }
  return at;
}

/** The path that the container sees; made where it is in the sandbox. */
function findTarget(
  { spec, account, hidden, targets }: VolumeContext,
  containerPath: string,
  source: Found,
): Result<string, Refusal> {
  const inSandbox = pathInSandbox(containerPath, targets?.sandboxInContainer);
  if (inSandbox === undefined) {
    if (targets === undefined) return hostTarget(containerPath, hidden, source);
    return targets.make(containerPath, source.isFolder);
  }
  const names = namesOf(inSandbox);
  if (names === undefined || names.length === 0) {
    return err("the container path leads out of the sandbox; choose one inside it");
  }
  const kind = source.isFolder ? "FOLDER" : "FILE";
  const found = lookBeneath(spec.sandboxDirectory, names, { kind, account, mode: 0o755 });
  if (!found.ok) return err(walkError(containerPath, "the sandbox", found.error));
  if (found.value.isFolder !== source.isFolder) return err(MISMATCH);
  return ok(join(targets?.sandbox ?? spec.sandboxDirectory, ...names));
}

/** Relative; undefined: it is elsewhere. `sandbox`: what the container calls its own. */
function pathInSandbox(path: string, sandbox: string | undefined): string | undefined {
  if (!path.startsWith("/")) return path;
  return sandbox !== undefined && path.startsWith(`${sandbox}/`)
    ? path.slice(sandbox.length + 1)
    : undefined;
}

const MISMATCH = "one of host path and container path is a folder and the other is not";

function hostTarget(path: string, hidden: string, source: Found): Result<string, Refusal> {
  if (path.split("/").includes("..") || path.includes("\0")) {
    return err("the container path has '..' in it; write where it leads");
  }
  const target = resolve(path);
  // Made there, because /tmp begins empty.
  if (isWithin(target, "/tmp") && target !== "/tmp") {
    if (source.isFolder) return ok(target);
    return err("in /tmp only folders can be mounted");
  }
  try {
    const real = realpathSync(target);
    if (real === "/" || RESERVED.some((folder) => isWithin(real, folder))) {
      return err("the container's /, /proc, /sys and /dev are its system's; choose another path");
    }
    if (isWithin(real, hidden) || isWithin(hidden, real)) {
      return err(`the container path covers what is the agent's own (${hidden})`);
    }
    if (statSync(real).isDirectory() !== source.isFolder) return err(MISMATCH);
    return ok(real);
  } catch (cause) {
    if (errnoOf(cause) !== "ENOENT") return err(`the container path: ${errnoOf(cause)}`);
    return err(
      "the container shares the machine's file system, and the path does not exist there; " +
        "make it on the machine, or use a path relative to the sandbox",
    );
  }
}

function walkError(path: string, whose: string, errno: string): string {
  const link = errno === "ELOOP" || errno === "ENOTDIR" || errno === "ENXIO";
  if (link) return `the path '${path}' meets a link or a special file in ${whose}`;
  return `the path '${path}' in ${whose} cannot be used: ${errno}`;
}

/** Both absolute. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** Real paths of what exists; of the rest, its deepest existing folder's. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), path.slice(parent.length));
  }
}
