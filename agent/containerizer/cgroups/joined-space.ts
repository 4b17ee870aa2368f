/**
 * The namespaces of a running container, for a command that is to live in it. They are held open
 * from before it is checked that they are that container's: no process id that has gone to somebody
 * else leads into a wrong one.
 */
import { closeSync, openSync, readlinkSync } from "node:fs";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { LaunchError } from "../containerizer.ts";
import { isAlive } from "../supervisor/ends.ts";
import { findProgram } from "../supervisor/host-tools.ts";
import type { Confined, JoinedSpace } from "../supervisor/isolation.ts";

/**
 * nsenter's options, by the supervisor's files: it lives in all of its container's namespaces but
 * that of process ids, which its children are in.
 */
const FILES = {
  mnt: "--mount",
  pid_for_children: "--pid",
  ipc: "--ipc",
  uts: "--uts",
} as const;

/** Descriptors from 5 on are free in the supervisor, and up to 8 in the shells that close them. */
const FIRST_DESCRIPTOR = 5;

/** Undefined: it has none of its own. */
export function joinSpace(outer: Confined): Result<JoinedSpace | undefined, LaunchError> {
  const gone = err({ code: "CONTAINER_NOT_RUNNING", containerId: outer.containerId } as const);
  const supervisor = outer.started?.supervisor;
  if (supervisor === undefined) return gone;
  const descriptors: number[] = [];
  const options: string[] = [];
  const closeAll = (): void => {
    for (const descriptor of descriptors) closeSync(descriptor);
  };
  try {
    // The keys are the table's own.
    for (const name of Object.keys(FILES) as (keyof typeof FILES)[]) {
      const path = `/proc/${supervisor.pid}/ns/${name}`;
      const own = `/proc/self/ns/${name}`;
      if (readlinkSync(path) === readlinkSync(own)) continue;
      options.push(`${FILES[name]}=/proc/self/fd/${FIRST_DESCRIPTOR + descriptors.length}`);
      descriptors.push(openSync(path, "r"));
    }
    if (!isAlive(supervisor)) {
      closeAll();
      return gone;
    }
  } catch {
    closeAll();
    return gone;
  }
  if (descriptors.length === 0) return ok(undefined);
  const nsenter = findProgram("nsenter");
  if (nsenter !== undefined)
    return ok({ kind: "JOINED", enter: [nsenter, ...options], descriptors });
  closeAll();
  const why = "the program nsenter is missing; install util-linux";
  return err({ code: "NOT_SUPPORTED", what: "the namespaces of another one", why });
}
