/**
 * A containerizer whose containers are commands under a supervisor shell (`script.ts`), confined by
 * an `Isolation`. It decides who is alive, what an end means, and in which order things are undone.
 *
 * Invariants:
 * 1. A record on disk exists before anything else of a container does, and until `remove`.
 * 2. `wait` resolves once, after no process of the container is left and its cgroups are gone.
 * 3. At idle nothing runs here: no timer, and a watch only for containers of an earlier agent
 * process.
 */

import { closeSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { basename, isAbsolute } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ResourceStatistics } from "../../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import {
  type ContainerId,
  type Containerizer,
  type ContainerNotRunning,
  type ContainerRecord,
  type ContainerSpec,
  type ContainerTermination,
  describeLaunchError,
  type KillError,
  type LaunchError,
  type Launched,
  type RecoveredContainer,
  type Recovery,
  type ResizeError,
  type ResourceLimits,
  type TerminalSize,
  type UpdateError,
  type UsageError,
} from "../containerizer.ts";
import { commandLine } from "./command-line.ts";
import { Container } from "./container.ts";
import { EndWatch } from "./end-watch.ts";
import { isAlive, lost, patiently, recordedEnd, unrecordedEnd, whyGone } from "./ends.ts";
import { findHostTools, type HostTools } from "./host-tools.ts";
import { instructions } from "./instructions.ts";
import {
  type Confined,
  type Entry,
  type Isolation,
  type Limitation,
  signalProcess,
} from "./isolation.ts";
import { NOT_ABSOLUTE } from "./output.ts";
import { Records } from "./records.ts";
import type { Supervisor } from "./supervisor.ts";
import { Supervisors } from "./supervisors.ts";
import { setTerminalSize, terminalOf } from "./terminal.ts";
import { Turns } from "./turns.ts";
import { type Account, accountOf } from "./users.ts";

/**
 * How long a process may resist SIGKILL (uninterruptible I/O) before the container counts as ended.
 */
const SWEEP_TIMEOUT_MS = 5_000;
/** How long a supervisor may go on after its command was killed. */
const SUPERVISOR_TIMEOUT_MS = 2_000;
/** How long a signal waits for a command that is just being started. */
const APPEAR_TIMEOUT_MS = 2_000;
/** How long what is set up for a container may take before nothing can be run inside it. */
const READY_TIMEOUT_MS = 15_000;
const RECOVER_RESERVED_TRIES = 10;
const RECOVER_RESERVED_PAUSE_MS = 20;

interface LaunchFacts {
  readonly spec: ContainerSpec;
  readonly tools: HostTools;
  readonly account: Account | undefined;
}

export class SupervisedContainerizer implements Containerizer {
  readonly #records: Records;
  readonly #isolation: Isolation;
  readonly #containers = new Map<ContainerId, Container>();
  readonly #watch: EndWatch;
  /** Of one group one container is launched after the other: the next one joins the first. */
  readonly #turns = new Turns<ContainerId>();
  readonly #supervisors: Supervisors;
  #tools: Promise<Result<HostTools, { readonly why: string }>> | undefined;

