/**
 * What a container with a file system of its own sees, as lines of fstab(5): layers under what it
 * changes, and in them what Mesos gives such containers besides: its sandbox at a path of Mesos',
 * /proc, /sys and /dev, the machine's names of hosts, its volumes. It is put together inside the
 * toolbox that `root-change.ts` tells of. Source: Mesos' `filesystem/linux` and `network/cni`.
 *
 * Every target is a path that was made in the container's uppermost layer, where no link is
 * (`mount-points.ts`); a volume within another volume is as sure as that one's content.
 */
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../../../worker/std/result.ts";
import type { ContainerSpec, LaunchError, RootFileSystem } from "../../containerizer.ts";
import { DOCKER_SANDBOX } from "../../docker/spec.ts";
import { LayeredTree } from "../../images/layered-tree.ts";
import { makeMountPoint } from "../../images/mount-points.ts";
import { systemFolders } from "../../images/toolbox.ts";
import { fileError } from "../../supervisor/file-error.ts";
import type { Setup } from "../../supervisor/isolation.ts";
import { BOX_FOLDERS, boxOf, rootOf } from "../../supervisor/root-change.ts";
import type { Account } from "../../supervisor/users.ts";
import type { DeviceFolder } from "./device-folder.ts";
import type { HostFacts } from "./host-facts.ts";
import { type Bind, bind, line, mountTable } from "./mount-table.ts";
import { isWithin, resolveVolumes } from "./volumes.ts";

export interface RootSpace {
  readonly facts: HostFacts;
  readonly hidden: string;
  readonly spec: ContainerSpec;
  readonly account: Account | undefined;
  readonly root: RootFileSystem;
  readonly devices: DeviceFolder;
  /** A folder that becomes /dev/shm, or a file system of so many bytes. */
  readonly sharedMemory: {
    readonly own?: { readonly bytes: number | undefined };
    readonly folder?: string;
  };
}

/** What mount(8) can hand over at once: a page, less what it adds itself. */
const OPTIONS_BYTES_MAX = 4_000;

export function makeRootSetup(space: RootSpace): Result<Setup, LaunchError> {
  const { facts, spec, root } = space;
  if (spec.sharesProcesses === true && spec.group === undefined) {
    const why = "by the machine's processes it would see the machine's files; leave it out";
    return err({ code: "NOT_SUPPORTED", what: "the machine's process ids, beside an image", why });
  }
  const mounted = mountsInRoot(space);
  if (!mounted.ok) return mounted;
  const layers = layersOf(root);
  if (layers.options.length > OPTIONS_BYTES_MAX) {
    const why =
      "the names of its layers do not fit into one mount; use a shorter --docker-store-dir";
    return err({ code: "NOT_SUPPORTED", what: `${root.layers.length} layers`, why });
  }
  const box = boxOf(root);
  const at = rootOf(root);
  const inBox = (path: string): string => join(box, path);
  const lines = [
    bind({ source: root.toolbox, target: box, readOnly: true }),
    ...systemFolders().map((path) => bind({ source: path, target: inBox(path), readOnly: true })),
    ...["/proc", "/dev"].map((path) => both(path, inBox(path))),
    both(join(root.folder, BOX_FOLDERS.run), inBox(BOX_FOLDERS.run)),
    line("rimrock-root", at, "overlay", layers.options),
    ...["/proc", "/dev", "/sys"].map((path) => both(path, join(at, path))),
    ...mounted.value.binds.map((each) => bind(each)),
  ];
  return ok({
    mountProgram: facts.mount,
    statProgram: facts.stat,
    commonMounts: "",
    mounts: outerTable(space) + lines.join(""),
    hostname: spec.hostname,
    baseDirectory: layers.base,
    directory: spec.sandboxDirectory,
    expected: mounted.value.expected,
  });
}

function both(source: string, target: string): string {
  return bind({ source, target, readOnly: false });
}

/** What is around the root: with a /proc, a /dev and a read-only /sys to take along. */
function outerTable({ facts, hidden, devices, sharedMemory, spec }: RootSpace): string {
  const target = join(devices.path, "shm");
  const { folder, own } = sharedMemory;
  const shm = folder === undefined ? [] : [{ source: folder, target, readOnly: false }];
  return mountTable({
    systemMounts: facts.systemMounts,
    readOnlyFiles: facts.readOnlyFiles.filter((path) => !isWithin(path, hidden)),
    devices: [...devices.devices, ...shm],
    deviceFolder: devices.path,
    sharedMemory: own,
    ...{ volumes: [], temporaryFolder: undefined, volumesInTemporaryFolder: [] },
    ...{ hidden: undefined, exposed: [] },
    ownProcesses:
      facts.isolators.has("namespaces/pid") &&
      (spec.sharesProcesses !== true || spec.group !== undefined),
    guarded: facts.guarded,
  });
}

