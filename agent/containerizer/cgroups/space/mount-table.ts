/**
 * The file systems that a container sees, as lines of fstab(5) for mount(8). It begins with a copy
 * of the machine's mounts; each line changes that copy, in order. What is the same for all ordinary
 * containers comes first, so that it can be mounted before it is known for which. Pure.
 *
 * 1. What lines mount is named by paths as they are *before* the first line, except beneath the
 * base folder: those are relative to it, which leads past whatever is mounted over it meanwhile.
 * 2. Nothing that a later line needs is covered by an earlier one.
 * 3. No line is left out: its target is written as no mount of the machine is.
 */

/** One mount of the machine. */
export interface HostMount {
  readonly path: string;
  /** Like ["rw", "nosuid", "nodev"]. */
  readonly options: readonly string[];
}

export interface Bind {
  /** Absolute, or relative to the base folder. */
  readonly source: string;
  /** Absolute. */
  readonly target: string;
  readonly readOnly: boolean;
}

export interface MountPlan {
  /** The machine's mounts at and beneath /sys. */
  readonly systemMounts: readonly HostMount[];
  /** Files that its processes must not change: the agent's program and helpers. */
  readonly readOnlyFiles: readonly string[];
  /** Mounts by which device files appear in the folder that becomes /dev. */
  readonly devices: readonly Bind[];
  readonly deviceFolder: string;
  /** Of a /dev/shm of its own: bytes, or half of the machine's memory; undefined: the machine's. */
  readonly sharedMemory: { readonly bytes: number | undefined } | undefined;
  /** Volumes outside /tmp. */
  readonly volumes: readonly Bind[];
  /** Becomes /tmp, unless a volume does. */
  readonly temporaryFolder: string | undefined;
  readonly volumesInTemporaryFolder: readonly Bind[];
  /** The agent's own folder, which becomes empty but for `exposed`; undefined: none. */
  readonly hidden: string | undefined;
  /** Each at its own path again. */
  readonly exposed: readonly Bind[];
  /** Everything but its volumes and the folders of its own is as in other containers. */
  readonly isOrdinary: boolean;
  /** Its processes have a process id namespace: a /proc of their own. */
  readonly ownProcesses: boolean;
  /** Paths beneath /proc by which root changes the machine, as far as they exist here. */
  readonly guarded: readonly string[];
}

/** All of it at once. */
export function mountTable(plan: Omit<MountPlan, "isOrdinary">): string {
  return mountTables({ ...plan, isOrdinary: false }).own;
}

/** To be mounted in this order. */
export interface MountTables {
  /** The same for all ordinary containers; empty for others. */
  readonly common: string;
  readonly own: string;
}

export function mountTables(plan: MountPlan): MountTables {
  const volumes = [...plan.volumes, ...plan.volumesInTemporaryFolder];
  // They mean the machine's, which is there only until the container's own is.
  const needsProc = volumes.some(({ source }) => `${source}/`.startsWith("/proc/"));
  const [system, own, processes] = [systemLines(plan), ownLines(plan), processLines(plan)];
  if (!plan.isOrdinary || needsProc) return { common: "", own: system + own + processes };
  return { common: system + processes, own };
}

function systemLines(plan: MountPlan): string {
  const { systemMounts, devices, sharedMemory } = plan;
  const lines = [
    ...systemMounts.map((mount) => systemReadOnly(mount, systemMounts)),
    ...plan.readOnlyFiles.map(readOnly),
    ...devices.map((device) => bind(device)),
    bind({ source: plan.deviceFolder, target: "/dev", readOnly: false }),
    line("rimrock-pts", "/dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=620,nosuid,noexec"),
    sharedMemory === undefined ? "" : sharedMemoryLine(sharedMemory.bytes),
    // The folder behind it is every container's; what is mounted below it stays as it is.
    line("rimrock", "/dev", "none", "remount,bind,ro,nosuid,noexec"),
  ];
  return lines.join("");
}

function ownLines(plan: MountPlan): string {
  const { hidden, temporaryFolder } = plan;
  const lines = [
    ...plan.volumes.map((volume) => bind(volume)),
    temporaryFolder === undefined
      ? ""
      : bind({ source: temporaryFolder, target: "/tmp", readOnly: false }),
    hidden === undefined ? "" : line("rimrock", hidden, "tmpfs", HIDING),
    ...plan.exposed.map((exposed) => bind(exposed, "X-mount.mkdir")),
    ...plan.volumesInTemporaryFolder.map((volume) => bind(volume, "X-mount.mkdir")),
  ];
  return lines.join("");
}

function processLines({ ownProcesses, guarded }: MountPlan): string {
  const own = ownProcesses ? line("rimrock-proc", "/proc", "proc", "nosuid,nodev,noexec") : "";
  return [own, ...guarded.map(readOnly)].join("");
}

function readOnly(path: string): string {
  return bind({ source: path, target: path, readOnly: true });
}

/** A page of content and some folders: enough for the way to what is exposed, and nothing else. */
const HIDING = "size=4k,nr_inodes=256,mode=755,nosuid,nodev,X-mount.mkdir";

/** Mounts below a folder come along, but not where it is read-only: they would stay writable. */
export function bind({ source, target, readOnly }: Bind, option?: string): string {
  const options = [readOnly ? "bind,ro" : "rbind", ...(option === undefined ? [] : [option])];
  const path = source.startsWith("/") ? source : `./${source}`;
  return line(path, target, "none", options.join(","));
}

/**
 * A mount with others below it becomes read-only where it is, so that they stay; its other options
 * have to be repeated. One without gets a read-only copy over it: a cgroup's files may be open for
 * writing at this moment, which would be in the way of the former.
 */
function systemReadOnly({ path, options }: HostMount, all: readonly HostMount[]): string {
  const kept = options.filter((option) => option !== "rw" && option !== "ro");
  const hasMore = all.some((other) => other.path.startsWith(`${path}/`));
  const how = hasMore ? ["remount", "bind", "ro"] : ["bind", "ro"];
  return line(hasMore ? "rimrock" : path, path, "none", [...how, ...kept].join(","));
}

function sharedMemoryLine(bytes: number | undefined): string {
  const size = bytes === undefined ? "" : `,size=${bytes}`;
  return line("rimrock-shm", "/dev/shm", "tmpfs", `mode=1777,nosuid,nodev${size}`);
}

export function line(source: string, target: string, type: string, options: string): string {
  return `${escaped(source)} ${escaped(unheardOf(target))} ${type} ${options} 0 0\n`;
}

/**
 * The same path as no mount is known by: mount(8) leaves a line out when it finds the same thing
 * mounted there already, and so would leave writable what is to become read-only.
 */
function unheardOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return `${path.slice(0, slash)}/.${path.slice(slash)}`;
}

/** fstab(5): blanks are `\040`; a leading `#` would make a comment of the line. */
function escaped(path: string): string {
  return path.replace(
    /[\s\\#]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
}
