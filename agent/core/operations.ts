/**
 * Offer operations on this agent's resources: RESERVE, UNRESERVE, CREATE, DESTROY, GROW, SHRINK.
 * The master has decided and says what the agent's total is from now on; here it is written down,
 * and volumes' directories follow what the operation names. (Not the total: it may be ahead, for
 * the master says what the agent has after all operations on their way.)
 *
 * 1. The command's acknowledgement says that the total is on disk. 2. A created volume begins
 * empty. 3. What is to be removed is a row until it is gone, so that a crash in between leaves no
 * data to the next owner. 4. Effects come in order: a volume is removed before its successor is
 * used.
 */
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { add, contains, normalize, subtract } from "../../worker/resources/algebra.ts";
import { compareEntries } from "../../worker/resources/compare.ts";
import { parseResources } from "../../worker/resources/parse.ts";
import { renderResources } from "../../worker/resources/render.ts";
import type { Resource, Resources } from "../../worker/resources/resource.ts";
import { assert } from "../../worker/std/assert.ts";
import type { RecoveredContainer } from "../containerizer/containerizer.ts";
import { type VolumeName, volumeKey } from "./rows.ts";
import { type AgentState, newSeq, type StepContext } from "./state.ts";
import { decodeStored } from "./stored.ts";
import { volumesOf } from "./volumes.ts";

export function applyOperation(
  state: AgentState,
  context: StepContext,
  { apply_operation }: link.Command,
): void {
  if (apply_operation === undefined) return;
  const { info, resources = [] } = apply_operation;
  const total = resources.map((resource) => encodeJson("mesos.v1.Resource", resource));
  state.resources.put({ seq: state.resources.get("total")?.seq ?? newSeq(state), total });
  const destroyed = volumesByKey(info.destroy?.volumes);
  const created = volumesByKey(info.create?.volumes);
  for (const [key, volume] of new Map([...destroyed, ...created])) {
    if (!state.volumeRemoval.has(key)) state.volumeRemoval.put({ seq: newSeq(state), ...volume });
    context.effects.push({ type: "REMOVE_VOLUME", volume });
  }
  for (const volume of created.values()) context.effects.push({ type: "MAKE_VOLUME", volume });
}

/**
 * Removals that the last process may not have carried out. Where a container has begun with the
 * volume's successor, it has.
 */
export function recoverVolumes(
  state: AgentState,
  context: StepContext,
  containers: readonly RecoveredContainer[],
): void {
  if (state.volumeRemoval.size === 0) return;
  const used = new Set(containers.filter(hasBegun).flatMap((one) => volumesOfRun(state, one)));
  for (const { role, persistenceId } of [...state.volumeRemoval.values()]) {
    const volume = { role, persistenceId };
    if (used.has(volumeKey(volume))) state.volumeRemoval.delete(volumeKey(volume));
    else context.effects.push({ type: "REMOVE_VOLUME", volume });
  }
}

function hasBegun(container: RecoveredContainer): boolean {
  if (container.state === "RUNNING") return true;
  const { kind } = container.termination;
  return kind !== "LOST" && kind !== "NOT_STARTED";
}

function volumesOfRun(state: AgentState, { containerId }: RecoveredContainer): string[] {
  const run = state.run.get(containerId);
  if (run === undefined) return [];
  const executor = run.parentId === undefined ? undefined : state.executor.get(run.parentId);
  const resources = [
    ...(decodeStored("mesos.v1.TaskInfo", run.info).resources ?? []),
    ...(executor === undefined
      ? []
      : (decodeStored("mesos.v1.ExecutorInfo", executor.info).resources ?? [])),
  ];
  return [...volumesByKey(resources).keys()];
}

/** The first of these volumes that is not on this agent. */
export function missingVolume(
  state: AgentState,
  resources: readonly mesos.Resource[] | undefined,
): VolumeName | undefined {
  const wanted = volumesOf(resources);
  if (wanted.length === 0) return undefined;
  const present = volumesByKey(checkpointedResources(state));
  return wanted.find((volume) => !present.has(volumeKey(volume)));
}

/**
 * The agent's total with what operations made of it; undefined before the first. What the machine
 * has may have changed since (its free disk, the command line): the reserved part is a promise and
 * stays, the rest is what is left.
 */
export function totalResources(state: AgentState): readonly mesos.Resource[] | undefined {
  if (!state.resources.has("total")) return undefined;
  const machine = parsed(state.facts.agentInfo.resources);
  const promised = parsed(checkpointedResources(state)).filter(isPromised);
  const rest = without(machine, normalize(promised.map(asItWas)));
  return renderResources(add(rest, normalize(promised)), { refinedReservations: true });
}

function checkpointedResources(state: AgentState): readonly mesos.Resource[] {
  const total = state.resources.get("total")?.total ?? [];
  return total.map((text) => decodeStored("mesos.v1.Resource", text));
}

function parsed(resources: readonly mesos.Resource[] | undefined): Resources {
  const result = parseResources(resources);
  assert(result.ok, "the agent's own resources are well formed");
  return result.value;
}

function isPromised({ reservations, disk }: Resource): boolean {
  return reservations.some(({ type }) => type === "DYNAMIC") || disk?.persistence !== undefined;
}

/** Before any operation: without dynamic reservations and without a volume on it. */
function asItWas(resource: Resource): Resource {
  const { shared: _shared, disk, ...rest } = resource;
  const reservations = resource.reservations.filter(({ type }) => type === "STATIC");
  const source = disk?.source;
  return { ...rest, reservations, ...(source === undefined ? {} : { disk: { source } }) };
}

/** Where there is less than what is taken, nothing is left. */
function without(from: Resources, taken: Resources): Resources {
  let rest = from;
  for (const entry of taken) {
    rest = contains(rest, [entry])
      ? subtract(rest, [entry])
      : rest.filter((one) => compareEntries(one, entry) !== 0);
  }
  return rest;
}

function volumesByKey(
  resources: readonly mesos.Resource[] | undefined,
): ReadonlyMap<string, VolumeName> {
  const volumes = volumesOf(resources).map(({ role, persistenceId }) => ({ role, persistenceId }));
  return new Map(volumes.map((volume) => [volumeKey(volume), volume]));
}
