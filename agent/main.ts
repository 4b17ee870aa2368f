/**
 * The agent process: reads its configuration, takes its work directory, finds its containers and
 * serves the master until it is told to end. Wiring only.
 */

import { randomUUID } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { versionFacts } from "../worker/protocol/build-facts.ts";
import { renderResources } from "../worker/resources/render.ts";
import { unreachable } from "../worker/std/assert.ts";
import { err, ok, type Result } from "../worker/std/result.ts";
import { type Access, hostsOf, readToken } from "./api/access.ts";
import { answerLinkedCall } from "./api/call-request.ts";
import { Counters } from "./api/counters.ts";
import type { ExecutorDoor } from "./api/executor-request.ts";
import { takePort } from "./api/port.ts";
import type { Listener } from "./api/server.ts";
import { Verbosity } from "./api/verbosity.ts";
import type { AgentView } from "./api/view.ts";
import { buildFacts } from "./build.ts";
import { runChecks } from "./check/run-checks.ts";
import { type Config, readCommandLine } from "./config.ts";
import { reportIsolation } from "./containerizer/cgroups/isolation-report.ts";
import { type ComposingContainerizer, composeContainerizers } from "./containerizer/composing.ts";
import type { ContainerizerOptions, GpuDevice, UserRange } from "./containerizer/containerizer.ts";
import type { ImageOptions } from "./containerizer/images/options.ts";
import type { Isolator } from "./containerizer/isolators.ts";
import { describeChoice } from "./containerizer-options.ts";
import { agentCapabilities } from "./core/capabilities.ts";
import { type AgentFacts, type AgentState, newState } from "./core/state.ts";
import { discoverGpus } from "./discovery/gpus.ts";
import { readMachine, withDiscovered } from "./discovery/machine.ts";
import { helpText } from "./options.ts";
import { Outward } from "./outward/outward.ts";
import { AgentRunner, type AgentRunnerOptions } from "./shell/agent-runner.ts";
import { Checkpoint, describeCheckpointError } from "./shell/checkpoint.ts";
import {
  ClientContainers,
  type ClientContainersOptions,
} from "./shell/containers/client-containers.ts";
import { ContainerInputs } from "./shell/containers/container-input.ts";
import { TerminalInputs } from "./shell/containers/input.ts";
import { ClientContainerRecords } from "./shell/containers/records.ts";
import { errnoOf } from "./shell/errno.ts";
import { ExecutorStreams } from "./shell/executor-streams.ts";
import { ExecutorTokens, readExecutorKey } from "./shell/executor-tokens.ts";
import { REMOVED_BY_MASTER } from "./shell/exit-codes.ts";
import { FetchCache } from "./shell/fetcher/cache.ts";
import { History } from "./shell/history.ts";
import { closeInheritedDescriptors } from "./shell/inherited-descriptors.ts";
import { type Log, stderrLog } from "./shell/log.ts";
import { reconfigure } from "./shell/reconfiguration.ts";
import { keepStartReserve } from "./shell/reserve-space.ts";
import { shutDownRunning } from "./shell/shut-down-running.ts";
import { SteadyClock } from "./shell/steady-clock.ts";
import { ImageCollector } from "./shell/upkeep/image-collector.ts";
import { SandboxCollector } from "./shell/upkeep/sandbox-collector.ts";
import { Upkeep } from "./shell/upkeep/upkeep.ts";
import {
  describeWorkDirectoryError,
  takeWorkDirectory,
  type WorkDirectory,
} from "./shell/work-directory.ts";
import { CHECK_ARGUMENT, makeOneCheck } from "./task-checks/network.ts";

/** The Mesos version whose agent this one behaves like. */
const VERSION = "1.12.0";

/**
 * Killing everything takes some milliseconds; after this long the next start has to tell how it
 * ended.
 */
const PARENT_ENDED_DEADLINE_MS = 1_000;