  /** `tools`: found on this machine when left out. `spares`: supervisors that wait for use. */
  constructor(
    runtimeDirectory: string,
    isolation: Isolation,
    { tools, spares = 0 }: { readonly tools?: HostTools; readonly spares?: number } = {},
  ) {
    this.#records = new Records(runtimeDirectory);
    this.#supervisors = new Supervisors(this.#records, spares);
    this.#isolation = isolation;
    this.#watch = new EndWatch(runtimeDirectory, (id) => this.#inspect(id));
    if (tools !== undefined) this.#tools = Promise.resolve(ok(tools));
    isolation.tellLimits?.((id, limitation) => this.#exceeded(id, limitation));
  }

  async recover(known: readonly ContainerRecord[]): Promise<Recovery> {
    const created = this.#records.createDirectory();
    // Not an empty recovery: it would call running tasks lost.
    if (!created.ok) throw new Error(describeLaunchError(created.error));
    this.#records.clearSpares();
    const wanted = new Set(known.map((record) => record.containerId));
    const orphans = this.#records.list().filter((id) => !wanted.has(id));
    // All before any: what they share is not to go with the first one that has ended.
    for (const id of [...wanted, ...orphans]) {
      const [inside, groupId] = [this.#records.inside(id), this.#records.group(id)];
      this.#isolation.recovered?.({ containerId: id, inside, groupId });
    }
    const [containers] = await Promise.all([
      Promise.all(known.map((record) => this.#recoverOne(record.containerId))),
      Promise.all(
        orphans.map(async (id) => {
          await this.#recoverOne(id);
          await this.remove(id);
        }),
      ),
    ]);
    return { containers, orphans };
  }

  async launch(spec: ContainerSpec): Promise<Result<Launched, LaunchError>> {
    this.#tools ??= findHostTools();
    const tools = await this.#tools;
    if (!tools.ok) return err({ code: "SPAWN_FAILED", path: "/bin/sh", errno: tools.error.why });
    const id = spec.containerId;
    if (this.#containers.has(id)) return err({ code: "CONTAINER_EXISTS", containerId: id });
    const path = spec.sandboxDirectory;
    if (!isAbsolute(path)) return err({ code: "SANDBOX_UNUSABLE", path, errno: NOT_ABSOLUTE });
    const account = accountOf(spec);
    if (!account.ok) return account;
    const facts = { spec, tools: tools.value, account: account.value };
    const groupId = sharedGroup(spec);
    return groupId === undefined
      ? await this.#start(facts)
      : await this.#turns.take(groupId, () => this.#start(facts));
  }

  /** Containers go on; what waits to become one ends. */
  close(): void {
    this.#supervisors.close();
  }

  async update(id: ContainerId, limits: ResourceLimits): Promise<Result<void, UpdateError>> {
    const container = this.#running(id);
    return container.ok ? this.#isolation.update(container.value, limits) : container;
  }

  async usage(id: ContainerId): Promise<Result<ResourceStatistics, UsageError>> {
    const container = this.#running(id);
    return container.ok ? this.#isolation.usage(container.value) : container;
  }

  wait(id: ContainerId): Promise<ContainerTermination> {
    const container = this.#containers.get(id);
    if (container !== undefined) return container.ended;
    return Promise.resolve(lost(`Container ${id} is not known to this agent`));
  }

  async kill(id: ContainerId, signal: string): Promise<Result<void, KillError>> {
    if (!(signal in constants.signals)) return err({ code: "SIGNAL_UNKNOWN", signal });
    const deadlineMs = performance.now() + APPEAR_TIMEOUT_MS;
    for (let pauseMs = 1; performance.now() < deadlineMs; pauseMs = Math.min(2 * pauseMs, 50)) {
      const container = this.#running(id);
      if (!container.ok) return container;
      const pids = await this.#ownProcesses(container.value);
      for (const pid of commandsAmong(pids, container.value)) signalProcess(pid, signal);
      if (pids.length > 0) return ok(undefined);
      await sleep(pauseMs);
    }
    return err({ code: "CONTAINER_NOT_RUNNING", containerId: id });
  }

  /** Without those of the containers inside it: a session is not told to end when its task is. */
  async #ownProcesses(container: Container): Promise<readonly number[]> {
    const inside = [...this.#containers.values()].filter(
      (other) => other.inside === container.containerId && other.state === "RUNNING",
    );
    const theirs = await Promise.all(inside.map((other) => this.#isolation.processes(other)));
    const pids = await this.#isolation.processes(container);
    return pids.filter((pid) => !theirs.some((others) => others.includes(pid)));
  }

  async resize(id: ContainerId, size: TerminalSize): Promise<Result<void, ResizeError>> {
    const container = this.#running(id);
    if (!container.ok) return container;
    this.#tools ??= findHostTools();
    const tools = await this.#tools;
    const terminal = terminalOf(await this.#isolation.processes(container.value));
    const isSet =
      tools.ok && terminal !== undefined && (await setTerminalSize(terminal, size, tools.value));
    return isSet ? ok(undefined) : err({ code: "NO_TERMINAL", containerId: id });
  }

  async destroy(id: ContainerId): Promise<void> {
    const container = this.#containers.get(id);
    if (container === undefined) return;
    if (container.state === "RUNNING") container.destroying = true;
    const startMs = performance.now();
    for (let pauseMs = 4; container.state === "RUNNING"; pauseMs = Math.min(2 * pauseMs, 50)) {
      await patiently(() => this.#isolation.killAll(container));
      // The supervisor has nothing to wait for by now; one that goes on is stuck.
      if (performance.now() - startMs > SUPERVISOR_TIMEOUT_MS) this.#killSupervisor(container);
      await Promise.race([container.ended, sleep(pauseMs)]);
      this.#inspect(id);
    }
    await container.ended;
  }

  async remove(id: ContainerId): Promise<void> {
    await this.destroy(id);
    this.#containers.delete(id);
    this.#records.remove(id);
  }

  async #start(facts: LaunchFacts): Promise<Result<Launched, LaunchError>> {
    const { spec, tools, account } = facts;
    const { containerId: id, sandboxDirectory } = spec;
    const reserved = this.#records.reserve(id);
    if (!reserved.ok) {
      const exists = reserved.error.errno === "EEXIST";
      return exists ? err({ code: "CONTAINER_EXISTS", containerId: id }) : reserved;
    }
    const entry = await this.#prepare(spec, account);
    if (!entry.ok) return this.#undo(spec, entry.error);
    const command = commandLine({ spec, account, entry: entry.value }, tools);
    const provided = command.ok
      ? await this.#supervisors.provide({ ...facts, entry: entry.value })
      : command;
    for (const descriptor of entry.value.space?.descriptors ?? []) closeSync(descriptor);
    if (!command.ok) return this.#undo(spec, command.error);
    if (!provided.ok) return this.#undo(spec, provided.error);
    const { supervisor, mountsFile } = provided.value;
    this.#follow(spec, supervisor);
    const told = { entry: entry.value, sandboxDirectory, mountsFile, command: command.value };
    supervisor.tell(instructions(told));
    return ok({ pid: supervisor.pid });
  }

  #follow(spec: ContainerSpec, { pid, ended }: Supervisor): void {
    const container = new Container(this.#records, {
      containerId: spec.containerId,
      vouched: true,
      supervisorPid: pid,
      inside: spec.inside,
      groupId: sharedGroup(spec),
    });
    this.#containers.set(spec.containerId, container);
    void ended.then((how) => {
      container.supervisorPid = undefined;
      return this.#conclude(container, `Its supervisor ended (${how}) without a word`);
    });
  }

  async #prepare(
    spec: ContainerSpec,
    account: Account | undefined,
  ): Promise<Result<Entry, LaunchError>> {
    const { containerId: id, inside } = spec;
    const alone = { spec, account, outer: undefined, peer: undefined };
    if (inside !== undefined) {
      const written = this.#records.writeInside(id, inside);
      if (!written.ok) return written;
      const outer = await this.#ready(inside);
      return outer.ok ? this.#isolation.prepare({ ...alone, outer: outer.value }) : outer;
    }
    const groupId = sharedGroup(spec);
    if (groupId === undefined) return this.#isolation.prepare(alone);
    const written = this.#records.writeGroup(id, groupId);
    if (!written.ok) return written;
    return this.#isolation.prepare({ ...alone, peer: await this.#peerIn(groupId) });
  }

  /** A running container of the group, once its namespaces are its own. */
  async #peerIn(groupId: ContainerId): Promise<Container | undefined> {
    for (const container of [...this.#containers.values()]) {
      if (container.groupId !== groupId || container.state !== "RUNNING") continue;
      const ready = await this.#ready(container.containerId);
      if (ready.ok) return ready.value;
    }
    return undefined;
  }

  /** The container once its command is where it belongs; what is being set up can be waited for. */
  async #ready(id: ContainerId): Promise<Result<Container, ContainerNotRunning>> {
    const deadlineMs = performance.now() + READY_TIMEOUT_MS;
    for (let pauseMs = 1; performance.now() < deadlineMs; pauseMs = Math.min(2 * pauseMs, 50)) {
      const container = this.#running(id);
      if (!container.ok) return container;
      const started = container.value.started !== undefined;
      if (started && this.#records.isReady(id)) return container;
      await sleep(pauseMs);
    }
    return err({ code: "CONTAINER_NOT_RUNNING", containerId: id });
  }

  async #undo(spec: ContainerSpec, error: LaunchError): Promise<Result<never, LaunchError>> {
    await this.#isolation.release({ ...spec, groupId: sharedGroup(spec) });
    this.#records.remove(spec.containerId);
    return err(error);
  }

  async #recoverOne(id: ContainerId): Promise<RecoveredContainer> {
    let started = this.#records.started(id);
    // The last agent died while it started this one: the shell is about to write, or never was.
    for (let tries = 0; started === "RESERVED" && tries < RECOVER_RESERVED_TRIES; tries++) {
      await sleep(RECOVER_RESERVED_PAUSE_MS);
      started = this.#records.started(id);
    }
    const supervisor = typeof started === "string" ? undefined : started.supervisor;
    const alive = supervisor !== undefined && isAlive(supervisor);
    const supervisorPid = alive ? supervisor.pid : undefined;
    const container = new Container(this.#records, {
      containerId: id,
      vouched: alive,
      supervisorPid,
      inside: this.#records.inside(id),
      groupId: this.#records.group(id),
    });
    this.#containers.set(id, container);
    if (alive) {
      // Watched first, asked second: an end in between is seen by one of the two.
      this.#watch.add(id);
      this.#inspect(id);
    } else {
      void this.#conclude(container, whyGone(started, this.#records.directory));
    }
    // Read through the map's value: `#inspect` may have moved it on.
    const pid = this.#containers.get(id)?.state === "RUNNING" ? supervisorPid : undefined;
    if (pid !== undefined) return { containerId: id, state: "RUNNING", pid };
    return { containerId: id, state: "ENDED", termination: await container.ended };
  }

  #running(id: ContainerId): Result<Container, ContainerNotRunning> {
    const container = this.#containers.get(id);
    if (container?.state === "RUNNING") return ok(container);
    return err({ code: "CONTAINER_NOT_RUNNING", containerId: id });
  }

