/**
 * The agent's shell: inputs in, one step each, one commit for what came together, then the effects.
 *
 * 1. No effect is performed before the Changes it came with are on disk. 2. Effects are performed
 * in the order they were made, but what is said to others comes after what is done here, and
 * containers are started last of that, one per turn of the event loop. 3. A commit that the disk
 * has no room for is tried again until it has; nothing else is decided meanwhile. When one fails
 * otherwise the process ends: what is in memory may never become true, and the next process starts
 * from what is on disk.
 */
import { randomInt } from "node:crypto";
import { unreachable } from "../../worker/std/assert.ts";
import type { Result } from "../../worker/std/result.ts";
import type { Change } from "../../worker/std/table.ts";
import {
  type ContainerId,
  type Containerizer,
  describeLaunchError,
} from "../containerizer/containerizer.ts";
import { step } from "../core/agent.ts";
import type { Effect, ExitReason, Launch } from "../core/effect.ts";
import type { Input } from "../core/input.ts";
import { containersToRecover } from "../core/recovery.ts";
import { registerRequest } from "../core/registration.ts";
import { outlivesMachine, type VolumeName } from "../core/rows.ts";
import { type AgentState, save } from "../core/state.ts";
import type { Outward } from "../outward/outward.ts";
import { Checker, type CheckRequest } from "../task-checks/checker.ts";
import { type Checkpoint, describeCheckpointError, isForRoom } from "./checkpoint.ts";
import type { ClientContainers } from "./containers/client-containers.ts";
import type { TerminalInputs } from "./containers/input.ts";
import type { ExecutorApiPlace } from "./executor-environment.ts";
import type { ExecutorStreams } from "./executor-streams.ts";
import type { FetchCache } from "./fetcher/cache.ts";
import type { History } from "./history.ts";
import { Launcher, type LauncherOptions } from "./launcher.ts";
import {
  type CallAnswer,
  type CallStream,
  type LinkedRequest,
  serveLinkedCall,
} from "./linked-call.ts";
import type { Log } from "./log.ts";
import { MasterLink } from "./master-link.ts";
import type { SteadyClock } from "./steady-clock.ts";
import type { TaskDefaults } from "./task-defaults.ts";
import { taskLines } from "./task-lines.ts";
import { makeVolume, removeVolume, sweepRemovedVolumes } from "./volumes.ts";

export interface AgentRunnerOptions {
  /** As `newState` made it; the runner alone changes it. */
  readonly state: AgentState;
  readonly clock: SteadyClock;
  readonly checkpoint: Checkpoint;
  readonly history: History;
  readonly containerizer: Containerizer;
  readonly workDirectory: string;
  readonly master: URL;
  /** How the link and the fetcher leave this machine. */
  readonly outward: Outward;
  readonly fetchCache: FetchCache;
  /** Advertised port. */
  readonly port: number;
  readonly executorApi: ExecutorApiPlace;
  readonly executorStreams: ExecutorStreams;
  readonly taskDefaults: TaskDefaults;
  readonly users: LauncherOptions["users"];
  readonly log: Log;
  /** Answers a call that came through the link. */
  readonly answerCall: (request: LinkedRequest) => Promise<CallAnswer | CallStream>;
  /** Those that clients launched. */
  readonly containers: Pick<ClientContainers, "known" | "recovered">;
  readonly inputs: TerminalInputs;
  /** Told of all Changes, once they are committed. */
  readonly observe: (changes: readonly Change[]) => void;
  /** Called once; ends the process. */
  readonly exit: (reason: ExitReason | { readonly type: "CHECKPOINT_FAILED" }) => void;
}

/** To the master, to whom it may concern, or to nobody any more. */
const SPOKEN = ["REGISTER", "POLL", "REPORT", "CALL", "SET_TIMER", "EXIT"] as const;
type SpokenEffect = Extract<Effect, { readonly type: (typeof SPOKEN)[number] }>;

