/**
 * The containerizer that leaves containers to a Docker daemon. What is true is what Docker says; a
 * record on disk says which containers are ours and how far each one got.
 *
 * 1. A record exists before Docker is asked for anything, and until `remove`. 2. `wait` resolves
 * once, after all of the output is in the sandbox. 3. Only containers with this work directory's
 * label are ever touched. 4. A daemon that is away makes nothing ended or lost: it is asked again
 * when it is back.
 */
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { ResourceStatistics } from "../../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import {
  type ContainerId,
  type Containerizer,
  type ContainerizerOptions,
  type ContainerNotRunning,
  type ContainerRecord,
  type ContainerSpec,
  type ContainerTermination,
  containerId,
  type DockerOptions,
  describeLaunchError,
  type KillError,
  type LaunchError,
  type Launched,
  type Recovery,
  type ResizeError,
  type ResourceLimits,
  type TerminalSize,
  type UpdateError,
  type UsageError,
} from "../containerizer.ts";
import { type DiskWatch, diskStatistics } from "../disk-watch.ts";
import { GpuPool } from "../gpu-pool.ts";
import { errnoOf } from "../supervisor/file-error.ts";
import type { Limitation } from "../supervisor/isolation.ts";
import { OWNER_LABEL } from "./create-body.ts";
import { DockerContainer } from "./docker-container.ts";
import { watchDockerDisk } from "./docker-disk.ts";
import { type LaunchTools, launchedAs, launchRefusal, makeAndStart } from "./docker-launch.ts";
import { DockerRecovery } from "./docker-recovery.ts";
import { Engine } from "./engine.ts";
import { EngineCalls } from "./engine-calls.ts";
import { EventWatch } from "./event-watch.ts";
import { Execs } from "./execs.ts";
import { Images } from "./images.ts";
import { type Inspected, terminationOf } from "./inspected.ts";
import { LogPump } from "./log-pump.ts";
import { DockerRecords } from "./records.ts";
import { statisticsOf } from "./statistics.ts";

const KILL_RETRY_MIN_MS = 20;
const KILL_RETRY_MAX_MS = 2_000;
const REMOVED = "Somebody else removed the container from Docker";

export class DockerContainerizer implements Containerizer {
  readonly #options: DockerOptions;
  readonly #log: (line: string) => void;
  readonly #engine: Engine;
  readonly #calls: EngineCalls;
  readonly #records: DockerRecords;
  readonly #tools: LaunchTools;
  readonly #execs: Execs;
  readonly #disk: DiskWatch | undefined;
  readonly #containers = new Map<ContainerId, DockerContainer>();
  #watch: EventWatch | undefined;
  #owner: string | undefined;
  /** Before that nobody knows which containers are in nobody's books. */
  #isRecovered = false;

