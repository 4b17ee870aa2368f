/**
 * The flags of the agent, as Mesos names them: one table for `/flags`, `/state` and GET_FLAGS.
 *
 * A flag of Mesos that has a meaning here has its true value. One that stands for something this
 * agent does not have says so in the way Mesos prints it: a switch is "false", a name is "none", a
 * wait that nobody keeps is "0ns", and one that never ends is the longest time Mesos knows.
 */
import { encodeJson } from "../../worker/protocol/wire/json.ts";
import { formatBytes } from "../../worker/std/bytes.ts";
import { formatDuration } from "../../worker/std/duration.ts";
import { DOCKER_SANDBOX } from "../containerizer/docker/spec.ts";
import { DEFAULT_REGISTRY, type ImageSource } from "../containerizer/images/options.ts";
import { COMPLETED_EXECUTORS_PER_FRAMEWORK_MAX } from "../core/limits.ts";
import { FETCH_LIMITS } from "../shell/fetcher/fetcher.ts";
import type { ImageGcConfig } from "../shell/upkeep/image-collector.ts";
import type { AgentView } from "./view.ts";

export interface Flag {
  readonly name: string;
  readonly value: string;
}

/** In the order of their names; those that are not set are left out. */
export function flagsOf(view: AgentView): readonly Flag[] {
  return Object.entries(flags).flatMap(([name, given]) => {
    const value = typeof given === "string" ? given : given(view);
    return value === undefined ? [] : [{ name, value }];
  });
}

/** What a flag of Mesos says of something that is not there. */
const OFF = "false";
const NONE = "none";
const NOT_AWAITED = "0ns";
/** 2^63 - 1 ns, as Mesos writes it. */
const FOR_EVER = "15250.2844524715weeks";

const usesCgroups = ({ config }: AgentView): boolean => config.containerizer === "cgroups";

const usesDocker = ({ config }: AgentView): boolean => config.containerizers.includes("docker");

const hasImages = (view: AgentView): boolean => usesCgroups(view) && view.config.images.isEnabled;

function registryOf(source: ImageSource): string {
  return source.kind === "FOLDER" ? source.path : (source.url?.href ?? DEFAULT_REGISTRY);
}

/** Undefined: there are none, as Mesos shows a flag that is not set. */
const variablesOf = (environment: Readonly<Record<string, string>>): string | undefined =>
  Object.keys(environment).length === 0 ? undefined : JSON.stringify(environment);

function gcConfig(gc: ImageGcConfig | undefined): string | undefined {
  return (
    gc &&
    JSON.stringify({
      image_disk_headroom: gc.headroom,
      image_disk_watch_interval: { nanoseconds: gc.everyMs * 1_000_000 },
      excluded_images: gc.excluded,
    })
  );
}

