/** An operator that knows what it does: resources reserved, volumes made, machines taken down. */
import type { AgentRow } from "../../worker/core/rows.ts";
import type { MasterState } from "../../worker/core/state.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { renderResources } from "../../worker/resources/render.ts";
import type { Dice } from "./dice.ts";
import { ROLES } from "./knowledge.ts";
import type { Fields } from "./make-message.ts";
import type { NamedCall } from "./make-request.ts";

/** Undefined: not possible now. */
type Operation = (dice: Dice, agent: AgentRow, state: MasterState) => Fields | undefined;

export function operatorCall(dice: Dice, state: MasterState): NamedCall | undefined {
  const agent = dice.pick([...state.tables.agent.values()]);
  const message = agent && dice.pick(operations)(dice, agent, state);
  return message && { path: "/api/v1", name: "mesos.v1.master.Call", message };
}

const agentOf = ({ id }: AgentRow): Fields => ({ agent_id: { value: id } });
const machineOf = ({ hostname, ip }: AgentRow): Fields => ({ hostname, ip });

function reserved(role: string | undefined, amount: number, name = "disk"): Fields {
  return {
    name,
    type: "SCALAR",
    scalar: { value: amount },
    reservations: [{ type: "DYNAMIC", role }],
  };
}

/** What the agent has of this kind. */
function parts(
  { total }: AgentRow,
  isWanted: (resource: mesos.Resource) => boolean,
): readonly mesos.Resource[] {
  return renderResources(total, { refinedReservations: true }).filter(isWanted);
}

const isReserved = ({ reservations, disk }: mesos.Resource): boolean =>
  (reservations ?? []).length > 0 && disk === undefined;
const isVolume = ({ disk }: mesos.Resource): boolean => disk?.persistence !== undefined;

const reserveDisk: Operation = (dice, agent) => {
  const resources = [reserved(dice.pick(ROLES.slice(1)), 1 + dice.below(200))];
  return { type: "RESERVE_RESOURCES", reserve_resources: { ...agentOf(agent), resources } };
};

const createVolume: Operation = (dice, agent) => {
  const disk = dice.pick(parts(agent, (part) => part.name === "disk" && isReserved(part)));
  if (disk === undefined) return undefined;
  const persistence = { id: `v${dice.below(100)}` };
  const volume = { ...disk, disk: { persistence, volume: { mode: "RW", container_path: "data" } } };
  return { type: "CREATE_VOLUMES", create_volumes: { ...agentOf(agent), volumes: [volume] } };
};

const reactivate: Operation = (_dice, agent) => ({
  type: "REACTIVATE_AGENT",
  reactivate_agent: agentOf(agent),
});

const operations: readonly [Operation, ...Operation[]] = [
  ...([reserveDisk, reserveDisk, createVolume, createVolume, createVolume] as const),
  ...([reactivate, reactivate, reactivate] as const),
  (dice, agent) => {
    const resources = [reserved(dice.pick(ROLES.slice(1)), 0.1, "cpus")];
    return { type: "RESERVE_RESOURCES", reserve_resources: { ...agentOf(agent), resources } };
  },
  (dice, agent) => {
    const resource = dice.pick(parts(agent, isReserved));
    if (resource === undefined) return undefined;
    const unreserve_resources = { ...agentOf(agent), resources: [resource] };
    return { type: "UNRESERVE_RESOURCES", unreserve_resources };
  },
  (dice, agent) => {
    const volume = dice.pick(parts(agent, isVolume));
    if (volume === undefined) return undefined;
    return { type: "DESTROY_VOLUMES", destroy_volumes: { ...agentOf(agent), volumes: [volume] } };
  },
  (dice, agent) => {
    const volume = dice.pick(parts(agent, isVolume));
    if (volume === undefined) return undefined;
    if (dice.chance(0.5)) {
      const shrink_volume = { ...agentOf(agent), volume, subtract: { value: 1 } };
      return { type: "SHRINK_VOLUME", shrink_volume };
    }
    const { disk: _, ...addition } = volume;
    const scalar = { value: 1 };
    return {
      type: "GROW_VOLUME",
      grow_volume: { ...agentOf(agent), volume, addition: { ...addition, scalar } },
    };
  },
  (dice, agent) => ({
    type: "DRAIN_AGENT",
    drain_agent: {
      ...agentOf(agent),
      max_grace_period: { seconds: BigInt(dice.below(100)), nanos: 0 },
      mark_gone: dice.chance(0.2),
    },
  }),
  (dice, _agent, { tables }) => {
    const machines = [...tables.agent.values()].filter(() => dice.chance(0.4)).map(machineOf);
    const unavailability = {
      start: { nanoseconds: BigInt(dice.below(2 ** 31)) * 1_000_000_000n },
      ...(dice.chance(0.5) && { duration: { nanoseconds: 60_000_000_000n } }),
    };
    const windows = machines.length === 0 ? [] : [{ machine_ids: machines, unavailability }];
    return {
      type: "UPDATE_MAINTENANCE_SCHEDULE",
      update_maintenance_schedule: { schedule: { windows } },
    };
  },
  (dice, _agent, { tables }) => {
    const machine = dice.pick([...tables.machine.values()]);
    if (machine === undefined) return undefined;
    const { hostname, ip, mode } = machine;
    const machines = [{ ...(hostname !== "" && { hostname }), ...(ip !== "" && { ip }) }];
    return mode === "DOWN"
      ? { type: "STOP_MAINTENANCE", stop_maintenance: { machines } }
      : { type: "START_MAINTENANCE", start_maintenance: { machines } };
  },
  (dice) => {
    const role = dice.pick(["dev", "ops", "a"] as const);
    const limits = { cpus: { value: dice.below(40) }, mem: { value: dice.below(10_000) } };
    const guarantees = dice.chance(0.3) ? { cpus: { value: dice.below(3) } } : {};
    const quota_configs = [{ role, limits, guarantees }];
    return { type: "UPDATE_QUOTA", update_quota: { force: dice.chance(0.5), quota_configs } };
  },
  (dice) => ({
    type: "SET_QUOTA",
    set_quota: {
      quota_request: {
        role: dice.pick(["dev", "ops"] as const),
        force: true,
        guarantee: [{ name: "cpus", type: "SCALAR", scalar: { value: 1 } }],
      },
    },
  }),
  (dice) => ({
    type: "REMOVE_QUOTA",
    remove_quota: { role: dice.pick(["dev", "ops", "a"] as const) },
  }),
  (dice) => ({
    type: "UPDATE_WEIGHTS",
    update_weights: { weight_infos: [{ role: dice.pick(ROLES), weight: 0.5 + dice.below(4) }] },
  }),
];