  constructor(given: ContainerizerOptions, options: DockerOptions) {
    const { runtimeDirectory, log, gpus = [], gpuPool } = given;
    this.#options = options;
    this.#log = log ?? (() => {});
    this.#engine = new Engine(options.socketPath);
    this.#calls = new EngineCalls(this.#engine);
    this.#records = new DockerRecords(runtimeDirectory);
    const dockerIdOf = (id: ContainerId): string | undefined => {
      const container = this.#running(id);
      return container.ok ? container.value.dockerId : undefined;
    };
    this.#execs = new Execs(this.#engine, this.#records, dockerIdOf);
    const exceeded = (id: ContainerId, limitation: Limitation): void =>
      this.#exceeded(id, limitation);
    this.#disk = watchDockerDisk(given, { calls: this.#calls, dockerIdOf, exceeded });
    const { config, allowPrivileged, pullStallMs } = options;
    const pulled = (tookMs: number): void => given.imagePulled?.("DOCKER", tookMs);
    const pull = { engine: this.#engine, log: this.#log, stallMs: pullStallMs, pulled };
    this.#tools = {
      ...{ calls: this.#calls, records: this.#records, images: new Images(pull) },
      ...{ config, allowPrivileged },
      gpus: gpuPool ?? new GpuPool(runtimeDirectory, gpus),
    };
  }

  async recover(known: readonly ContainerRecord[]): Promise<Recovery> {
    const created = this.#records.createDirectory();
    // Not an empty recovery: it would call running tasks lost.
    if (!created.ok) throw new Error(describeLaunchError(created.error));
    const owner = this.#ownerId();
    const recovery = new DockerRecovery({
      ...{ calls: this.#calls, records: this.#records, execs: this.#execs },
      adopt: (id, sandbox, found) => this.#adopt(id, sandbox, found),
    });
    const listed = await this.#calls.list(owner);
    if (!listed.ok) throw new Error(describeLaunchError(listed.error));
    const containers = await Promise.all(known.map((record) => recovery.one(record.containerId)));
    for (const each of containers) {
      if (each.state !== "ENDED" || this.#containers.has(each.containerId)) continue;
      const ended = new DockerContainer(each.containerId, "");
      ended.dockerId =
        listed.value.find((one) => one.containerId === each.containerId)?.dockerId ?? "";
      ended.launchEnded();
      ended.end(each.termination);
      this.#containers.set(each.containerId, ended);
    }
    const wanted = new Set<string>(known.map((record) => record.containerId));
    const orphans = new Set<ContainerId>(this.#records.list().filter((id) => !wanted.has(id)));
    for (const { containerId: text } of listed.value) {
      const id = containerId(text);
      if (id.ok && !wanted.has(id.value)) orphans.add(id.value);
    }
    this.#isRecovered = true;
    await this.#sweep();
    for (const id of orphans) {
      if (this.#records.read(id)?.stage.state === "INSIDE") await this.#execs.endStray(id);
      this.#records.remove(id);
    }
    return { containers, orphans: [...orphans] };
  }

  async launch(spec: ContainerSpec): Promise<Result<Launched, LaunchError>> {
    if (spec.inside !== undefined) return this.#execs.launch(spec, spec.inside);
    const { docker, containerId: id, sandboxDirectory } = spec;
    if (docker === undefined) return err({ code: "DOCKER_SPEC_MISSING" });
    if (this.#containers.has(id)) return err({ code: "CONTAINER_EXISTS", containerId: id });
    const refused = launchRefusal(spec, docker, this.#tools);
    if (refused !== undefined) return err(refused);
    const reserved = this.#records.reserve(id, sandboxDirectory);
    if (!reserved.ok) {
      const exists = reserved.error.errno === "EEXIST";
      return exists ? err({ code: "CONTAINER_EXISTS", containerId: id }) : reserved;
    }
    const container = new DockerContainer(id, sandboxDirectory);
    this.#containers.set(id, container);
    this.#watchEvents();
    const order = { spec, docker, owner: this.#ownerId() };
    const started = await makeAndStart(container, order, this.#tools);
    if (started.ok) {
      this.#watchDisk(spec);
      this.#run(container, started.value);
    } else {
      await this.#undo(container);
    }
    container.launchEnded();
    return started.ok ? ok(launchedAs(started.value)) : started;
  }

  async update(id: ContainerId, limits: ResourceLimits): Promise<Result<void, UpdateError>> {
    const container = this.#running(id);
    if (!container.ok) return container;
    const updated = await this.#calls.update(container.value.dockerId, limits);
    if (!updated.ok) return updated;
    if (limits.diskLimitBytes !== undefined) this.#disk?.setLimit(id, limits.diskLimitBytes);
    return ok(undefined);
  }

  async usage(id: ContainerId): Promise<Result<ResourceStatistics, UsageError>> {
    const container = this.#running(id);
    if (!container.ok) return container;
    const stats = await this.#calls.stats(container.value.dockerId);
    if (!stats.ok) return stats;
    const used = statisticsOf(stats.value, { nowMs: Date.now() });
    return ok({ ...used, ...diskStatistics(this.#disk?.usage(id)) });
  }

  wait(id: ContainerId): Promise<ContainerTermination> {
    const ended = this.#containers.get(id)?.ended ?? this.#execs.wait(id);
    if (ended !== undefined) return ended;
    const message = `Container ${id} is not known to this agent`;
    return Promise.resolve({ kind: "LOST", message });
  }

  /**
   * To the container's first process, as `docker kill` does. What asks a container to end is its
   * image's to say, as with `docker stop`.
   */
  async kill(id: ContainerId, signal: string): Promise<Result<void, KillError>> {
    if (!(signal in constants.signals)) return err({ code: "SIGNAL_UNKNOWN", signal });
    if (this.#execs.has(id)) return this.#execs.kill(id, signal);
    const container = this.#running(id);
    if (!container.ok) return container;
    const { dockerId, stopSignal } = container.value;
    const sent = await this.#calls.kill(dockerId, signal === "SIGTERM" ? stopSignal : signal);
    if (sent.ok && sent.value) return ok(undefined);
    if (sent.ok) return err({ code: "CONTAINER_NOT_RUNNING", containerId: id });
    container.value.pendingSignal = signal;
    return ok(undefined);
  }

  async resize(id: ContainerId, size: TerminalSize): Promise<Result<void, ResizeError>> {
    return this.#execs.resize(id, size);
  }

  async destroy(id: ContainerId): Promise<void> {
    if (this.#execs.has(id)) return this.#execs.destroy(id);
    const container = this.#containers.get(id);
    if (container === undefined) return;
    if (container.state === "LAUNCHING" || container.state === "RUNNING") {
      container.isDestroyed = true;
    }
    container.cancel.abort();
    await container.launched;
    if (!this.#containers.has(id)) return;
    await this.#execs.destroyInside(id);
    let pauseMs = KILL_RETRY_MIN_MS;
    while (container.state === "RUNNING") {
      const sent = await this.#calls.kill(container.dockerId, "SIGKILL");
      if (!sent.ok || !sent.value) await this.#look(container);
      await Promise.race([container.ended, sleep(pauseMs, undefined, { ref: false })]);
      pauseMs = Math.min(2 * pauseMs, KILL_RETRY_MAX_MS);
    }
    await container.ended;
  }

  async remove(id: ContainerId): Promise<void> {
    if (this.#execs.has(id)) return this.#execs.remove(id);
    await this.destroy(id);
    const container = this.#containers.get(id);
    if (container === undefined) return;
    this.#containers.delete(id);
    if (container.dockerId !== "") await this.#removeFromDocker(container.dockerId);
    this.#records.remove(id);
    this.#restAtIdle();
  }

  async #undo(container: DockerContainer): Promise<void> {
    const { containerId: id, dockerId } = container;
    this.#containers.delete(id);
    if (dockerId !== "") await this.#removeFromDocker(dockerId);
    this.#tools.gpus.release(id);
    this.#records.remove(id);
    this.#restAtIdle();
  }

  /** One that stays is taken away when the daemon is back, or by the next agent process. */
  async #removeFromDocker(dockerId: string): Promise<void> {
    const removed = await this.#calls.remove(dockerId, { force: true });
    if (!removed.ok) this.#log(describeLaunchError(removed.error));
  }

  /** One that the last agent process started. */
  #adopt(id: ContainerId, sandboxDirectory: string, found: Inspected): DockerContainer {
    const container = new DockerContainer(id, sandboxDirectory);
    container.dockerId = found.dockerId;
    container.launchEnded();
    this.#containers.set(id, container);
    this.#tools.gpus.recover(id);
    container.limitation = this.#records.read(id)?.limitation;
    if (found.status === "RUNNING") this.#disk?.recover(id);
    this.#watchEvents();
    this.#run(container, found);
    return container;
  }

  #run(container: DockerContainer, found: Inspected): void {
    container.state = "RUNNING";
    container.stopSignal = found.stopSignal;
    const { containerId: id, dockerId, sandboxDirectory } = container;
    container.pump = new LogPump({
      ...{ engine: this.#engine, records: this.#records, log: this.#log },
      ...{ containerId: id, dockerId, sandboxDirectory },
      streamEnded: () => void this.#look(container),
    });
    // It may have ended before anybody listened.
    if (found.status !== "RUNNING") void this.#conclude(container, found);
  }

  #running(id: ContainerId): Result<DockerContainer, ContainerNotRunning> {
    const container = this.#containers.get(id);
    if (container?.state === "RUNNING") return ok(container);
    return err({ code: "CONTAINER_NOT_RUNNING", containerId: id });
  }

  /** Asks Docker whether it has ended. A daemon that is away says nothing: it is asked later. */
  async #look(container: DockerContainer): Promise<void> {
    if (container.state !== "RUNNING") return;
    const found = await this.#calls.inspect(container.dockerId);
    if (!found.ok) return;
    if (found.value?.status !== "RUNNING") return this.#conclude(container, found.value);
    const signal = container.pendingSignal;
    if (signal === undefined) return;
    container.pendingSignal = undefined;
    await this.kill(container.containerId, signal);
  }

  async #conclude(container: DockerContainer, found: Inspected | undefined): Promise<void> {
    if (container.state !== "RUNNING") return;
    container.state = "ENDING";
    const { containerId: id, dockerId, sandboxDirectory, isDestroyed } = container;
    await this.#execs.destroyInside(id);
    await container.pump?.finish();
    const termination: ContainerTermination =
      found === undefined
        ? { kind: "LOST", message: REMOVED }
        : terminationOf(found, { destroyed: isDestroyed, limitation: container.limitation });
    const stage = { state: "ENDED", dockerId, termination } as const;
    const written = this.#records.write(id, { stage, sandboxDirectory });
    // Docker tells it again as long as it has the container.
    if (!written.ok) this.#log(describeLaunchError(written.error));
    this.#tools.gpus.release(id);
    this.#disk?.delete(id);
    container.end(termination);
  }

  /** It is ended without it, too, but its usage is not known then. */
  #watchDisk({ containerId: id, sandboxDirectory, limits }: ContainerSpec): void {
    if (limits.diskLimitBytes === undefined) return;
    try {
      this.#disk?.add(id, { sandboxDirectory, limitBytes: limits.diskLimitBytes });
    } catch (cause) {
      this.#log(`the disk space of the container ${id} is not watched: ${errnoOf(cause)}`);
    }
  }

  /** Why is written first: an agent that dies now leaves it to the next. */
  #exceeded(id: ContainerId, limitation: Limitation): void {
    const container = this.#running(id);
    if (!container.ok) return;
    const { dockerId, sandboxDirectory } = container.value;
    container.value.limitation = limitation;
    const stage = { state: "STARTED", dockerId } as const;
    const written = this.#records.write(id, { stage, sandboxDirectory, limitation });
    if (!written.ok) this.#log(describeLaunchError(written.error));
    void this.destroy(id);
  }

  #watchEvents(): void {
    const { socketPath } = this.#options;
    this.#watch ??= new EventWatch({
      engine: this.#engine,
      label: `${OWNER_LABEL}=${this.#ownerId()}`,
      ended: (dockerId) => {
        for (const each of this.#containers.values()) {
          if (each.dockerId === dockerId) void this.#look(each);
        }
      },
      connected: () => {
        for (const each of this.#containers.values()) void this.#look(each);
        void this.#sweep();
      },
      said: (why) =>
        this.#log(
          why === undefined
            ? `the Docker daemon at ${socketPath} is back`
            : `the Docker daemon at ${socketPath} is away (${why}); its tasks are looked at when it is back`,
        ),
    });
  }

  /** Nothing is asked while there is no container. */
  #restAtIdle(): void {
    if (this.#containers.size > 0) return;
    this.#watch?.close();
    this.#watch = undefined;
  }

  /** Takes away what carries our label and is in nobody's books. */
  async #sweep(): Promise<void> {
    if (!this.#isRecovered) return;
    const listed = await this.#calls.list(this.#ownerId());
    if (!listed.ok) return;
    const ours = new Set<string>(this.#containers.keys());
    const strays = listed.value.filter((each) => !ours.has(each.containerId));
    await Promise.all(strays.map(({ dockerId }) => this.#removeFromDocker(dockerId)));
  }

  #ownerId(): string {
    if (this.#owner !== undefined) return this.#owner;
    const owner = this.#records.owner();
    // Without a name of its own an agent could not tell its containers from those of others.
    if (!owner.ok) throw new Error(describeLaunchError(owner.error));
    this.#owner = owner.value;
    return owner.value;
  }
}
