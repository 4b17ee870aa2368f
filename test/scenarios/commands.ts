/**
 * The words of a transcript, one function each. `--name=value` arguments are options, the rest is
 * positional. A word returns the lines that the dialogue shows.
 */
import { agentCapabilities } from "../../agent/core/capabilities.ts";
import type { AgentId, StreamId } from "../../worker/protocol/ids.ts";
import type * as link from "../../worker/protocol/link/messages.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { parseDurationMs } from "../../worker/std/duration.ts";
import { exited, operatorOperations, registeredBooks } from "./executor-words.ts";
import { audit, own, unwatch, watch } from "./operator-words.ts";
import { whatIf, why } from "./own-words.ts";
import { operator, scheduler, subscribe, subscribeAs } from "./raw-calls.ts";
import { attributeMessages, type NamedAgent, resourceMessages, type World } from "./world.ts";

export interface Words {
  readonly args: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

type Command = (world: World, words: Words) => string[];

/** "a,b" as its parts; "-" and nothing are empty. */
const list = (text: string | undefined): string[] => (text && text !== "-" ? text.split(",") : []);

/**
 * framework NAME [--roles=a,b] [--capabilities=X,Y] [--failover=SECS] [--suppressed=a] [--id=X]
 * [--principal=P]
 */
const framework: Command = (world, { args, options }) => {
  const name = args[0] ?? "";
  const known = world.frameworks.get(name);
  const roles = list(options.get("roles"));
  const capabilities = list(options.get("capabilities"));
  if (roles.length > 0) capabilities.push("MULTI_ROLE");
  const id = options.get("id") ?? known?.id;
  const info: mesos.FrameworkInfo = {
    user: "root",
    name,
    id: id === undefined ? undefined : { value: id },
    failover_timeout: Number(options.get("failover") ?? known?.info.failover_timeout ?? 0),
    roles: roles.length > 0 ? roles : known?.info.roles,
    role: options.get("role"),
    capabilities:
      (options.has("new-capabilities") ? undefined : known?.info.capabilities) ??
      [...capabilities, ...list(options.get("new-capabilities"))].map((type) => ({
        type: type as mesos.FrameworkInfoCapabilityType,
      })),
    principal: options.get("principal"),
  };
  const suppressed_roles = list(options.get("suppressed"));
  return subscribeAs(world, name, { framework_info: info, suppressed_roles });
};

/**
 * agent NAME cpus=4 mem=1024 … [--attributes=rack:r1] [--domain=eu/eu-1] [--lacks=CAPABILITY,…] : a
 * new one, or one that registers again.
 */
const agent: Command = (world, { args, options }) => {
  const id = options.get("framework-info");
  if (id !== undefined) {
    const info = { user: "root", name: id, id: { value: id }, failover_timeout: 60 };
    world.frameworks.set(id, { id, streamId: undefined, info });
  }
  return register(world, args, options, list(options.get("tasks")));
};

/** returns NAME cpus=4 … --tasks=f1/t1:TASK_RUNNING,… : registers again with these runs. */
const returns: Command = (world, { args, options }) =>
  register(world, args, options, list(options.get("tasks")));

function register(
  world: World,
  args: readonly string[],
  options: ReadonlyMap<string, string>,
  tasks: readonly string[],
): string[] {
  const [name = "", ...resources] = args;
  const known = world.agents.get(name);
  const sessionId = world.newSession();
  const info: mesos.AgentInfo = {
    hostname: options.get("hostname") ?? name,
    resources: resources.length > 0 ? resourceMessages(resources) : known?.info.resources,
    attributes: attributeMessages(options.get("attributes") ?? ""),
    domain: options.has("domain") ? domainMessage(options.get("domain") ?? "") : undefined,
    id: options.has("id") ? { value: options.get("id") ?? "" } : known && { value: known.id },
  };
  if (options.has("id")) world.agents.set(name, strangerAgent(options.get("id") ?? "", info));
  const named = tasks.map((text) => namedTask(world, name, text));
  const frameworks = [...new Set(named.map(({ task }) => task.framework_id.value))].map(
    (id) => world.frameworks.get(world.nameOf(id))?.info,
  );
  const request: link.RegisterRequest = {
    protocol_version: Number(options.get("protocol") ?? 1),
    session_id: sessionId,
    agent_info: info,
    ip: "10.0.0.1",
    version: "1.12.0",
    capabilities: (options.has("lacks")
      ? agentCapabilities.filter((type) => !list(options.get("lacks")).includes(type))
      : agentCapabilities
    ).map((type) => ({ type })),
    tasks: named,
    last_command: BigInt(options.get("last") ?? "0"),
    frameworks: frameworks.filter((known) => known !== undefined),
    ...registeredBooks(world, options),
  };
  world.registrations.set(name, request);
  const outcome = world.host.apply({ type: "AGENT_REGISTER", request });
  for (const effect of outcome.effects) {
    if (effect.type !== "REPLY" || effect.reply.type !== "REGISTERED") continue;
    const { agentId: id, relayId } = effect.reply;
    world.name(id, name);
    world.agents.set(name, { id, sessionId, relayId, info });
  }
  return world.render(outcome);
}

/** "eu/eu-1": a region and a zone. */
export function domainMessage(text: string): mesos.DomainInfo {
  const [region = "", zone = ""] = text.split("/");
  return { fault_domain: { region: { name: region }, zone: { name: zone } } };
}

/** repeat AGENT : its last registration arrives once more, late or twice. */
const repeat: Command = (world, { args }) => {
  const request = world.registrations.get(args[0] ?? "");
  if (request === undefined) throw new Error(`agent ${args[0]} has not registered`);
  return world.apply({ type: "AGENT_REGISTER", request });
};

/** An agent as it is known to nobody yet, so that its tasks can name it. */
function strangerAgent(id: string, info: mesos.AgentInfo): NamedAgent {
  const [sessionId, relayId] = ["none" as NamedAgent["sessionId"], "none" as NamedAgent["relayId"]];
  return { id: id as AgentId, sessionId, relayId, info };
}

function namedTask(
  world: World,
  agentName: string,
  text: string,
): { task: mesos.Task; run_number: bigint } {
  const [key = "", state = "TASK_RUNNING"] = text.split(":");
  const [frameworkName = "", taskId = ""] = key.split("/");
  const run_number = world.runs.get(key)?.run ?? 1n;
  const task: mesos.Task = {
    name: taskId,
    task_id: { value: taskId },
    framework_id: { value: world.frameworkId(frameworkName) },
    agent_id: { value: agentOf(world, agentName).id },
    state: state as mesos.TaskState,
    resources: resourceMessages(["cpus=1", "mem=32"]),
  };
  return { task, run_number };
}

function agentOf(world: World, name: string): NamedAgent {
  const known = world.agents.get(name);
  if (known === undefined) throw new Error(`the transcript has no agent ${name}`);
  return known;
}

/** accept F OFFERS launch T cpus=1 … [launch T …] [--refuse=SECS] [--agent=NAME] */
const accept: Command = (world, { args, options }) => {
  const [name = "", offers = "", ...rest] = args;
  const agentName = options.get("agent") ?? offerAgent(world, offers);
  const infos = launches(rest).map(([taskId, resources]) => ({
    name: taskId,
    task_id: { value: taskId },
    agent_id: { value: world.idOf(agentName) },
    resources: resourceMessages(resources),
    command: { value: "true" },
    ...taskExtras(options),
  }));
  const type = (options.get("operation") ?? "LAUNCH") as "LAUNCH";
  const operation: mesos.OfferOperation =
    type === "LAUNCH" ? { type, launch: { task_infos: infos } } : { type, id: { value: "op" } };
  return world.call(name, {
    type: "ACCEPT",
    accept: {
      offer_ids: list(offers).map((offer) => ({ value: world.idOf(offer) })),
      operations: infos.length > 0 || type !== "LAUNCH" ? [operation] : [],
      filters: filtersOf(options),
    },
  });
};

function offerAgent(world: World, offers: string): string {
  const offer = world.host.state.tables.offer.get(world.idOf(list(offers)[0] ?? ""));
  return offer === undefined ? "nowhere" : world.nameOf(offer.agentId);
}

function taskExtras(options: ReadonlyMap<string, string>): Partial<mesos.TaskInfo> {
  const grace = options.get("grace");
  return {
    ...(options.has("no-command") && { command: undefined }),
    ...(options.has("image") && { container: { type: "DOCKER" as const } }),
    ...(options.has("uri") && { command: { value: "true", uris: [{ value: "http://x/y" }] } }),
    ...(grace && { kill_policy: { grace_period: { nanoseconds: BigInt(grace) } } }),
  };
}

function launches(words: readonly string[]): (readonly [string, string[]])[] {
  const tasks: [string, string[]][] = [];
  for (let at = 0; at < words.length; at++) {
    if (words[at] === "launch") tasks.push([words[++at] ?? "", []]);
    else tasks.at(-1)?.[1].push(words[at] ?? "");
  }
  return tasks;
}

function filtersOf(options: ReadonlyMap<string, string>): mesos.Filters | undefined {
  const refuse = options.get("refuse");
  return refuse === undefined ? undefined : { refuse_seconds: Number(refuse) };
}

/** decline F OFFERS [--refuse=SECS] */
const decline: Command = (world, { args, options }) =>
  world.call(args[0] ?? "", {
    type: "DECLINE",
    decline: {
      offer_ids: list(args[1]).map((offer) => ({ value: world.idOf(offer) })),
      filters: filtersOf(options),
    },
  });

const revive: Command = (world, { args }) =>
  world.call(args[0] ?? "", { type: "REVIVE", revive: { roles: args.slice(1) } });

const suppress: Command = (world, { args }) =>
  world.call(args[0] ?? "", { type: "SUPPRESS", suppress: { roles: args.slice(1) } });

/** kill F T [--agent=NAME] */
const kill: Command = (world, { args, options }) => {
  const agentName = options.get("agent");
  return world.call(args[0] ?? "", {
    type: "KILL",
    kill: {
      task_id: { value: args[1] ?? "" },
      agent_id: agentName === undefined ? undefined : { value: world.idOf(agentName) },
    },
  });
};

/** reconcile F [T | T@AGENT …] */
const reconcile: Command = (world, { args }) =>
  world.call(args[0] ?? "", {
    type: "RECONCILE",
    reconcile: {
      tasks: args.slice(1).map((text) => {
        const [taskId = "", on] = text.split("@");
        return {
          task_id: { value: taskId },
          agent_id: on === undefined ? undefined : { value: world.idOf(on) },
        };
      }),
    },
  });

/** acknowledge F T [--uuid=NAME] : the update told last, or a named one. */
const acknowledge: Command = (world, { args, options }) => {
  const [name = "", taskId = ""] = args;
  const key = `${name}/${taskId}`;
  const named = options.get("uuid");
  const uuid = named === undefined ? world.updates.get(key) : world.uuids.get(named);
  const on = world.runs.get(key)?.agent ?? "";
  return world.call(name, {
    type: "ACKNOWLEDGE",
    acknowledge: {
      agent_id: { value: world.idOf(options.get("agent") ?? on) },
      task_id: { value: taskId },
      uuid: uuid ?? new Uint8Array(16),
    },
  });
};

const message: Command = (world, { args }) =>
  world.call(args[0] ?? "", {
    type: "MESSAGE",
    message: {
      agent_id: { value: world.idOf(args[1] ?? "") },
      executor_id: { value: args[2] ?? "" },
      data: new Uint8Array([1]),
    },
  });

const shutdown: Command = (world, { args }) =>
  world.call(args[0] ?? "", {
    type: "SHUTDOWN",
    shutdown: {
      agent_id: { value: world.idOf(args[1] ?? "") },
      executor_id: { value: args[2] ?? "" },
    },
  });

const teardown: Command = (world, { args }) => world.call(args[0] ?? "", { type: "TEARDOWN" });

/** call F TYPE [--stream=ID|none] : a bare call, for what is refused. */
const call: Command = (world, { args, options }) => {
  const [name = "", type = ""] = args;
  const known = world.frameworks.get(name);
  const given = options.get("stream");
  const streamId = given === undefined ? known?.streamId : given === "none" ? undefined : given;
  return world.apply({
    type: "SCHEDULER_CALL",
    streamId: streamId as StreamId | undefined,
    call: { framework_id: { value: known?.id ?? name }, type: type as "REVIVE" },
  });
};

/** update AGENT F T STATE [--latest=STATE] [--uuid=NAME] [--session=old] : the agent reports. */
const update: Command = (world, { args, options }) => {
  const [agentName = "", name = "", taskId = "", state = ""] = args;
  const known = agentOf(world, agentName);
  const uuidName = options.get("uuid");
  const uuid = (uuidName && world.uuids.get(uuidName)) || world.newUuid(uuidName);
  const run = options.get("run");
  return world.relay(agentName, {
    type: "REPORT",
    report: {
      agent_id: { value: known.id },
      session_id: options.get("session") ?? known.sessionId,
      report_number: 1,
      updates: [
        {
          framework_id: { value: world.frameworkId(name) },
          run_number: run ? BigInt(run) : (world.runs.get(`${name}/${taskId}`)?.run ?? 1n),
          latest_state: (options.get("latest") ?? state) as mesos.TaskState,
          status: {
            task_id: { value: taskId },
            state: state as mesos.TaskState,
            source: "SOURCE_EXECUTOR",
            agent_id: { value: known.id },
            uuid,
          },
        },
      ],
    },
  });
};

/** got AGENT : the agent has acknowledged every command sent so far. */
const got: Command = (world, { args }) => {
  const known = agentOf(world, args[0] ?? "");
  const { id: agentId, sessionId } = known;
  const commandNumber = Number.MAX_SAFE_INTEGER;
  return world.relay(args[0] ?? "", { type: "ACKNOWLEDGED", agentId, sessionId, commandNumber });
};

/** silent AGENT [--session=X] : the relay heard nothing for 75 s. */
const silent: Command = (world, { args, options }) => {
  const { id: agentId, sessionId } = agentOf(world, args[0] ?? "");
  const session = (options.get("session") ?? sessionId) as typeof sessionId;
  return world.relay(args[0] ?? "", { type: "SILENT", agentId, sessionId: session });
};

/** who-is AGENT [--session=X] : the relay was polled by somebody it does not know. */
const whoIs: Command = (world, { args, options }) => {
  const known = world.agents.get(args[0] ?? "");
  const agentId = (known?.id ?? args[0]) as AgentId;
  const sessionId = (options.get("session") ?? known?.sessionId ?? "?") as NamedAgent["sessionId"];
  return world.relay(args[0] ?? "", { type: "WHO_IS", agentId, sessionId });
};

/**
 * close F : the client of F's stream went away. stall F : it was cut off for reading too slowly.
 */
const ended =
  (cause: "CLIENT_CLOSED" | "READ_TOO_SLOWLY"): Command =>
  (world, { args, options }) => {
    const streamId = (options.get("stream") ??
      world.frameworks.get(args[0] ?? "")?.streamId ??
      "") as StreamId;
    return world.apply({ type: "STREAM_CLOSED", streamId, cause });
  };

/** tick DURATION : time passes; heartbeats are not shown. */
const tick: Command = (world, { args }) => {
  const duration = parseDurationMs(args[0] ?? "");
  if (!duration.ok) throw new Error(`tick in a transcript: ${args[0]}`);
  const { host } = world;
  const untilMs = host.nowMs + duration.value;
  const lines: string[] = [];
  for (;;) {
    const dueMs = host.nextDueMs();
    if (dueMs === undefined || dueMs > untilMs) break;
    host.nowMs = Math.max(host.nowMs, dueMs);
    lines.push(...world.apply({ type: "TIMER_DUE" }));
  }
  host.nowMs = untilMs;
  return lines.filter((line) => !line.endsWith("<- HEARTBEAT"));
};

/**
 * evict [--down=DURATION] : the object is gone for so long, and comes back with what was stored.
 */
const evict: Command = (world, { options }) => {
  const down = parseDurationMs(options.get("down") ?? "0ms");
  if (!down.ok) throw new Error(`evict in a transcript: ${options.get("down")}`);
  world.host.nowMs += down.value;
  return world.render(world.host.evict());
};

const started: Command = (world, { args }) =>
  world.apply({
    type: "RELAY_BATCH",
    relayId: (args[0] ?? "relay-1") as NamedAgent["relayId"],
    messages: [{ type: "STARTED" }],
  });

/** tasks : every task that is not completed, and its states. */
const tasks: Command = ({ host, nameOf }) =>
  [...host.state.tables.task.values()].map((task) => {
    const told = task.statusState === task.state ? "" : ` (told ${task.statusState})`;
    return `${nameOf(task.frameworkId)}/${task.id} ${task.state}${told} on ${nameOf(task.agentId)}`;
  });

/** commands : every command that waits, with the thousand that its number is in. */
const waiting: Command = ({ host, nameOf }) =>
  [...host.state.tables.command.values()].map(({ seq, agentId, command }) => {
    const thousand = Math.floor(seq / 1_000);
    return `${nameOf(agentId)} ${command.type} #${thousand}…`;
  });

/** offers : every outstanding offer. */
const offers: Command = ({ host, nameOf }) =>
  [...host.state.tables.offer.values()].map(
    (o) => `${nameOf(o.id)} with ${nameOf(o.frameworkId)} on ${nameOf(o.agentId)}`,
  );

/** teardown-by-operator F */
const operatorTeardown: Command = (world, { args }) => {
  const framework_id = { value: world.frameworkId(args[0] ?? "") };
  const call = { type: "TEARDOWN", teardown: { framework_id } } as const;
  return world.apply({ type: "OPERATOR_CALL", call });
};

export const commands: Readonly<Record<string, Command>> = {
  operator: (world, { args }) => operator(world, args.join(" ")),
  own: (world, { args }) => own(world, args.join(" ")),
  audit: (world) => audit(world),
  scheduler: (world, { args }) => scheduler(world, args[0] ?? "", args.slice(1).join(" ")),
  subscribe: (world, { args }) => subscribe(world, args[0] ?? "", args.slice(1).join(" ")),
  watch: (world, { args }) => watch(world, args[0] ?? ""),
  unwatch: (world, { args }) => unwatch(world, args[0] ?? ""),
  framework,
  agent,
  returns,
  repeat,
  accept,
  decline,
  revive,
  suppress,
  kill,
  reconcile,
  acknowledge,
  message,
  shutdown,
  teardown,
  call,
  update,
  exited,
  got,
  silent,
  "who-is": whoIs,
  close: ended("CLIENT_CLOSED"),
  stall: ended("READ_TOO_SLOWLY"),
  tick,
  evict,
  started,
  tasks,
  offers,
  commands: waiting,
  "operator-operations": operatorOperations,
  "operator-teardown": operatorTeardown,
  why,
  "what-if": (world, { args }) => whatIf(world, args.join(" ")),
};
