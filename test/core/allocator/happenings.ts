/** What may happen to a cluster that tests its allocator, drawn at random. */
import type { Input } from "../../../worker/core/input.ts";
import type { FrameworkRow, OfferRow, TaskRow } from "../../../worker/core/rows.ts";
import type { MasterState } from "../../../worker/core/state.ts";
import type { StreamId } from "../../../worker/protocol/ids.ts";
import type * as master from "../../../worker/protocol/v1/master.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import type * as scheduler from "../../../worker/protocol/v1/scheduler.ts";
import { quantitiesOf, quantityOf } from "../../../worker/resources/quantities.ts";
import type { Prng } from "../../../worker/std/prng.ts";
import type { Decision, History } from "./history.ts";

const ROLES = ["*", "eng", "eng/web", "eng/web/api", "ops", "ops/db"] as const;
const TOP_ROLES = ["eng", "ops", "*"] as const;
const FRAMEWORKS_MAX = 6;
const AGENTS_MAX = 5;

type Draw = (history: History, random: Prng) => Decision | undefined;

/** How often each comes, in proportion. */
const draws: readonly (readonly [number, Draw])[] = [
  [3, register],
  [4, subscribe],
  [8, accept],
  [8, decline],
  [5, endTask],
  [2, reviveOrSuppress],
  [2, setQuota],
  [1, setWeight],
  [1, setPriority],
  [1, leave],
  [1, serve],
  [1, (history) => history.restart()],
  [6, (history, random) => history.wait(random.below(8_000))],
];
const total = draws.reduce((sum, [weight]) => sum + weight, 0);

/** Something happens; undefined: it could not. */
export function happen(history: History, random: Prng): Decision | undefined {
  let ticket = random.below(total);
  const drawn = draws.find(([weight]) => {
    ticket -= weight;
    return ticket < 0;
  });
  return drawn?.[1](history, random);
}

function some<T>(items: Iterable<T>, random: Prng): T | undefined {
  const all = [...items];
  return all[random.below(Math.max(1, all.length))];
}

function subset<T>(items: readonly T[], random: Prng): T[] {
  return items.filter(() => random.below(3) === 0);
}

function scalar(name: string, value: number): mesos.Resource {
  return { name, type: "SCALAR", scalar: { value } };
}

/** A new agent, or one that registers again with what it has by now. */
function register(history: History, random: Prng): Decision | undefined {
  const { agent } = history.state.tables;
  const known = random.below(3) === 0 ? some(agent.values(), random) : undefined;
  if (known === undefined && agent.size >= AGENTS_MAX) return undefined;
  const resources = [
    scalar("cpus", 1 + random.below(8)),
    scalar("mem", 64 * (1 + random.below(64))),
    ...(random.below(3) > 0 ? [ports(31_000, 31_000 + random.below(20))] : []),
    ...(random.below(3) > 0 ? [scalar("disk", 1_000)] : []),
    ...(random.below(8) === 0 ? [scalar("gpus", 1)] : []),
    ...(random.below(4) === 0 ? [reserved(random)] : []),
    ...(random.below(6) === 0 ? [{ ...scalar("cpus", 2), revocable: {} }] : []),
    ...(random.below(6) === 0 ? [mountDisk(random.below(3))] : []),
  ];
  const region = random.below(6) === 0 ? "away" : "home";
  const capabilities: mesos.AgentInfoCapability[] = [{ type: "RESERVATION_REFINEMENT" }];
  if (random.below(8) > 0) capabilities.push({ type: "MULTI_ROLE" });
  if (random.below(8) > 0) capabilities.push({ type: "HIERARCHICAL_ROLE" });
  const agent_info: mesos.AgentInfo = {
    id: known && { value: known.id },
    hostname: `host-${agent.size}`,
    resources,
    domain: { fault_domain: { region: { name: region }, zone: { name: "z" } } },
  };
  return history.apply({
    type: "AGENT_REGISTER",
    request: {
      protocol_version: 1,
      session_id: `session-${random.below(1e9)}`,
      agent_info,
      ip: "10.0.0.1",
      version: "1.12.0",
      capabilities,
      tasks: [],
    },
  });
}

function ports(begin: number, end: number): mesos.Resource {
  const range = [{ begin: BigInt(begin), end: BigInt(end) }];
  return { name: "ports", type: "RANGES", ranges: { range } };
}