function isSpoken(effect: Effect): effect is SpokenEffect {
  return SPOKEN.some((type) => type === effect.type);
}

/** `setTimeout` takes 31 bits; a longer wait is cut, and the wake-up finds nothing due. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** How long until what the disk had no room for is tried again. */
const ROOM_RETRY_MS = 1_000;

/** Inputs were taken; this follows. */
interface Decided {
  readonly changes: readonly Change[];
  readonly effects: readonly Effect[];
}

export class AgentRunner {
  readonly #options: AgentRunnerOptions;
  readonly #state: AgentState;
  readonly #link: MasterLink;
  readonly #launcher: Launcher;
  readonly #checker: Checker;
  #queue: Input[] = [];
  readonly #launches: Launch[] = [];
  /** In order; said at the latest in the next turn. */
  readonly #toSay: SpokenEffect[] = [];
  /** Until there is room on the disk. */
  #held: Decided | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(options: AgentRunnerOptions) {
    this.#options = options;
    this.#state = options.state;
    const { containerizer, workDirectory, port, outward, fetchCache, executorApi } = options;
    const { taskDefaults, users } = options;
    const { facts } = options.state;
    this.#launcher = new Launcher({
      ...{ containerizer, workDirectory, port, outward, fetchCache, executorApi },
      ...{ taskDefaults, users },
      inputs: options.inputs,
      ip: facts.ip,
    });
    this.#checker = new Checker({
      containerizer,
      specInside: (launch, command) =>
        this.#launcher.specInside(this.#agentId() ?? "", launch, command),
    });
    this.#link = new MasterLink({
      master: options.master,
      outward,
      sessionId: facts.sessionId,
      registerRequest: () => registerRequest(this.#state),
      submit: (input) => this.submit(input),
      log: options.log,
    });
  }

  /** Finds what the last process left, then registers. */
  async start(): Promise<void> {
    const { containerizer, history, log, workDirectory } = this.#options;
    this.#say(history.open(this.#state));
    void sweepRemovedVolumes(workDirectory);
    const known = containersToRecover(this.#state);
    const ofClients = this.#options.containers.known();
    const recovery = await containerizer.recover([...known, ...ofClients]);
    // One for each that was asked about, in that order.
    const containers = recovery.containers.slice(0, known.length);
    const { orphans } = recovery;
    this.#options.containers.recovered();
    const alive = containers.filter(({ state }) => state === "RUNNING");
    if (known.length > 0) log(`recovered ${alive.length} running of ${known.length} tasks`);
    if (orphans.length > 0) log(`removed ${orphans.length} containers that no task belongs to`);
    this.submit({ type: "RECOVERED", containers });
    for (const { containerId } of alive) this.#watch(containerId);
  }

  /** Inputs of one turn of the event loop share one commit. */
  submit(input: Input): void {
    if (this.#queue.push(input) === 1) setImmediate(() => this.#drain());
    // It changes nothing, and whoever asked waits.
    const leaves = input.type === "SHUTDOWN" && input.reason === "SIGNAL";
    if (this.#held !== undefined && leaves)
      this.#speak({ type: "EXIT", reason: { type: "SIGNAL" } });
  }

  close(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#options.executorStreams.closeAll();
    this.#checker.close();
    this.#launcher.close();
    this.#options.containerizer.close?.();
    this.#link.close();
  }

  #drain(): void {
    if (this.#ended || this.#held !== undefined) return;
    const inputs = this.#queue;
    this.#queue = [];
    const changes: Change[] = [];
    const effects: Effect[] = [];
    const times = { nowMs: this.#options.clock.nowMs(), wallMs: Date.now() };
    for (const input of inputs) {
      const outcome = step(this.#state, { ...times, seed: randomInt(2 ** 32), input });
      changes.push(...outcome.changes);
      effects.push(...outcome.effects);
    }
    this.#carryOut({ changes, effects });
  }

  #carryOut(decided: Decided): void {
    const { changes, effects } = decided;
    if (changes.length > 0 && !this.#commit(decided)) return;
    this.#options.observe(changes);
    for (const line of taskLines(changes)) this.#options.log(line);
    const waiting = this.#launches.length;
    for (const effect of effects) {
      if (isSpoken(effect)) this.#toSay.push(effect);
      else this.#perform(effect);
    }
    const isFirst = waiting === 0 && this.#launches.length > 0;
    if (isFirst) this.#launchNext();
    // A task waits for its start, the master for nothing that cannot come a turn later.
    if (isFirst) setImmediate(() => this.#sayAll());
    else this.#sayAll();
  }

  #sayAll(): void {
    for (const effect of this.#toSay.splice(0)) {
      if (!this.#ended) this.#speak(effect);
    }
  }

  /** Tries again what the disk had no room for; then it is the turn of what came meanwhile. */
  #goOn(): void {
    const held = this.#held;
    if (held === undefined || this.#ended) return;
    this.#carryOut(held);
    if (this.#held === undefined) this.#drain();
  }

  #commit(decided: Decided): boolean {
    const { checkpoint, history, log, exit } = this.#options;
    const { changes } = decided;
    const kept = history.keep(changes);
    if (this.#held === undefined) this.#say(kept);
    const sync = changes.some(outlivesMachine);
    const committed = checkpoint.commit(changes, { sync, save: () => save(this.#state) });
    if (committed.ok) {
      if (this.#held !== undefined) log("there is room on the disk again: the agent goes on");
      this.#held = undefined;
      history.forget(changes, this.#state);
      return true;
    }
    const failure = describeCheckpointError(committed.error);
    if (isForRoom(committed.error)) {
      if (this.#held === undefined) {
        log(`${failure}; the agent waits for room on the disk, its tasks keep running`);
      }
      this.#held = decided;
      setTimeout(() => this.#goOn(), ROOM_RETRY_MS);
      return false;
    }
    log(`${failure}; the agent ends, its tasks keep running`);
    this.close();
    exit({ type: "CHECKPOINT_FAILED" });
    return false;
  }

  #perform(effect: Exclude<Effect, SpokenEffect>): void {
    if (this.#ended) return;
    const { containerizer, executorStreams } = this.#options;
    switch (effect.type) {
      case "LAUNCH":
        this.#launches.push(effect);
        return;
      case "FETCH":
        void this.#fetch(effect);
        return;
      case "CANCEL_FETCH":
        this.#launcher.cancelFetch(effect.containerId);
        return;
      case "TERMINATE":
        // When it is not running any more, `wait` says so.
        void containerizer.kill(effect.containerId, "SIGTERM");
        return;
      case "DESTROY":
        this.#destroy(effect.containerId);
        return;
      case "REMOVE":
        void containerizer.remove(effect.containerId);
        return;
      case "UPDATE_LIMITS":
        void this.#setLimits(effect);
        return;
      case "MAKE_VOLUME":
        this.#say(makeVolume(this.#options.workDirectory, effect.volume));
        return;
      case "REMOVE_VOLUME":
        this.#removeVolume(effect.volume);
        return;
      case "CHECK":
        void this.#check(effect);
        return;
      case "CANCEL_CHECK":
        this.#checker.cancel(effect.containerId, effect.kind);
        return;
      case "EXECUTOR_EVENT":
        executorStreams.send(effect.connection, effect.event);
        return;
      case "CLOSE_EXECUTOR_STREAM":
        executorStreams.close(effect.connection);
        return;
      default:
        unreachable(effect);
    }
  }

  /** To the master, to whom it may concern, or to nobody any more. */
  #speak(effect: SpokenEffect): void {
    switch (effect.type) {
      case "REGISTER":
        this.#link.register();
        return;
      case "POLL":
        this.#link.poll(effect.acknowledgedCommand);
        return;
      case "REPORT":
        void this.#link.report(effect);
        return;
      case "CALL":
        void this.#call(effect);
        return;
      case "SET_TIMER":
        this.#setTimer(effect.dueMs);
        return;
      case "EXIT":
        this.close();
        this.#options.exit(effect.reason);
        return;
      default:
        unreachable(effect);
    }
  }

  /**
   * Starting a process blocks for some milliseconds: between two of them what waits to be sent or
   * read has its turn.
   */
  #launchNext(): void {
    const next = this.#launches.shift();
    if (next === undefined || this.#ended) return;
    void this.#launch(next);
    if (this.#launches.length > 0) setImmediate(() => this.#launchNext());
  }

  /** Not before a launch that waits for its turn: an image on its way would not hear of it. */
  #destroy(containerId: ContainerId): void {
    if (this.#launches.some((launch) => launch.containerId === containerId)) {
      setImmediate(() => this.#destroy(containerId));
      return;
    }
    void this.#options.containerizer.destroy(containerId);
  }

  async #fetch(launch: Launch): Promise<void> {
    const { containerId } = launch;
    const fetched = await this.#launcher.fetch(this.#agentId() ?? "", launch);
    if (fetched === undefined) return;
    if (fetched.ok) this.submit({ type: "FETCHED", containerId });
    else this.submit({ type: "LAUNCH_FAILED", containerId, message: fetched.error });
  }

  async #launch(launch: Launch): Promise<void> {
    const { containerId } = launch;
    const launched = await this.#launcher.launch(this.#agentId() ?? "", launch);
    if (launched.ok) {
      this.submit({ type: "CONTAINER_STARTED", containerId, ...launched.value });
      this.#watch(containerId);
    } else {
      this.submit({ type: "LAUNCH_FAILED", containerId, message: launched.error });
    }
  }

  async #check(request: CheckRequest): Promise<void> {
    const { containerId, kind } = request;
    const result = await this.#checker.make(request);
    if (result !== undefined) this.submit({ type: "CHECK_DONE", containerId, kind, result });
  }

  async #setLimits({
    containerId,
    limits,
  }: Effect & { readonly type: "UPDATE_LIMITS" }): Promise<void> {
    const { containerizer, log } = this.#options;
    const updated = await containerizer.update(containerId, limits);
    // What has ended meanwhile needs none.
    if (updated.ok || updated.error.code === "CONTAINER_NOT_RUNNING") return;
    log(`the limits of container ${containerId} stay: ${describeLaunchError(updated.error)}`);
  }

  #removeVolume(volume: VolumeName): void {
    const removed = removeVolume(this.#options.workDirectory, volume);
    this.#say(removed);
    // One that is still there is tried again by the next process.
    if (removed.ok) this.submit({ type: "VOLUME_REMOVED", volume });
  }

  #say(result: Result<unknown, string>): void {
    if (!result.ok) this.#options.log(result.error);
  }

  #watch(containerId: ContainerId): void {
    void this.#options.containerizer
      .wait(containerId)
      .then((termination) => this.submit({ type: "CONTAINER_ENDED", containerId, termination }));
  }

  async #call({ callId, call }: Effect & { readonly type: "CALL" }): Promise<void> {
    try {
      await serveLinkedCall(this.#link.callPort(callId), call, this.#options.answerCall);
    } catch (cause) {
      this.#options.log(`a call of the API through the link failed: ${cause}`);
    }
  }

  #setTimer(dueMs: number): void {
    clearTimeout(this.#timer);
    const delayMs = Math.min(Math.max(dueMs - this.#options.clock.nowMs(), 0), TIMER_MAX_MS);
    this.#timer = setTimeout(() => this.submit({ type: "TIMER_DUE" }), delayMs);
  }

  #agentId(): string | undefined {
    return this.#state.agent.get("agent")?.id;
  }
}
