/**
 * The folder that becomes a container's /dev. It is made once for each set of devices, with links
 * and empty files; the devices themselves are mounted onto the files, in each container's own mount
 * namespace.
 */
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../../../worker/std/result.ts";
import type { FileError } from "../../containerizer.ts";
import { fileError } from "../../supervisor/file-error.ts";
import type { Bind } from "./mount-table.ts";

/** What every container has, as Mesos gives; terminals come with /dev/pts. */
const BASE = ["null", "zero", "full", "random", "urandom", "tty"] as const;

const LINKS = {
  fd: "/proc/self/fd",
  stdin: "/proc/self/fd/0",
  stdout: "/proc/self/fd/1",
  stderr: "/proc/self/fd/2",
  ptmx: "pts/ptmx",
} as const;

export interface DeviceFolder {
  readonly path: string;
  readonly devices: readonly Bind[];
}

export interface DeviceFile {
  /** In the container's /dev. */
  readonly name: string;
  /** On the machine. */
  readonly path: string;
  /** Absent: what its permissions say. */
  readonly isReadOnly?: true;
}

/** `more`: besides those that every container has. */
export function deviceFolder(
  runtimeDirectory: string,
  more: readonly DeviceFile[],
): Result<DeviceFolder, FileError> {
  const base: readonly DeviceFile[] = BASE.map((name) => ({ name, path: `/dev/${name}` }));
  const files = [...base, ...more];
  const folder = ["dev", ...more.map(({ name }) => name)].join("+");
  const path = join(`${runtimeDirectory}.devices`, folder);
  const devices = files.map(({ name, path: source, isReadOnly }) => ({
    source,
    target: join(path, name),
    readOnly: isReadOnly === true,
  }));
  if (existsSync(path)) return ok({ path, devices });
  const fresh = `${path}.${process.pid}`;
  try {
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true, mode: 0o755 });
    for (const folder of ["pts", "shm"]) mkdirSync(join(fresh, folder));
    for (const { name } of files) writeFileSync(join(fresh, name), "");
    for (const [name, target] of Object.entries(LINKS)) symlinkSync(target, join(fresh, name));
    // Whole or not at all: an agent may end in between.
    renameSync(fresh, path);
    return ok({ path, devices });
  } catch (cause) {
    return err(fileError("make", path, cause));
  }
}