function reserved(random: Prng): mesos.Resource {
  const role = some(["eng", "eng/web", "ops"], random);
  const reservations: mesos.ResourceReservationInfo[] = [{ type: "STATIC", role }];
  // Sometimes of a kind of which nothing is for everybody.
  const kind = some(["cpus", "cpus", "gold"], random) ?? "cpus";
  if (random.below(4) === 0) return { ...ports(40_000, 40_009), reservations };
  return { ...scalar(kind, 1 + random.below(3)), reservations };
}

function mountDisk(n: number): mesos.Resource {
  const source = { type: "MOUNT", mount: { root: `/mnt/${n}` } } as const;
  return { ...scalar("disk", 500), disk: { source } };
}

/** A new framework, or a known one on a new stream with other wishes. */
function subscribe(history: History, random: Prng): Decision | undefined {
  const { framework } = history.state.tables;
  const known = random.below(3) > 0 ? some(framework.values(), random) : undefined;
  if (known === undefined && framework.size >= FRAMEWORKS_MAX) return undefined;
  const roles = subset(ROLES, random);
  if (roles.length === 0) roles.push("eng");
  const optional = ["GPU_RESOURCES", "REGION_AWARE", "REVOCABLE_RESOURCES"] as const;
  const types = ["MULTI_ROLE", "RESERVATION_REFINEMENT", ...subset(optional, random)] as const;
  const minimum = random.below(4) === 0 ? minimumOf(some(roles, random), random) : undefined;
  const framework_info: mesos.FrameworkInfo = {
    id: known && { value: known.id },
    user: "root",
    name: "f",
    failover_timeout: 1_000,
    roles,
    capabilities: types.map((type) => ({ type })),
    ...(minimum && { offer_filters: minimum }),
  };
  const suppressed_roles = random.below(4) === 0 ? subset(roles, random) : [];
  const streamId = `stream-${random.below(1e9)}` as StreamId;
  const call = { type: "SUBSCRIBE", subscribe: { framework_info, suppressed_roles } } as const;
  return history.apply({ type: "SUBSCRIBE", streamId, call });
}

function minimumOf(role = "eng", random: Prng): mesos.FrameworkInfo["offer_filters"] {
  const quantities = { cpus: { value: 1 }, mem: { value: 64 } };
  const sets = random.below(2) === 0 ? [] : [{ quantities }];
  return { [role]: { min_allocatable_resources: { quantities: sets } } };
}

function call(history: History, id: string, message: scheduler.Call): Decision | undefined {
  const framework = history.state.tables.framework.get(id as FrameworkRow["id"]);
  if (framework?.connection.state !== "CONNECTED") return undefined;
  return history.apply({
    type: "SCHEDULER_CALL",
    streamId: framework.connection.streamId,
    call: { framework_id: { value: id }, ...message },
  });
}

function filters(random: Prng): mesos.Filters {
  return { refuse_seconds: some([0, 1, 5, 3_600], random) ?? 5 };
}

/** Launches one task on a part of an offer; the rest goes back. */
function accept(history: History, random: Prng): Decision | undefined {
  const offer = some(history.state.tables.offer.values(), random);
  if (offer === undefined) return undefined;
  return call(history, offer.frameworkId, {
    type: "ACCEPT",
    accept: {
      offer_ids: [{ value: offer.id }],
      operations: [{ type: "LAUNCH", launch: { task_infos: [taskOf(offer, random)] } }],
      filters: filters(random),
    },
  });
}

function taskOf(offer: OfferRow, random: Prng): mesos.TaskInfo {
  const plain = offer.resources.filter((r) => r.reservations.length === 0 && !r.revocable);
  const has = quantitiesOf(plain);
  const allocation_info = { role: offer.role };
  const part = (kind: string, least: number): mesos.Resource => ({
    ...scalar(kind, Math.max(least, (quantityOf(has, kind) * (1 + random.below(4))) / 4_000)),
    allocation_info,
  });
  const id = `t${random.below(1e9)}`;
  return {
    name: id,
    task_id: { value: id },
    agent_id: { value: offer.agentId },
    resources: [part("cpus", 0.01), part("mem", 32)],
    command: { value: "true" },
  };
}

function decline(history: History, random: Prng): Decision | undefined {
  const offer = some(history.state.tables.offer.values(), random);
  if (offer === undefined) return undefined;
  const offer_ids = [{ value: offer.id }];
  const message = { offer_ids, filters: filters(random) };
  return call(history, offer.frameworkId, { type: "DECLINE", decline: message });
}