/** Tasks have a grace to end in, and an update is repeated for a while until somebody hears it. */
const HEARD_DEADLINE_MS = 120_000;

// An agent shares its machine with tasks. By default V8 lets what is young grow to 48 MB as soon as
// somebody polls the API; its first size is enough, at the cost of looking through it more often.
setFlagsFromString("--semi-space-growth-factor=1");

await main();

async function main(): Promise<void> {
  // Sent to where a task is, for one check of it.
  if (process.argv[2] === CHECK_ARGUMENT) return await makeOneCheck();
  const read = readCommandLine({ args: process.argv.slice(2), env: process.env, readFile });
  if (!read.ok) return refuse(read.error);
  switch (read.value.type) {
    case "HELP":
      process.stdout.write(helpText());
      return;
    case "VERSION":
      process.stdout.write(`${VERSION}\n`);
      return;
    case "CHECK":
      // Connections that are kept alive must not keep the process.
      return process.exit(await runChecks(read.value));
    case "SHUT_DOWN": {
      const say = (line: string): void => void process.stderr.write(`rimrock-agent: ${line}\n`);
      const ended = await shutDownRunning(read.value.workDirectory, say);
      return ended.ok ? undefined : refuse([ended.error]);
    }
    case "RUN": {
      const gpus = await findGpus(read.value.config);
      return gpus.ok ? await run(read.value.config, gpus.value) : refuse([gpus.error]);
    }
    default:
      unreachable(read.value);
  }
}

/** The error is a clause. */
function readFile(path: string): Result<string, string> {
  try {
    return ok(readFileSync(path, "utf8"));
  } catch (cause) {
    return err(`it cannot be read (${errnoOf(cause)})`);
  }
}

async function run(config: Config, gpus: readonly GpuDevice[]): Promise<void> {
  closeInheritedDescriptors();
  const log = stderrLog({ json: config.jsonLog });
  const taken = await takeWorkDirectory(config.workDirectory);
  if (!taken.ok) return refuse([describeWorkDirectoryError(taken.error)]);
  const work = taken.value;
  const counters = new Counters();
  const options = containerizerOptions(config, work, { gpus, log, counters });
  const outward = new Outward({ certificates: config.certificates, keepAlive: true });
  const containerizer = await makeContainerizer(config, options, { work, outward });
  if (containerizer === undefined) return;
  const opened = Checkpoint.open(work.metaDirectory);
  if (!opened.ok) return refuse([describeCheckpointError(opened.error)]);
  const { checkpoint, rows } = opened.value;
  const api = await openApi(config, work);
  if (!api.ok) return refuse([api.error]);
  const { listener, access, tokens } = api.value;
  const { port } = listener;
  const executorStreams = new ExecutorStreams();
  const facts = agentFacts(config, { port, gpus: gpus.length });
  const mayBe = reconfigure(work.metaDirectory, facts.agentInfo, config.reconfigurationPolicy);
  if (!mayBe.ok) {
    refuse([mayBe.error]);
    // The API's port is open by now.
    return process.exit();
  }
  const state = newState(facts, rows);
  log(`agent ${rows.agent[0]?.id ?? "(new)"} at ${work.path}, ${describeAgent(config, port)}`);
  const history = new History(join(work.metaDirectory, "history"));
  const fetchCache = new FetchCache(join(work.path, "fetch"), config.fetchCacheBytes);
  const clock = new SteadyClock(work.metaDirectory);
  const upkeep = makeUpkeep(config, state, { work, clock, log, containerizer });
  const facilities = { state, containerizer, port, outward, fetchCache, users: usersOf(config) };
  const { containers, inputs, terminals } = clientContainers(config, work, facilities);
  const view: AgentView = {
    ...{ state, history, containerizer, containers, inputs, config, port, counters },
    isolators: isolatorsOf(config, options),
    version: versionFacts(VERSION, buildFacts),
    collector: upkeep.collector,
    fetchCache,
    verbosity: new Verbosity(),
    startedMs: Date.now(),
  };
  const runner = new AgentRunner({
    ...{ state, clock, checkpoint, history, containerizer, fetchCache, port, executorStreams, log },
    workDirectory: work.path,
    master: config.master,
    outward,
    executorApi: { endpoint: `${executorHost(config)}:${port}`, tokens },
    ...{ taskDefaults: config.tasks, users: facilities.users },
    answerCall: (request) => answerLinkedCall(view, request, log),
    ...{ containers, inputs: terminals },
    observe: (changes) => {
      counters.count(changes);
      containers.observe(changes);
      upkeep.collector.follow(changes);
    },
    exit: (reason) => exit(reason, log),
  });
  listenForTheEnd(runner, config, log);
  const door = { state, tokens, streams: executorStreams };
  listener.serve(view, { access, log, executors: executorDoor(config, runner, door) });
  await start(runner, work, log);
  upkeep.start();
  counters.recoverySeconds = (Date.now() - view.startedMs) / 1_000;
}

