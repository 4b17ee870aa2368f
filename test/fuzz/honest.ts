/**
 * Clients that know what they do: agents that register, poll and report, frameworks that subscribe,
 * launch and acknowledge. They keep the cluster lively, so that hostile calls meet a lot of state;
 * and their calls are the ones that mutations start from.
 */
import type { AgentRow, FrameworkRow, OfferRow, TaskRow } from "../../worker/core/rows.ts";
import type { MasterState } from "../../worker/core/state.ts";
import { isTerminal } from "../../worker/protocol/task-state.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { renderResources } from "../../worker/resources/render.ts";
import type { Dice } from "./dice.ts";
import { operatorCall } from "./honest-operators.ts";
import { ROLES } from "./knowledge.ts";
import type { Fields, MessageMaker } from "./make-message.ts";
import type { NamedCall } from "./make-request.ts";

const AGENTS = 4;
const FRAMEWORKS = 4;
/** Beyond it nothing more is launched: every turn is checked against every task. */
const TASKS = 60;

interface World {
  readonly dice: Dice;
  readonly state: MasterState;
  /** Rises with every call. */
  readonly number: number;
  readonly maker: MessageMaker;
}

/** Undefined: not possible now. */
type Honest = (world: World) => NamedCall | undefined;

export function honestCall(world: World): NamedCall | undefined {
  const { dice, state } = world;
  const agents = [...state.tables.agent.values()];
  const usable = agents.filter((row) => isConnected(row) && row.service.state === "ACTIVE");
  if (usable.length < 2 && dice.chance(0.5)) {
    const idle = agents.find((row) => isConnected(row) && row.service.state !== "ACTIVE");
    return idle !== undefined && dice.chance(0.5) ? reactivate(idle) : register(world);
  }
  const frameworks = [...state.tables.framework.values()].filter(isConnected);
  if (frameworks.length < 2 && dice.chance(0.5)) return subscribe(world);
  return dice.pick(weighted)(world);
}

const isConnected = ({ connection }: AgentRow | FrameworkRow): boolean =>
  connection.state === "CONNECTED";

const reactivate = ({ id }: AgentRow): NamedCall => ({
  path: "/api/v1",
  name: "mesos.v1.master.Call",
  message: { type: "REACTIVATE_AGENT", reactivate_agent: { agent_id: { value: id } } },
});

/** One that is away, if there is one. */
function pickAway<R extends AgentRow | FrameworkRow>(
  dice: Dice,
  rows: IterableIterator<R>,
): R | undefined {
  const all = [...rows];
  const away = all.filter((row) => !isConnected(row));
  return dice.pick(away.length > 0 ? away : all);
}

const scheduler = (framework: FrameworkRow, type: string, part: Fields = {}): NamedCall => ({
  path: "/api/v1/scheduler",
  name: "mesos.v1.scheduler.Call",
  message: { type, framework_id: { value: framework.id }, ...part },
  streamId: framework.connection.state === "CONNECTED" ? framework.connection.streamId : undefined,
});

const register: Honest = ({ dice, state, number }) => {
  const known = pickAway<AgentRow>(dice, state.tables.agent.values());
  const isNew = known === undefined || (state.tables.agent.size < AGENTS && dice.chance(0.5));
  const tasks = isNew
    ? []
    : [...state.tables.task.values()].filter((row) => row.agentId === known.id);
  const resources = [
    { name: "cpus", type: "SCALAR", scalar: { value: 8 } },
    { name: "mem", type: "SCALAR", scalar: { value: 4_096 } },
    { name: "disk", type: "SCALAR", scalar: { value: 10_000 } },
    { name: "ports", type: "RANGES", ranges: { range: [{ begin: 31_000n, end: 31_099n }] } },
  ];
  const hostname = isNew ? `host-${number}` : known.hostname;
  const capabilities = ["MULTI_ROLE", "HIERARCHICAL_ROLE", "RESERVATION_REFINEMENT"];
  return {
    path: "/agent-link/v1/register",
    name: "rimrock.link.RegisterRequest",
    message: {
      protocol_version: 1,
      session_id: isNew || dice.chance(0.3) ? `session-${number}` : known.sessionId,
      agent_info: { hostname, resources, ...(!isNew && { id: { value: known.id } }) },
      ip: "10.0.0.1",
      version: "1.11.0",
      capabilities: capabilities.map((type) => ({ type })),
      tasks: tasks.filter(() => dice.chance(0.8)).map(agentTask),
    },
  };
};

function agentTask(row: TaskRow): Fields {
  const state: mesos.TaskState = row.state === "TASK_UNREACHABLE" ? "TASK_RUNNING" : row.state;
  const task = {
    name: row.name,
    task_id: { value: row.id },
    framework_id: { value: row.frameworkId },
    agent_id: { value: row.agentId },
    state,
    resources: renderResources(row.resources, {
      allocationRole: row.role,
      refinedReservations: true,
    }),
  };
  return { task, run_number: BigInt(row.run) };
}