function endTask(history: History, random: Prng): Decision | undefined {
  const task = some(history.state.tables.task.values(), random);
  const agent = task && history.state.tables.agent.get(task.agentId);
  if (task === undefined || agent === undefined) return undefined;
  return history.apply(reportOfEnd(history.state, task, random));
}

function reportOfEnd({ tables }: MasterState, task: TaskRow, random: Prng): Input {
  const agent = tables.agent.get(task.agentId);
  const uuid = Uint8Array.from({ length: 16 }, () => random.below(256));
  const { frameworkId, agentId, id } = task;
  const state = "TASK_FINISHED" as const;
  const status: mesos.TaskStatus = {
    task_id: { value: id },
    state,
    source: "SOURCE_EXECUTOR",
    agent_id: { value: agentId },
    uuid,
  };
  const framework_id = { value: frameworkId };
  const run_number = BigInt(task.run);
  const report = {
    agent_id: { value: agentId },
    session_id: agent?.sessionId ?? "",
    report_number: 1,
    updates: [{ framework_id, run_number, latest_state: state, status }],
  };
  const relayId = agent?.relayId ?? ("" as never);
  return { type: "RELAY_BATCH", relayId, messages: [{ type: "REPORT", report }] };
}

function reviveOrSuppress(history: History, random: Prng): Decision | undefined {
  const framework = some(history.state.tables.framework.values(), random);
  if (framework === undefined) return undefined;
  const roles = subset(framework.roles, random);
  return random.below(2) === 0
    ? call(history, framework.id, { type: "REVIVE", revive: { roles } })
    : call(history, framework.id, { type: "SUPPRESS", suppress: { roles } });
}

function operate(history: History, message: master.Call): Decision {
  return history.apply({ type: "OPERATOR_CALL", call: message });
}

function setQuota(history: History, random: Prng): Decision {
  const amounts = (most: number): Record<string, mesos.ValueScalar> => ({
    ...(random.below(2) === 0 && { cpus: { value: random.below(most) } }),
    ...(random.below(3) === 0 && { mem: { value: 128 * random.below(most) } }),
    ...(random.below(4) === 0 && { disk: { value: 250 * random.below(most) } }),
  });
  const role = some(TOP_ROLES, random) ?? "eng";
  const guarantees = random.below(2) === 0 ? amounts(6) : {};
  const limits = random.below(2) === 0 ? amounts(16) : {};
  const quota_configs = [{ role, guarantees, limits }];
  return operate(history, { type: "UPDATE_QUOTA", update_quota: { force: true, quota_configs } });
}

function setWeight(history: History, random: Prng): Decision {
  const weight_infos = [{ role: some(ROLES, random), weight: some([0.5, 1, 3], random) ?? 1 }];
  return operate(history, { type: "UPDATE_WEIGHTS", update_weights: { weight_infos } });
}

function setPriority(history: History, random: Prng): Decision {
  const role = some(ROLES, random) ?? "eng";
  const set_priorities = { priorities: [{ role, priority: random.below(3) - 1 }] };
  return history.apply({ type: "OWN_CALL", call: { type: "SET_PRIORITIES", set_priorities } });
}

/** A framework goes for good, or its stream is lost, or an agent is not heard of any more. */
function leave(history: History, random: Prng): Decision | undefined {
  const { framework, agent } = history.state.tables;
  const gone = some(framework.values(), random);
  const lost = some(agent.values(), random);
  const way = random.below(3);
  if (way === 0 && gone !== undefined) return call(history, gone.id, { type: "TEARDOWN" });
  if (way === 1 && gone?.connection.state === "CONNECTED") {
    const { streamId } = gone.connection;
    return history.apply({ type: "STREAM_CLOSED", streamId, cause: "CLIENT_CLOSED" });
  }
  if (way !== 2 || lost === undefined) return undefined;
  const { id: agentId, sessionId, relayId } = lost;
  const message = { type: "SILENT", agentId, sessionId } as const;
  return history.apply({ type: "RELAY_BATCH", relayId, messages: [message] });
}

/** An operator takes an agent out of service, or puts it back. */
function serve(history: History, random: Prng): Decision | undefined {
  const agent = some(history.state.tables.agent.values(), random);
  if (agent === undefined) return undefined;
  const agent_id = { value: agent.id };
  return agent.service.state === "ACTIVE"
    ? operate(history, { type: "DEACTIVATE_AGENT", deactivate_agent: { agent_id } })
    : operate(history, { type: "REACTIVATE_AGENT", reactivate_agent: { agent_id } });
}