/** Where what ran cannot be looked at, nothing of it may be called lost, nor started beside it. */
async function start(
  runner: AgentRunner,
  { metaDirectory }: WorkDirectory,
  log: Log,
): Promise<void> {
  try {
    await runner.start();
    keepStartReserve(metaDirectory);
  } catch (cause) {
    log(`the agent cannot start: ${cause instanceof Error ? cause.message : String(cause)}`);
    process.exit(1);
  }
}

/** Like "containerizer cgroups, as the agent runs as root; API at http://127.0.0.1:5051". */
function describeAgent(config: Config, port: number): string {
  return `containerizer ${containerizersOf(config)}; API at http://${config.listen}:${port}`;
}

/** Like "docker and cgroups, as the agent runs as root". */
function containerizersOf({ containerizers, containerizer, containerizerReason }: Config): string {
  const mesos = describeChoice({ kind: containerizer, reason: containerizerReason });
  if (!containerizers.includes("docker")) return mesos;
  return containerizers.includes("mesos") ? `docker and ${mesos}` : "docker";
}

function makeUpkeep(
  config: Config,
  state: AgentState,
  tools: {
    readonly work: WorkDirectory;
    readonly clock: SteadyClock;
    readonly log: Log;
    readonly containerizer: ComposingContainerizer;
  },
): Upkeep {
  const { work, clock, log, containerizer } = tools;
  const { collection, rotation } = config;
  const folders = { workDirectory: work.path, metaDirectory: work.metaDirectory };
  const { delayMs, headroom, diskWatchMs } = collection;
  const nowMs = (): number => clock.nowMs();
  const collector = new SandboxCollector({ ...folders, state, delayMs, headroom, log, nowMs });
  const { isEnabled, collection: gc } = config.images;
  const images = isEnabled &&
    config.containerizer === "cgroups" &&
    gc !== undefined && {
      ...{ config: gc, log },
      directory: imageStore(config, work),
      prune: (excluded: readonly string[]) => containerizer.pruneImages(excluded),
    };
  return new Upkeep({
    ...{ workDirectory: work.path, state, collector, diskWatchMs, rotation, log },
    images: images === false ? undefined : new ImageCollector(images),
  });
}

function executorDoor(
  { executors: { isTokenOptional } }: Config,
  runner: AgentRunner,
  door: Pick<ExecutorDoor, "state" | "tokens" | "streams">,
): ExecutorDoor {
  return { ...door, isTokenOptional, submit: (input) => runner.submit(input) };
}

/** Where executors find the API. */
function executorHost({ listen, ip }: Config): string {
  return listen === "0.0.0.0" ? ip : listen;
}

