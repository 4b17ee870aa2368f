/**
 * The flags of the master: one table for `/flags`, `/state` and GET_FLAGS.
 *
 * A flag of Mesos that has a meaning here has its true value. One that stands for something this
 * master does not have says so in the way Mesos prints it: a switch is "false", a name is "none",
 * a wait that nobody keeps is "0ns", and one that never ends is the longest time Mesos knows.
 */
import { encodeJson } from "../../protocol/wire/json.ts";
import { formatDuration } from "../../std/duration.ts";
import { EXPRESSION_BYTES, PROGRAM_SIZE } from "../allocator/expression.ts";
import {
  AGENT_MEMORY_MS,
  COMPLETED_FRAMEWORKS_MAX,
  COMPLETED_TASKS_PER_FRAMEWORK_MAX,
  MIN_REFUSE_MS,
  SUBSCRIBERS_MAX,
  UNREACHABLE_AGENTS_MAX,
} from "../constants.ts";
import { agentSilenceMs } from "../settings.ts";
import type { MasterState } from "../state.ts";

export interface Flag {
  readonly name: FlagName;
  readonly value: string;
}

/** In the order of their names; those that are not set are left out. */
export function flagsOf(state: MasterState): readonly Flag[] {
  return flagNames.flatMap((name) => {
    const given = flags[name];
    const value = typeof given === "string" ? given : given(state);
    return value === undefined ? [] : [{ name, value }];
  });
}

/** Every flag that a Mesos 1.12 master shows, and those that are shown only when they are set. */
export type FlagName = keyof typeof flags;

/** What a flag of Mesos says of something that is not there. */
const OFF = "false";
const NONE = "none";
const NOT_AWAITED = "0ns";
/** 2^63 - 1 ns, as Mesos writes it. */
const FOR_EVER = "15250.2844524715weeks";
/** 2^64 - 1: the largest count that Mesos can write. */
const UNBOUNDED = "18446744073709551615";

const policy = (state: MasterState): string =>
  state.tables.cluster.get("cluster")?.policy ?? state.settings.policy;

const flags = {
  // There are no pings to count: a silence of both together makes an agent unreachable.
  agent_ping_timeout: ({ settings }: MasterState) => formatDuration(settings.agentPing.timeoutMs),
  // After a restart of the master an agent is awaited exactly as at any other time.
  agent_reregister_timeout: ({ settings }: MasterState) => formatDuration(agentSilenceMs(settings)),
  // Nothing waits for a tick, but what a framework declined comes back to it no sooner.
  allocation_interval: formatDuration(MIN_REFUSE_MS),
  allocator: "hierarchical",
  // The state survives a restart, so offers do not wait for agents to come back.
  allocator_agent_recovery_factor: "0",
  allocator_recovery_timeout: NOT_AWAITED,
  authenticate_agents: OFF,
  authenticate_frameworks: OFF,
  authenticate_http_frameworks: OFF,
  authenticate_http_readonly: OFF,
  authenticate_http_readwrite: OFF,
  authentication_v0_timeout: NOT_AWAITED,
  authenticators: NONE,
  authorizers: "local",
  domain: ({ settings }: MasterState) =>
    settings.domain && encodeJson("mesos.v1.DomainInfo", settings.domain),
  filter_gpu_resources: "true",
  framework_sorter: policy,
  help: OFF,
  hostname: ({ settings }: MasterState) => settings.address.hostname,
  hostname_lookup: OFF,
  http_authenticators: NONE,
  initialize_driver_logging: OFF,
  ip: ({ settings }: MasterState) => settings.address.ip,
  log_auto_initialize: OFF,
  logbufsecs: "0",
  // Without more verbosity (SET_LOGGING_LEVEL) only failures are logged.
  logging_level: "ERROR",
  max_agent_ping_timeouts: ({ settings }: MasterState) => String(settings.agentPing.maxTimeouts),
  max_completed_frameworks: String(COMPLETED_FRAMEWORKS_MAX),
  max_completed_tasks_per_framework: String(COMPLETED_TASKS_PER_FRAMEWORK_MAX),
  max_operator_event_stream_subscribers: String(SUBSCRIBERS_MAX),
  max_unreachable_tasks_per_framework: UNBOUNDED,
  memory_profiling: OFF,
  min_allocatable_resources: "cpus:0.01|mem:32",
  offer_constraints_re2_max_mem: `${EXPRESSION_BYTES / 1_024}KB`,
  offer_constraints_re2_max_program_size: String(PROGRAM_SIZE),
  offer_timeout: ({ settings }: MasterState) =>
    settings.offerTimeoutMs === undefined ? undefined : formatDuration(settings.offerTimeoutMs),
  port: ({ settings }: MasterState) => String(settings.address.port),
  publish_per_framework_metrics: "true",
  quiet: OFF,
  recovery_agent_removal_limit: "100%",
  registry: "sqlite",
  registry_fetch_timeout: FOR_EVER,
  // What is too old is forgotten at its time, not at the next round.
  registry_gc_interval: NOT_AWAITED,
  registry_max_agent_age: formatDuration(AGENT_MEMORY_MS),
  registry_max_agent_count: String(UNREACHABLE_AGENTS_MAX),
  registry_store_timeout: FOR_EVER,
  registry_strict: "true",
  require_agent_domain: OFF,
  role_sorter: policy,
  root_submissions: "true",
  version: OFF,
  webui_dir: NONE,
  work_dir: NONE,
  zk_session_timeout: NOT_AWAITED,
} satisfies Readonly<Record<string, string | ((state: MasterState) => string | undefined)>>;

// The keys of an object are texts to the compiler, whatever they are called.
const flagNames = Object.keys(flags) as FlagName[];