const poll: Honest = ({ dice, state, number }) => {
  const agent = pickRow<AgentRow>(dice, state.tables.agent.values());
  if (agent === undefined) return undefined;
  const commands = state.index.commandsOfAgent(agent.id);
  const acknowledged = dice.chance(0.7) ? (commands.at(-1)?.seq ?? 0) : 0;
  return {
    path: `/agent-link/v1/relay/${agent.relayId}/poll`,
    name: "rimrock.link.PollRequest",
    message: {
      agent_id: { value: agent.id },
      session_id: agent.sessionId,
      poll_number: number,
      acknowledged_command: BigInt(acknowledged),
    },
  };
};

const NEXT: readonly mesos.TaskState[] = [
  ...(["TASK_STARTING", "TASK_RUNNING", "TASK_RUNNING", "TASK_FINISHED", "TASK_FAILED"] as const),
  ...(["TASK_KILLED", "TASK_KILLING"] as const),
];

const report: Honest = ({ dice, state, number }) => {
  const task = pickRow<TaskRow>(dice, state.tables.task.values());
  const agent = task && state.tables.agent.get(task.agentId);
  if (task === undefined || agent === undefined || isTerminal(task.state)) return undefined;
  const next = dice.pick(NEXT) ?? "TASK_RUNNING";
  const status = {
    task_id: { value: task.id },
    state: next,
    source: "SOURCE_EXECUTOR",
    agent_id: { value: agent.id },
    uuid: dice.bytes(16),
    ...(dice.chance(0.2) && { data: dice.bytes(20) }),
  };
  return {
    path: `/agent-link/v1/relay/${agent.relayId}/report`,
    name: "rimrock.link.ReportRequest",
    message: {
      agent_id: { value: agent.id },
      session_id: agent.sessionId,
      report_number: number,
      updates: [
        {
          framework_id: { value: task.frameworkId },
          status,
          latest_state: next,
          run_number: BigInt(task.run),
        },
      ],
    },
  };
};

const CAPABILITIES = [
  ...["PARTITION_AWARE", "TASK_KILLING_STATE", "RESERVATION_REFINEMENT", "SHARED_RESOURCES"],
  ...["REVOCABLE_RESOURCES", "GPU_RESOURCES", "REGION_AWARE"],
];

const subscribe: Honest = ({ dice, state }) => {
  const known = pickAway<FrameworkRow>(dice, state.tables.framework.values());
  const isNew =
    known === undefined || (state.tables.framework.size < FRAMEWORKS && dice.chance(0.7));
  const capabilities = ["MULTI_ROLE", ...CAPABILITIES.filter(() => dice.chance(0.4))];
  const id = isNew ? undefined : { value: known.id };
  return {
    path: "/api/v1/scheduler",
    name: "mesos.v1.scheduler.Call",
    message: {
      type: "SUBSCRIBE",
      ...(id && { framework_id: id }),
      subscribe: {
        framework_info: {
          user: "root",
          name: "honest",
          ...(id && { id }),
          roles: ROLES.filter(() => dice.chance(0.4)),
          capabilities: capabilities.map((type) => ({ type })),
          failover_timeout: dice.pick([0, 60, 600, 600]),
          checkpoint: true,
          ...(dice.chance(0.5) && { principal: "p1" }),
        },
      },
    },
  };
};

const accept: Honest = ({ dice, state, number, maker }) => {
  const offer = pickRow<OfferRow>(dice, state.tables.offer.values());
  const framework = offer && state.tables.framework.get(offer.frameworkId);
  if (offer === undefined || framework === undefined) return undefined;
  const operations = Array.from({ length: 1 + dice.below(2) }, (_, at) => {
    const launches = state.tables.task.size < TASKS && dice.chance(0.7);
    if (!launches) {
      return (
        (dice.chance(0.7) ? conversion(dice, framework, offer) : undefined) ??
        maker.message("mesos.v1.Offer.Operation")
      );
    }
    const task = taskInfo(offer, `t${dice.chance(0.9) ? `${number}-${at}` : dice.below(30)}`);
    if (dice.chance(0.7)) return { type: "LAUNCH", launch: { task_infos: [task] } };
    const executor = {
      type: "DEFAULT",
      executor_id: { value: dice.pick(["default", `e${number}`]) },
      framework_id: { value: framework.id },
      resources: [...smallResources(offer.role), amount("disk", 10, offer.role)],
    };
    return { type: "LAUNCH_GROUP", launch_group: { executor, task_group: { tasks: [task] } } };
  });
  const filters = { refuse_seconds: dice.pick([0, 1, 5, 4_294_967_295]) };
  const offer_ids = [{ value: offer.id }];
  return scheduler(framework, "ACCEPT", { accept: { offer_ids, operations, filters } });
};

function taskInfo(offer: OfferRow, id: string): Fields {
  return {
    name: id,
    task_id: { value: id },
    agent_id: { value: offer.agentId },
    resources: smallResources(offer.role),
    command: { value: "sleep 1" },
  };
}

