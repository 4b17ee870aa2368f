/**
 * Who is meant by what an operator wrote: an id, or a name as people have it in their heads (the
 * framework's own name, the agent's host, `S1`).
 */
import type { AgentId, FrameworkId } from "../../../protocol/ids.ts";
import type { Quantities } from "../../../resources/resource.ts";
import { ancestorsOf, checkRole } from "../../../resources/roles.ts";
import { parseResourcesText } from "../../../resources/text.ts";
import { unreachable } from "../../../std/assert.ts";
import { nearest } from "../../../std/nearest.ts";
import { err, ok, type Result } from "../../../std/result.ts";
import type { CallError } from "../../call-error.ts";
import { frameworkInfo } from "../../framework/info.ts";
import type { AgentRow, FrameworkRow } from "../../rows.ts";
import type { MasterState } from "../../state.ts";

/** Frameworks and agents that are looked through for one that may have been meant. */
const COMPARED = 500;
/** Longer than names are: an id was meant. */
const ID_LENGTH = 25;
const IDS_NAMED = 5;

/**
 * By id or by name; among several of one name the one that is connected. Yields where the reader
 * may pause: names are read off what frameworks said of themselves.
 */
export function* frameworkNamed(
  state: MasterState,
  name: string,
): Generator<undefined, Result<FrameworkRow, CallError>> {
  const { framework, completedFramework } = state.tables;
  const known = framework.get(name as FrameworkId);
  if (known !== undefined) return ok(known);
  if (completedFramework.has(name)) return err({ code: "FRAMEWORK_COMPLETED", frameworkId: name });
  const named: FrameworkRow[] = [];
  for (const row of framework.rows()) {
    if (frameworkInfo(row).name === name) named.push(row);
    yield;
  }
  const connected = named.filter(({ connection }) => connection.state === "CONNECTED");
  const [found, another] = connected.length > 0 ? connected : named;
  if (found !== undefined && another === undefined) return ok(found);
  if (found !== undefined) {
    const ids = named.slice(0, IDS_NAMED).map(({ id }) => id);
    return err({ code: "FRAMEWORK_NAME_AMBIGUOUS", name, ids });
  }
  const isId = name.length > ID_LENGTH;
  const some = framework.rows().slice(0, COMPARED);
  const names = some.map((row) => (isId ? row.id : frameworkInfo(row).name));
  return err({ code: "FRAMEWORK_NAME_UNKNOWN", name, meant: nearest(name, names) });
}

/** By id, by the id's last part (`S1`), or by host name. */
export function agentNamed(state: MasterState, name: string): Result<AgentRow, CallError> {
  const { agent, goneAgent } = state.tables;
  const known = agent.get(name as AgentId);
  if (known !== undefined) return ok(known);
  if (goneAgent.has(name)) return err({ code: "AGENT_MARKED_GONE", agentId: name });
  const ending = /^S\d+$/.test(name) ? `-${name}` : undefined;
  const isMeant = ({ id, hostname }: AgentRow): boolean =>
    hostname === name || (ending !== undefined && id.endsWith(ending));
  const [found, ...others] = agent.rows().filter(isMeant);
  if (found !== undefined && others.length === 0) return ok(found);
  if (found !== undefined) {
    const ids = [found, ...others].slice(0, IDS_NAMED).map(({ id }) => id);
    return err({ code: "AGENT_NAME_AMBIGUOUS", name, ids });
  }
  const isId = name.length > ID_LENGTH;
  const some = agent.rows().slice(0, COMPARED);
  const names = some.flatMap(({ id, hostname }) =>
    isId ? [id, hostname] : [hostname, id.replace(/^.*-(?=S\d+$)/, "")],
  );
  return err({ code: "AGENT_NAME_UNKNOWN", name, meant: nearest(name, names) });
}

/** A role that somebody subscribes to or that an operator set something of, or one above such. */
export function roleNamed(state: MasterState, role: string): Result<string, CallError> {
  const problem = checkRole(role);
  if (problem !== undefined) return err({ code: "ROLE_INVALID", role, problem });
  const known = new Set<string>();
  const note = (name: string): void => {
    for (const one of [name, ...ancestorsOf(name)]) known.add(one);
  };
  for (const { name } of state.tables.role.values()) note(name);
  for (const { roles } of state.tables.framework.values()) roles.forEach(note);
  if (known.has(role)) return ok(role);
  return err({ code: "ROLE_NAME_UNKNOWN", name: role, meant: nearest(role, known) });
}

/**
 * What one task wants, by kind: thousandths of a scalar, and of ranges and sets a thousand for each
 * member, as the allocator counts them.
 */
export function shapeOf(text: string): Result<Quantities, CallError> {
  const parsed = parseResourcesText(text);
  if (!parsed.ok) return err({ code: "SHAPE_UNREADABLE", text, error: parsed.error });
  const shape: Record<string, number> = {};
  for (const resource of parsed.value) {
    if (resource.reservations.length > 0) return err({ code: "SHAPE_RESERVED", text });
    switch (resource.kind) {
      case "SCALAR":
        shape[resource.name] = resource.thousandths;
        break;
      case "RANGES":
        shape[resource.name] = resource.ranges.reduce(
          (sum, [begin, end]) => sum + (end - begin + 1) * 1_000,
          0,
        );
        break;
      case "SET":
        shape[resource.name] = resource.items.length * 1_000;
        break;
      default:
        unreachable(resource);
    }
  }
  return Object.keys(shape).length === 0 ? err({ code: "SHAPE_EMPTY", text }) : ok(shape);
}
