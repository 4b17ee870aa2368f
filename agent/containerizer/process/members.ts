/**
 * Which processes belong to a container that no kernel object marks. Three signs, each of which a
 * process keeps in a case where the others are lost:
 *   1. it descends from the supervisor (lost when a parent on the way has died),
 *   2. it is in the command's session (lost by setsid),
 *   3. its environment has the container's mark (lost when a program clears its environment).
 * A process that has lost all three (a daemon that cleared its environment, called setsid and whose
 * parents have died) is not found, nor is one whose environment another user owns when the agent is
 * not root. The `cgroups` containerizer has no such hole.
 */

import type { Confined } from "../supervisor/isolation.ts";
import { type ProcessStat, readMark, readProcess } from "../supervisor/process-table.ts";

/** The live members in `processes`, a snapshot. The supervisor is none of them. */
export function membersOf(
  container: Confined,
  processes: readonly ProcessStat[],
): readonly ProcessStat[] {
  const { supervisorPid, started } = container;
  const family = new Set<number>(supervisorPid === undefined ? [] : [supervisorPid]);
  // After a restart of the agent, a session's number may have gone to somebody else.
  const session = container.vouched ? started?.commandPid : undefined;
  const earliest = started?.supervisor.startTicks ?? 0;
  const members: ProcessStat[] = [];
  const rest: ProcessStat[] = [];
  for (const process of processes) {
    if (process.pid === supervisorPid || process.startTicks < earliest) continue;
    const marked = process.sessionId === session || markOf(process) === container.containerId;
    if (!marked) {
      rest.push(process);
      continue;
    }
    family.add(process.pid);
    members.push(process);
  }
  members.push(...descendants(family, rest));
  return members.filter((process) => process.state !== "Z" && process.state !== "X");
}

/**
 * The mark of a process as it was when the first container of a snapshot asked: else everybody's
 * environment would be read again for every container.
 */
function markOf(process: ProcessStat): string | undefined {
  const known = marks.get(process);
  if (known !== undefined) return known.mark;
  const mark = readMark(process.pid);
  marks.set(process, { mark });
  return mark;
}

/** Goes with the snapshot that the process is in. */
const marks = new WeakMap<ProcessStat, { readonly mark: string | undefined }>();

function descendants(family: Set<number>, candidates: readonly ProcessStat[]): ProcessStat[] {
  const found: ProcessStat[] = [];
  let rest = candidates;
  for (;;) {
    const children = rest.filter((process) => family.has(process.parentPid));
    if (children.length === 0) return found;
    rest = rest.filter((process) => !family.has(process.parentPid));
    for (const child of children) family.add(child.pid);
    found.push(...children);
  }
}

/** Whether `pid` still is the process of the snapshot: asked right before a signal is sent. */
export function isStill(process: ProcessStat): boolean {
  return readProcess(process.pid)?.startTicks === process.startTicks;
}