function smallResources(role: string): Fields[] {
  return [amount("cpus", 0.1, role), amount("mem", 32, role)];
}

function amount(name: string, value: number, role: string): Fields {
  return { name, type: "SCALAR", scalar: { value }, allocation_info: { role } };
}

/** Something of the offer is reserved, made a volume, or the other way round. */
function conversion(dice: Dice, framework: FrameworkRow, offer: OfferRow): Fields | undefined {
  const { role: allocationRole, resources } = offer;
  const offered = renderResources(resources, { allocationRole, refinedReservations: true });
  const volume = dice.pick(offered.filter(({ disk }) => disk?.persistence !== undefined));
  if (volume !== undefined) return { type: "DESTROY", destroy: { volumes: [volume] } };
  const reserved = dice.pick(offered.filter(({ reservations = [] }) => reservations.length > 0));
  if (reserved === undefined) {
    if (allocationRole === "*") return undefined;
    const { principal } = framework;
    const reservation = { type: "DYNAMIC", role: allocationRole, ...(principal && { principal }) };
    const part = { ...amount("disk", 5, allocationRole), reservations: [reservation] };
    return { type: "RESERVE", reserve: { resources: [part] } };
  }
  if (reserved.name !== "disk" || dice.chance(0.3)) {
    return { type: "UNRESERVE", unreserve: { resources: [reserved] } };
  }
  const persistence = { id: `w${dice.below(100)}`, ...persistencePrincipal(framework) };
  const disk = { persistence, volume: { mode: "RW", container_path: "data" } };
  return { type: "CREATE", create: { volumes: [{ ...reserved, disk }] } };
}

function persistencePrincipal({ principal }: FrameworkRow): Fields {
  return principal === undefined ? {} : { principal };
}

const decline: Honest = ({ dice, state }) => {
  const offer = pickRow<OfferRow>(dice, state.tables.offer.values());
  const framework = offer && state.tables.framework.get(offer.frameworkId);
  if (offer === undefined || framework === undefined) return undefined;
  const filters = { refuse_seconds: dice.pick([0, 1, 100, 4_294_967_295]) };
  return scheduler(framework, "DECLINE", {
    decline: { offer_ids: [{ value: offer.id }], filters },
  });
};

const acknowledge: Honest = ({ dice, state }) => {
  const waiting = [...state.tables.update.values()].filter((row) => !row.acknowledged);
  const update = dice.pick(waiting);
  const framework = update && state.tables.framework.get(update.frameworkId);
  if (update === undefined || framework === undefined) return undefined;
  return scheduler(framework, "ACKNOWLEDGE", {
    acknowledge: {
      agent_id: { value: update.agentId },
      task_id: { value: update.taskId },
      uuid: new Uint8Array(Buffer.from(update.uuid, "base64")),
    },
  });
};

const ofTask = (type: string, part: (task: TaskRow) => Fields): Honest => {
  return ({ dice, state }) => {
    const task = pickRow<TaskRow>(dice, state.tables.task.values());
    const framework = task && state.tables.framework.get(task.frameworkId);
    if (task === undefined || framework === undefined) return undefined;
    return scheduler(framework, type, part(task));
  };
};

const kill = ofTask("KILL", ({ id }) => ({ kill: { task_id: { value: id } } }));
const reconcile = ofTask("RECONCILE", ({ id, agentId }) => ({
  reconcile: { tasks: [{ task_id: { value: id }, agent_id: { value: agentId } }] },
}));
const message = ofTask("MESSAGE", ({ id, agentId }) => ({
  message: {
    agent_id: { value: agentId },
    executor_id: { value: id },
    data: new Uint8Array([1, 2, 3]),
  },
}));

const simple: Honest = ({ dice, state }) => {
  const framework = pickRow<FrameworkRow>(dice, state.tables.framework.values());
  const type = dice.pick(["REVIVE", "REVIVE", "SUPPRESS", "RECONCILE", "TEARDOWN"] as const);
  if (framework === undefined || (type === "TEARDOWN" && dice.chance(0.9))) return undefined;
  return scheduler(framework, type, type === "RECONCILE" ? { reconcile: {} } : {});
};

const operate: Honest = ({ dice, state, maker }) => {
  if (dice.chance(0.7)) return operatorCall(dice, state);
  const message = maker.message("mesos.v1.master.Call");
  // An operator's TEARDOWN of everybody would leave little to attack.
  if (message.type === "TEARDOWN" && dice.chance(0.9)) return undefined;
  return { path: "/api/v1", name: "mesos.v1.master.Call", message };
};

const weighted: readonly [Honest, ...Honest[]] = [
  ...([accept, accept, accept, accept, decline, poll, poll, report, report, report] as const),
  ...([acknowledge, acknowledge, acknowledge, kill, reconcile, message, simple, operate] as const),
  ...([operate, operate, operate, operate, subscribe, register] as const),
];

function pickRow<R>(dice: Dice, rows: IterableIterator<R>): R | undefined {
  return dice.pick([...rows]);
}