  /** Looks whether a container that is no child of this process has ended. */
  #inspect(id: ContainerId): void {
    const container = this.#containers.get(id);
    if (container?.state !== "RUNNING") return;
    try {
      const supervisor = container.started?.supervisor;
      if (supervisor === undefined) return;
      if (this.#records.ended(id) === undefined && isAlive(supervisor)) return;
    } catch {
      // It could not be seen; the next look is never far.
      return;
    }
    container.supervisorPid = undefined;
    void this.#conclude(container, "Its supervisor was killed while the agent was not its parent");
  }

  #killSupervisor(container: Container): void {
    const supervisor = container.started?.supervisor;
    if (supervisor !== undefined && isAlive(supervisor)) signalProcess(supervisor.pid, "SIGKILL");
  }

  /** From the command's end to the container's. `unseen`: what to say when no end was recorded. */
  async #conclude(container: Container, unseen: string): Promise<void> {
    if (container.state !== "RUNNING") return;
    container.state = "ENDING";
    const id = container.containerId;
    this.#watch.delete(id);
    let termination = await patiently(() => this.#endOf(container, unseen));
    const inner = [...this.#containers.values()].filter(({ inside }) => inside === id);
    await Promise.all(inner.map(({ containerId }) => this.destroy(containerId)));
    await this.#sweep(container);
    const limitation = await patiently(() => this.#limitOf(container, termination));
    if (limitation !== undefined) {
      // Written before the cgroup, the only other witness, goes.
      this.#records.writeLimited(id, limitation);
      const waitStatus = "waitStatus" in termination ? termination.waitStatus : undefined;
      termination = { kind: "LIMITED", ...limitation, waitStatus };
    }
    await this.#isolation.release(container);
    container.end(termination);
  }

  #endOf(container: Container, why: string): ContainerTermination {
    const { containerId: id, started } = container;
    return recordedEnd(this.#records, id) ?? unrecordedEnd(this.#records, { id, started, why });
  }

  /**
   * A command that succeeded although a child of it was killed has ended well, and one that
   * somebody destroyed has ended by that. (Mesos ends the container at the first out-of-memory
   * kill.)
   */
  #limitOf(container: Container, termination: ContainerTermination): Limitation | undefined {
    const recorded = container.limitation ?? this.#records.limited(container.containerId);
    if (recorded !== undefined) return recorded;
    if (container.destroying || termination.kind === "NOT_STARTED") return undefined;
    if (termination.kind === "EXITED" && termination.code === 0) return undefined;
    return this.#isolation.limitation(container);
  }

  /** Ends a container that uses more than it may of what the kernel does not bound. */
  #exceeded(id: ContainerId, limitation: Limitation): void {
    const container = this.#running(id);
    if (!container.ok) return;
    container.value.limitation = limitation;
    this.#records.writeLimited(id, limitation);
    void this.destroy(id);
  }

  async #sweep(container: Container): Promise<void> {
    const deadlineMs = performance.now() + SWEEP_TIMEOUT_MS;
    for (let pauseMs = 1; performance.now() < deadlineMs; pauseMs = Math.min(2 * pauseMs, 50)) {
      if (await patiently(() => this.#isolation.killAll(container))) return;
      await sleep(pauseMs);
    }
  }
}

/** The group whose shared memory the container is to have. */
function sharedGroup({ group, sharedMemory }: ContainerSpec): ContainerId | undefined {
  return sharedMemory?.mode === "PRIVATE" ? undefined : group?.id;
}

/**
 * Without the nsenter(1) that waits for a command inside another container: if the signal ended it,
 * the container would count as ended before its command has had time to do as it was told.
 */
function commandsAmong(pids: readonly number[], { inside, started }: Confined): readonly number[] {
  const leader = inside === undefined ? undefined : started?.commandPid;
  if (leader === undefined || !isNsenter(leader)) return pids;
  const others = pids.filter((pid) => pid !== leader);
  return others.length === 0 ? pids : others;
}

function isNsenter(pid: number): boolean {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)) === "nsenter";
  } catch {
    return false;
  }
}
