/**
 * The agent's folder: where everything lies in it, and the lock that keeps a second agent out.
 *
 *   meta/           checkpoints (checkpoint.ts), how containers ended (the containerizer), what has
 *                   left the checkpoint (history.ts), the API's last port (api/port.ts)
 *   api-token       what the API asks for (api/access.ts)
 *   slaves/         sandboxes, in Mesos' layout (sandbox.ts)
 *   volumes/        persistent volumes (volumes.ts)
 *
 * The lock is a socket name of the kernel's, not a file: it goes with the process however that
 * ends, and cannot be stale. (Abstract Unix sockets: unix(7), Linux only. They are per network
 * namespace.)
 */
import {
  chmodSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { CONTAINER_MARK } from "../containerizer/supervisor/process-table.ts";
import { errnoOf } from "./errno.ts";
import { makeDirectory } from "./make-directory.ts";
import { releaseStartReserve } from "./reserve-space.ts";

export interface WorkDirectory {
  /** Absolute. */
  readonly path: string;
  readonly metaDirectory: string;
  readonly runtimeDirectory: string;
  release(): void;
}

export type WorkDirectoryError =
  | { readonly code: "UNUSABLE"; readonly path: string; readonly errno: string }
  /** `pid`: as the other agent wrote it down; undefined when it did not. */
  | { readonly code: "IN_USE"; readonly path: string; readonly pid: string | undefined }
  /** A process that is none of this folder's agents has the lock's name: tasks can take it. */
  | { readonly code: "NAME_TAKEN"; readonly path: string; readonly holder: string };

/** Makes the folders and takes the lock. */
export async function takeWorkDirectory(
  path: string,
): Promise<Result<WorkDirectory, WorkDirectoryError>> {
  const metaDirectory = join(path, "meta");
  const runtimeDirectory = join(metaDirectory, "runtime");
  const pidFile = join(metaDirectory, "pid");
  try {
    // Tasks that run as other users have to reach their sandboxes; `meta` is the agent's own.
    makeDirectory(join(path, "slaves"), 0o755);
    makeDirectory(join(path, "volumes"), 0o755);
    makeDirectory(runtimeDirectory, 0o700);
    chmodSync(metaDirectory, 0o700);
    const { dev, ino } = statSync(metaDirectory);
    const name = `rimrock-agent-${dev}-${ino}`;
    const lock = await lockName(`\0${name}`);
    if (lock === undefined) {
      const pid = readPid(pidFile);
      const holder = holderOf(name);
      // One that has just taken the lock has not written its own down yet.
      const isAgent = holder === undefined || holder === pid || isLikeThisProcess(holder);
      if (isAgent) return err({ code: "IN_USE", path, pid: holder ?? pid });
      return err({ code: "NAME_TAKEN", path, holder });
    }
    releaseStartReserve(metaDirectory);
    writeFileSync(pidFile, `${process.pid}\n`);
    const release = (): void => void lock.close();
    return ok({ path, metaDirectory, runtimeDirectory, release });
  } catch (cause) {
    return err({ code: "UNUSABLE", path, errno: errnoOf(cause) });
  }
}

const CHOOSE_ANOTHER = "choose another with --work-dir";

export function describeWorkDirectoryError(error: WorkDirectoryError): string {
  switch (error.code) {
    case "UNUSABLE":
      return `cannot use the work directory ${error.path}: ${error.errno}; ${CHOOSE_ANOTHER}`;
    case "IN_USE": {
      const who =
        error.pid === undefined ? "another agent" : `another agent (process ${error.pid})`;
      return `${who} uses the work directory ${error.path}; stop it, or ${CHOOSE_ANOTHER}`;
    }
    case "NAME_TAKEN":
      return (
        `process ${error.holder}, which is no agent, keeps agents out of ${error.path} by holding ` +
        "the name of its lock; find out whose it is, and end it"
      );
  }
}

/** Holds the name until it is closed or the process ends; undefined = somebody else holds it. */
function lockName(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (cause) => {
      if (errnoOf(cause) === "EADDRINUSE") resolve(undefined);
      else reject(cause);
    });
    server.listen(name, () => resolve(server.unref()));
  });
}

/** The process that listens on this abstract socket name; undefined: it cannot be found. */
function holderOf(name: string): string | undefined {
  const line = readFileSync("/proc/net/unix", "latin1")
    .split("\n")
    // Node 20 fills the name up with NULs, which are shown as this.
    .find((each) => each.replace(/@+$/, "").endsWith(` @${name}`));
  const inode = line?.trim().split(/\s+/)[6];
  if (inode === undefined) return undefined;
  const link = `socket:[${inode}]`;
  return readdirSync("/proc").find((pid) => /^\d+$/.test(pid) && hasOpen(pid, link));
}

function hasOpen(pid: string, link: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((name) => readlinkSync(join(folder, name)) === link);
  } catch {
    // It has ended, closed something, or is somebody else's.
    return false;
  }
}

/** The same program, and in no container: tasks may run Node, too, but not where agents do. */
function isLikeThisProcess(pid: string): boolean {
  try {
    const isIn = (kind: string): string => readlinkSync(`/proc/${pid}/ns/${kind}`);
    const own = (kind: string): string => readlinkSync(`/proc/self/ns/${kind}`);
    const isSameProgram = readlinkSync(`/proc/${pid}/exe`) === readlinkSync("/proc/self/exe");
    const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
    return (
      isSameProgram && isIn("mnt") === own("mnt") && !environment.includes(`${CONTAINER_MARK}=`)
    );
  } catch {
    return false;
  }
}

function readPid(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