/** Those that clients launch, and what is typed into them. */
function clientContainers(
  config: Config,
  { path: workDirectory, metaDirectory }: WorkDirectory,
  facts: Pick<
    ClientContainersOptions,
    "state" | "containerizer" | "port" | "outward" | "fetchCache" | "users"
  >,
): {
  readonly containers: ClientContainers;
  readonly inputs: ContainerInputs;
  readonly terminals: TerminalInputs;
} {
  const terminals = new TerminalInputs(join(metaDirectory, "inputs"));
  const containers = new ClientContainers({
    ...facts,
    workDirectory: realpathSync(workDirectory),
    metaDirectory,
    taskDefaults: config.tasks,
    inputs: terminals,
    records: new ClientContainerRecords(join(metaDirectory, "containers")),
  });
  return { containers, inputs: new ContainerInputs(containers, terminals), terminals };
}

/** Those that containers have of their own; undefined: the machine's. */
function usersOf({ containerizer, isolation }: Config): UserRange | undefined {
  return containerizer === "cgroups" ? isolation.users : undefined;
}

/** Takes the API's port; the error is a sentence. */
async function openApi(
  config: Config,
  work: WorkDirectory,
): Promise<Result<{ listener: Listener; access: Access; tokens: ExecutorTokens }, string>> {
  const key = readExecutorKey(work.metaDirectory);
  if (!key.ok) return key;
  const token = config.insecureLocal ? ok(undefined) : readToken(work.path);
  if (!token.ok) return token;
  const listener = await takePort(config, work.metaDirectory);
  if (!listener.ok) return listener;
  const hosts = hostsOf(listener.value.port, [config.hostname, config.ip, config.listen]);
  const access = { hosts, token: token.value };
  return ok({ listener: listener.value, access, tokens: new ExecutorTokens(key.value) });
}

/** Those that a containerizer can hand out. */
async function findGpus({
  containerizer,
  containerizers,
  isolation,
  resources,
  jsonLog,
}: Config): Promise<Result<readonly GpuDevice[], string>> {
  if (containerizer !== "cgroups" && !containerizers.includes("docker")) return ok([]);
  const { gpuDevices: chosen } = isolation;
  const found = await discoverGpus({ program: "nvidia-smi", deviceDirectory: "/dev", chosen });
  const isWanted =
    chosen !== undefined ||
    isolation.isolation?.has("gpu/nvidia") === true ||
    resources.some(({ name }) => name === "gpus");
  // A machine may have the program, and neither a GPU nor its driver.
  if (found.ok || isWanted) return found;
  stderrLog({ json: jsonLog })(`${found.error}; until then this agent has no GPUs to give`);
  return ok([]);
}

function containerizerOptions(
  config: Config,
  work: WorkDirectory,
  tools: { readonly gpus: readonly GpuDevice[]; readonly log: Log; readonly counters: Counters },
): ContainerizerOptions {
  const { gpus, log, counters } = tools;
  const { isolation, allowedCapabilities, seccomp, users, disk } = config.isolation;
  return {
    runtimeDirectory: work.runtimeDirectory,
    cgroupRoot: "rimrock",
    hiddenDirectory: work.path,
    ...(isolation !== undefined && { isolation }),
    ...(allowedCapabilities !== undefined && { allowedCapabilities }),
    ...(seccomp !== undefined && { seccomp }),
    ...(users !== undefined && { users }),
    ...{ disk, gpus },
    docker: config.docker,
    imagePulled: (by, tookMs) => counters.imagePulls[by].add(tookMs, Date.now()),
    log,
  };
}

function imageStore({ images }: Config, { path }: WorkDirectory): string {
  return images.storeDirectory ?? join(path, "images");
}

/** Undefined: the operator wants none. */
function imageOptions(
  config: Config,
  work: WorkDirectory,
  outward: Outward,
): ImageOptions | undefined {
  const { images, docker } = config;
  if (!images.isEnabled) return undefined;
  return {
    ...{ storeDirectory: imageStore(config, work), owner: realpathSync(work.path) },
    ...{ source: images.source, outward },
    ...{ dockerConfig: docker.config, stallMs: docker.pullStallMs },
  };
}