const flags: Readonly<Record<string, string | ((view: AgentView) => string | undefined)>> = {
  appc_simple_discovery_uri_prefix: NONE,
  appc_store_dir: NONE,
  attributes: ({ config }) => config.texts.attributes,
  authenticate_http_readonly: ({ config }) => String(!config.insecureLocal),
  authenticate_http_readwrite: ({ config }) => String(!config.insecureLocal),
  authenticatee: NONE,
  authentication_backoff_factor: NOT_AWAITED,
  authentication_timeout_max: NOT_AWAITED,
  authentication_timeout_min: NOT_AWAITED,
  authorizer: "local",
  cgroups_cpu_enable_pids_and_tids_count: OFF,
  cgroups_destroy_timeout: FOR_EVER,
  cgroups_enable_cfs: ({ config }) => String(config.isolation.capsCpus),
  cgroups_hierarchy: (view) => (usesCgroups(view) ? "/sys/fs/cgroup" : NONE),
  cgroups_limit_swap: (view) => String(usesCgroups(view)),
  cgroups_root: (view) => (usesCgroups(view) ? "rimrock" : NONE),
  container_disk_watch_interval: ({ config }) => formatDuration(config.isolation.disk.everyMs),
  containerizers: ({ config }) => config.containerizers.join(","),
  default_role: ({ config }) => config.defaultRole,
  disallow_sharing_agent_ipc_namespace: OFF,
  disallow_sharing_agent_pid_namespace: OFF,
  disk_watch_interval: ({ config }) => formatDuration(config.collection.diskWatchMs),
  docker: NONE,
  docker_ignore_runtime: OFF,
  docker_kill_orphans: (view) => String(usesDocker(view)),
  docker_registry: (view) => (hasImages(view) ? registryOf(view.config.images.source) : NONE),
  docker_remove_delay: NOT_AWAITED,
  docker_socket: (view) => (usesDocker(view) ? view.config.docker.socketPath : NONE),
  docker_stop_timeout: NOT_AWAITED,
  docker_store_dir: (view) =>
    hasImages(view)
      ? (view.config.images.storeDirectory ?? `${view.config.workDirectory}/images`)
      : NONE,
  docker_volume_checkpoint_dir: NONE,
  docker_volume_chown: OFF,
  domain: ({ config }) => config.domain && encodeJson("mesos.v1.DomainInfo", config.domain),
  enforce_container_disk_quota: ({ config }) => String(config.isolation.disk.isEnforced),
  executor_environment_variables: ({ config }) => variablesOf(config.tasks.environment),
  executor_registration_timeout: ({ config }) =>
    formatDuration(config.executors.times.registrationMs),
  executor_reregistration_timeout: ({ config }) =>
    formatDuration(config.executors.times.reregistrationMs),
  executor_shutdown_grace_period: ({ config }) =>
    formatDuration(config.executors.times.shutdownGraceMs),
  fetcher_cache_dir: ({ config }) => `${config.workDirectory}/fetch`,
  fetcher_cache_size: ({ config }) => formatBytes(config.fetchCacheBytes),
  fetcher_stall_timeout: formatDuration(FETCH_LIMITS.stallMs),
  frameworks_home: ({ config }) => config.tasks.frameworksHome ?? "",
  gc_delay: ({ config }) => formatDuration(config.collection.delayMs),
  gc_disk_headroom: ({ config }) => String(config.collection.headroom),
  gc_non_executor_container_sandboxes: OFF,
  hadoop_home: ({ config }) => config.tasks.hadoopHome,
  help: OFF,
  hostname: ({ config }) => config.hostname,
  hostname_lookup: OFF,
  http_command_executor: OFF,
  http_executor_domain_sockets: OFF,
  http_heartbeat_interval: NOT_AWAITED,
  image_gc_config: ({ config }) => gcConfig(config.images.collection),
  image_providers: (view) => (hasImages(view) ? "DOCKER" : undefined),
  image_provisioner_backend: (view) => (hasImages(view) ? "overlay" : undefined),
  initialize_driver_logging: OFF,
  ip: ({ config }) => config.ip,
  isolation: (view) => (usesCgroups(view) ? view.isolators.join(",") : "posix/cpu,posix/mem"),
  launcher: (view) => (usesCgroups(view) ? "linux" : "posix"),
  launcher_dir: NONE,
  logbufsecs: "0",
  logging_level: "INFO",
  master: ({ config }) => config.master.host,
  max_completed_executors_per_framework: String(COMPLETED_EXECUTORS_PER_FRAMEWORK_MAX),
  memory_profiling: OFF,
  network_cni_metrics: OFF,
  network_cni_root_dir_persist: OFF,
  oversubscribed_resources_interval: FOR_EVER,
  perf_duration: NOT_AWAITED,
  perf_interval: FOR_EVER,
  port: ({ port }) => String(port),
  qos_correction_interval_min: FOR_EVER,
  quiet: OFF,
  reconfiguration_policy: ({ config }) => config.reconfigurationPolicy,
  recover: "reconnect",
  recovery_timeout: FOR_EVER,
  registration_backoff_factor: NOT_AWAITED,
  resources: ({ config }) => config.texts.resources,
  revocable_cpu_low_priority: OFF,
  runtime_dir: ({ config }) => `${config.workDirectory}/meta/runtime`,
  sandbox_directory: (view) => (usesDocker(view) || hasImages(view) ? DOCKER_SANDBOX : NONE),
  seccomp_config_dir: ({ config }) => config.isolation.seccomp?.configDirectory,
  seccomp_profile_name: ({ config }) => config.isolation.seccomp?.defaultProfile,
  strict: "true",
  switch_user: ({ config }) => String(config.tasks.switchUser),
  systemd_enable_support: OFF,
  systemd_runtime_directory: NONE,
  version: OFF,
  work_dir: ({ config }) => config.workDirectory,
  zk_session_timeout: NOT_AWAITED,
};
