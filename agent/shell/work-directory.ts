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
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { err, ok, type Result } from "../../worker/std/result.ts";
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
  | { readonly code: "IN_USE"; readonly path: string; readonly pid: string | undefined };

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
    const lock = await lockName(`\0rimrock-agent-${dev}-${ino}`);
    if (lock === undefined) return err({ code: "IN_USE", path, pid: readPid(pidFile) });
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

function readPid(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