async function makeContainerizer(
  config: Config,
  options: ContainerizerOptions,
  { work, outward }: { readonly work: WorkDirectory; readonly outward: Outward },
): Promise<ComposingContainerizer | undefined> {
  const { capsCpus } = config.isolation;
  const images = imageOptions(config, work, outward);
  const composed = await composeContainerizers({ ...config, capsCpus }, options, images);
  if (composed.ok) return composed.value;
  refuse([composed.error]);
  return undefined;
}

function isolatorsOf(config: Config, options: ContainerizerOptions): readonly Isolator[] {
  if (config.containerizer !== "cgroups") return [];
  return reportIsolation(options)?.works ?? [];
}

function agentFacts(
  config: Config,
  { port, gpus }: { readonly port: number; readonly gpus: number },
): AgentFacts {
  const resources = withDiscovered(
    config.resources,
    readMachine(config.workDirectory, gpus),
    config.defaultRole,
  );
  return {
    agentInfo: {
      hostname: config.hostname,
      port,
      resources: renderResources(resources, { refinedReservations: true }),
      attributes: config.attributes,
      domain: config.domain,
    },
    ip: config.ip,
    version: VERSION,
    capabilities: agentCapabilities,
    sessionId: randomUUID(),
    executorTimes: config.executors.times,
  };
}

/**
 * SIGUSR1 ends the tasks as well. The other signals leave them running, for the next agent process
 * to find. Not so with --die-with-parent: there Ctrl-C reaches the parent as well, and after it
 * nobody would be left to find them.
 */
function listenForTheEnd(runner: AgentRunner, { dieWithParent }: Config, log: Log): void {
  let ending = false;
  const endWithParent = (): void => {
    if (ending) return;
    ending = true;
    runner.submit({ type: "SHUTDOWN", reason: "PARENT_ENDED" });
    setTimeout(() => exit({ type: "PARENT_ENDED" }, log), PARENT_ENDED_DEADLINE_MS);
  };
  const leave = (): void => runner.submit({ type: "SHUTDOWN", reason: "SIGNAL" });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.once(signal, dieWithParent ? endWithParent : leave);
  }
  process.once("SIGUSR1", () => {
    log("the agent ends its tasks, and itself when the master has heard of all of them");
    runner.submit({ type: "SHUTDOWN", reason: "ASKED" });
    setTimeout(() => {
      log("not all of it was heard of in time; the next agent on this work directory tells it");
      exit({ type: "ASKED" }, log);
    }, HEARD_DEADLINE_MS);
  });
  // Whoever read the log may be gone, parent included: that must not end the agent in the middle of
  // its work.
  process.stderr.on("error", () => {});
  if (!dieWithParent) return;
  for (const event of ["end", "close"]) process.stdin.once(event, endWithParent);
  process.stdin.on("error", () => {});
  process.stdin.resume();
}

function exit(reason: Parameters<AgentRunnerOptions["exit"]>[0], log: Log): never {
  switch (reason.type) {
    case "SIGNAL":
      log(
        "the agent ends; its tasks keep running, the next agent on this work directory finds them",
      );
      return process.exit(0);
    case "ASKED":
      log("the agent and its tasks have ended, as they were asked to");
      return process.exit(0);
    case "PARENT_ENDED":
      log("the agent and its tasks end with the process that started it");
      return process.exit(0);
    case "MASTER_SHUTDOWN": {
      const why = reason.message === "" ? "" : ` (${reason.message})`;
      log(`the master removed this agent${why}; its tasks were killed`);
      return process.exit(REMOVED_BY_MASTER);
    }
    case "CHECKPOINT_FAILED":
      return process.exit(1);
    default:
      return unreachable(reason);
  }
}

function refuse(errors: readonly string[]): void {
  for (const error of errors) process.stderr.write(`rimrock-agent: ${error}\n`);
  process.exitCode = 1;
}