interface RootMounts {
  /** In order. */
  readonly binds: readonly Bind[];
  readonly expected: Setup["expected"];
}

/** Of the folder with all images, so that the options stay short. */
function layersOf({ folder, layers }: RootFileSystem): { base: string; options: string } {
  const base = join(folder, "..", "..");
  const short = (path: string): string =>
    isWithin(path, base) ? path.slice(base.length + 1) : path;
  const lower = layers.map(({ path }) => short(path)).join(":");
  const upper = `upperdir=${short(join(folder, "upper"))},workdir=${short(join(folder, "work"))}`;
  return { base, options: `nodev,lowerdir=${lower},${upper}` };
}

function mountsInRoot(space: RootSpace): Result<RootMounts, LaunchError> {
  const { spec, root, account, hidden } = space;
  const place = { tree: new LayeredTree(root.layers), upper: join(root.folder, "upper") };
  const at = rootOf(root);
  /** Where it is on the machine. */
  const make = (path: string, kind: "FOLDER" | "FILE", mode?: number): Result<string, string> => {
    const made = makeMountPoint(place, path, { kind, ...(mode !== undefined && { mode }) });
    return made.ok ? ok(join(at, made.value)) : made;
  };
  const binds: Bind[] = [];
  const mount = (source: string, path: string, how: { kind: "FOLDER" | "FILE"; ro: boolean }) => {
    const target = make(path, how.kind);
    if (target.ok) binds.push({ source, target: target.value, readOnly: how.ro });
    return target.ok ? undefined : refused(path, target.error);
  };
  for (const path of ["/proc", "/dev", "/sys", "/tmp"]) {
    const made = make(path, "FOLDER", path === "/tmp" ? 0o1777 : 0o755);
    if (!made.ok) return err(refused(path, made.error));
  }
  const files = hostFiles(spec, root.folder);
  if (!files.ok) return files;
  for (const [path, source] of files.value) {
    const failed = mount(source, path, { kind: "FILE", ro: true });
    if (failed !== undefined) return err(failed);
  }
  const own = mount(spec.sandboxDirectory, DOCKER_SANDBOX, { kind: "FOLDER", ro: false });
  if (own !== undefined) return err(own);
  for (const { path, readOnly } of spec.agentFolders ?? []) {
    const failed = mount(path, path, { kind: "FOLDER", ro: readOnly });
    if (failed !== undefined) return err(failed);
  }
  const volumes = resolveVolumes({
    ...{ spec, account, hidden },
    targets: {
      sandbox: join(at, DOCKER_SANDBOX),
      make: (path, isFolder) =>
        targetOf(path, (where) => make(where, isFolder ? "FOLDER" : "FILE")),
      sandboxInContainer: DOCKER_SANDBOX,
    },
  });
  if (!volumes.ok) return volumes;
  const expected = volumes.value.map(({ bind: { target }, identity }) => ({
    ...{ path: target, identity },
  }));
  return ok({ binds: [...binds, ...volumes.value.map((volume) => volume.bind)], expected });
}

const RESERVED = ["/proc", "/sys", "/dev"];

function targetOf(
  path: string,
  make: (path: string) => Result<string, string>,
): Result<string, string> {
  if (path.split("/").includes("..") || path.includes("\0")) {
    return err("the container path has '..' in it; write where it leads");
  }
  const clean = `/${path.split("/").filter(Boolean).join("/")}`;
  if (clean === "/" || RESERVED.some((folder) => isWithin(clean, folder))) {
    return err("the container's /, /proc, /sys and /dev are its system's; choose another path");
  }
  return make(clean);
}

function refused(containerPath: string, why: string): LaunchError {
  return { code: "VOLUME_REFUSED", containerPath, why };
}

/** What a container on the machine's network has to know of it, by path. */
function hostFiles(
  { hostname }: ContainerSpec,
  folder: string,
): Result<readonly (readonly [string, string])[], LaunchError> {
  const found = ["/etc/resolv.conf", "/etc/hosts", "/etc/hostname"].flatMap((path) =>
    existsSync(path) ? [[path, realpathSync(path)] as const] : [],
  );
  if (hostname === undefined) return ok(found);
  const [hosts, name] = [join(folder, "hosts"), join(folder, "hostname")];
  try {
    const known = existsSync("/etc/hosts") ? readFileSync("/etc/hosts", "utf8") : "";
    writeFileSync(hosts, `${known.trimEnd()}\n127.0.0.1 ${hostname}\n`, { mode: 0o644 });
    writeFileSync(name, `${hostname}\n`, { mode: 0o644 });
  } catch (cause) {
    return err(fileError("write", hosts, cause));
  }
  return ok([
    ...found.filter(([path]) => path === "/etc/resolv.conf"),
    ["/etc/hosts", hosts],
    ["/etc/hostname", name],
  ]);
}
