/**
 * What must hold of the master after every turn: its invariants, and that its rows alone bring it
 * back.
 */
import { isDeepStrictEqual } from "node:util";
import { agentInfo } from "../../worker/core/agent/info.ts";
import type { Input } from "../../worker/core/input.ts";
import {
  checkInvariants,
  overcommitted,
  reload,
  storedRows,
} from "../../worker/core/invariants.ts";
import { step } from "../../worker/core/master.ts";
import { type AgentRow, durable } from "../../worker/core/rows.ts";
import { loadState, type MasterState } from "../../worker/core/state.ts";
import { tableNames } from "../../worker/core/tables.ts";
import { equals, reservedRole } from "../../worker/resources/algebra.ts";
import { asConfigured } from "../../worker/resources/conversion.ts";
import { parseResources } from "../../worker/resources/parse.ts";
import { formatResources } from "../../worker/resources/text.ts";
import type { Row } from "../../worker/std/table.ts";
import type { Disk } from "../support/disk.ts";

interface Checked {
  readonly input: Input;
  /** Agents that were over-committed before the turn. */
  readonly excessBefore: ReadonlySet<string>;
  /** False: no row changed that a store keeps. */
  readonly wrote: boolean;
  /** Agents come back with other resources than before. */
  readonly agentsChange?: boolean;
}

/** The first rule that does not hold. */
export function brokenRule(
  state: MasterState,
  { input, excessBefore, wrote, agentsChange = false }: Checked,
): string | undefined {
  const [violation] = checkInvariants(state);
  if (violation !== undefined) return `invariant ${violation.invariant}: ${violation.fact}`;
  for (const agent of agentsChange ? [] : state.tables.agent.values()) {
    const problem = unlikeConfigured(agent);
    if (problem !== undefined) return `agent ${agent.id} ${problem}`;
  }
  // Only agents themselves may bring more than they have: tasks thought lost, or a smaller total.
  const fromOutside = input.type === "AGENT_REGISTER" || input.type === "RELAY_BATCH";
  const excess = [...overcommitted(state)].find((id) => !excessBefore.has(id));
  if (excess !== undefined && !fromOutside) return `${input.type} over-committed ${excess}`;
  return wrote ? unequalReload(state) : undefined;
}

/** Agents here never change: operations may neither lose nor double what they were started with. */
function unlikeConfigured(agent: AgentRow): string | undefined {
  const configured = parseResources(agentInfo(agent).resources);
  if (!configured.ok) return "has resources that are not well-formed";
  if (!equals(asConfigured(agent.total), configured.value)) {
    return `has ${formatResources(agent.total)} of ${formatResources(configured.value)}`;
  }
  const names = agent.total.flatMap((resource) => {
    const id = resource.disk?.persistence?.id;
    return id === undefined ? [] : [`${reservedRole(resource)}/${id}`];
  });
  return new Set(names).size === names.length ? undefined : `has a volume twice: ${names.join()}`;
}

/** Invariant 6: what a reload finds is what is there, in the same order. */
function unequalReload(state: MasterState): string | undefined {
  const stored = storedRows(state);
  const again = reload(state);
  for (const name of tableNames) {
    const kept: readonly Row[] = stored[name] ?? [];
    let at = 0;
    // `reload` hands on most rows themselves: only of the others the content is compared.
    for (const row of again.tables[name].values()) {
      // Launches are made again from their tasks' rows.
      if (!(durable[name] as (row: Row) => boolean)(row)) continue;
      const before = kept[at++];
      if (before !== undefined && isSame(before, row)) continue;
      return `invariant 6: reloaded ${name} differs at ${at - 1}`;
    }
    if (at !== kept.length) return `invariant 6: reloaded ${name} has ${at} rows`;
  }
  return undefined;
}

/** Rows never change, so each is written as text once. */
const texts = new WeakMap<Row, string>();

function textOf(row: Row): string {
  let text = texts.get(row);
  if (text === undefined) {
    text = JSON.stringify(row);
    texts.set(row, text);
  }
  return text;
}

/** As they are written: what is undefined is not there, and the order of names says nothing. */
function isSame(one: Row, other: Row): boolean {
  if (one === other) return true;
  const [a, b] = [textOf(one), textOf(other)];
  return a === b || isDeepStrictEqual(JSON.parse(a), JSON.parse(b));
}

/** What is on disk is what a reload expects there: no Change was forgotten. */
export function unequalDisk(state: MasterState, disk: Disk): string | undefined {
  const stored = storedRows(state);
  const found = disk.rows();
  for (const name of tableNames) {
    const rows: readonly Row[] = stored[name] ?? [];
    const read: readonly Row[] = found[name] ?? [];
    const sorted = read.toSorted((a, b) => a.seq - b.seq);
    const isEqual =
      sorted.length === rows.length &&
      sorted.every((row, at) => {
        const other = rows[at];
        return other !== undefined && textOf(row) === textOf(other);
      });
    if (!isEqual) return `${name} on disk is not as in memory`;
  }
  return undefined;
}

/** Another master comes up from the disk: it must be in order too. The disk is not touched. */
export function brokenRestart(
  disk: Disk,
  { settings, nowMs }: { readonly settings: MasterState["settings"]; readonly nowMs: number },
): string | undefined {
  const state = loadState(disk.rows(), { cold: disk.cold, settings });
  const excessBefore = overcommitted(state);
  const input: Input = { type: "RESTARTED" };
  step(state, { turn: 1, nowMs, seed: 1, principal: {}, input });
  return brokenRule(state, { input, excessBefore, wrote: true });
}

/** A row that must be gone when nothing is left to do; what waits for a ghost waits for ever. */
export function leftOver(
  { tables }: MasterState,
  isGhost: (agentId: string) => boolean,
): string | undefined {
  for (const row of tables.agent.values()) {
    if (isGhost(row.id) && row.connection.state === "CONNECTED")
      return `agent ${row.id} is a ghost`;
  }
  for (const row of tables.task.values()) {
    if (isGhost(row.agentId) && row.state === "TASK_UNREACHABLE") continue;
    return `task ${row.id} is ${row.state} on ${row.agentId}`;
  }
  for (const row of tables.executor.values()) {
    if (!isGhost(row.agentId)) return `executor ${row.id} on ${row.agentId}`;
  }
  for (const row of tables.operation.values()) {
    if (!isGhost(row.agentId)) return `operation ${row.operationId} is ${row.state}`;
  }
  for (const row of tables.update.values()) return `update ${row.state} of ${row.taskId}`;
  for (const { agentId, command } of tables.command.values()) {
    if (!isGhost(agentId)) return `command ${command.type} for ${agentId}`;
  }
  return undefined;
}
