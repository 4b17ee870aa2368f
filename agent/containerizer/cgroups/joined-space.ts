/**
 * The namespaces of a running container, for a command that is to live in them. They are held open
 * from before it is checked that they are that container's: no process id that has gone to somebody
 * else leads into a wrong one.
 */
import { closeSync, openSync, readlinkSync } from "node:fs";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { LaunchError } from "../containerizer.ts";
import { isAlive } from "../supervisor/ends.ts";
import { findProgram } from "../supervisor/host-tools.ts";
import type { Confined, JoinedSpace } from "../supervisor/isolation.ts";
import type { ProcessIdentity } from "../supervisor/records.ts";

/**
 * nsenter's options, by the supervisor's files: it lives in all of its container's namespaces but
 * that of process ids, which its children are in.
 */
const OPTIONS = {
  mnt: "--mount",
  pid_for_children: "--pid",
  pid: "--pid",
  ipc: "--ipc",
  uts: "--uts",
} as const;
type NamespaceFile = keyof typeof OPTIONS;
const ALL: readonly NamespaceFile[] = ["mnt", "pid_for_children", "ipc", "uts"];

/** Descriptors from 5 on are free in the supervisor, and up to 8 in the shells that close them. */
export const FIRST_DESCRIPTOR = 5;

/** All namespaces of its own; undefined: it has none. */
export function joinSpace(outer: Confined): Result<JoinedSpace | undefined, LaunchError> {
  const { containerId } = outer;
  const opened = openNamespaces(outer.started?.supervisor, ALL);
  if (opened === undefined) return err({ code: "CONTAINER_NOT_RUNNING", containerId });
  const { options, descriptors } = opened;
  if (descriptors.length === 0) return ok(undefined);
  const nsenter = findProgram("nsenter");
  if (nsenter !== undefined)
    return ok({ kind: "JOINED", enter: [nsenter, ...options], descriptors });
  for (const descriptor of descriptors) closeSync(descriptor);
  const why = "the program nsenter is missing; install util-linux";
  return err({ code: "NOT_SUPPORTED", what: "the namespaces of another one", why });
}

export interface OpenNamespaces {
  /** Of nsenter(1). */
  readonly options: readonly string[];
  readonly descriptors: readonly number[];
}

/** Those of `files` that are not the agent's. Undefined: the process has ended. */
export function openNamespaces(
  process: ProcessIdentity | undefined,
  files: readonly NamespaceFile[],
  firstDescriptor = FIRST_DESCRIPTOR,
): OpenNamespaces | undefined {
  if (process === undefined) return undefined;
  const descriptors: number[] = [];
  const options: string[] = [];
  let isThere = false;
  try {
    for (const name of files) {
      const path = `/proc/${process.pid}/ns/${name}`;
      if (readlinkSync(path) === readlinkSync(`/proc/self/ns/${name}`)) continue;
      options.push(`${OPTIONS[name]}=/proc/self/fd/${firstDescriptor + descriptors.length}`);
      descriptors.push(openSync(path, "r"));
    }
    isThere = isAlive(process);
  } catch {
    // It has ended meanwhile.
  }
  if (isThere) return { options, descriptors };
  for (const descriptor of descriptors) closeSync(descriptor);
  return undefined;
}
