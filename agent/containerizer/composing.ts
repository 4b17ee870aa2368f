/**
 * Several containerizers as one, by Mesos' rule: a container of type DOCKER is the docker
 * containerizer's, every other one, and every task without one, is mesos' (that is the one that
 * `--containerizer` names). What lives inside a container is its containerizer's too.
 */
import type { ResourceStatistics } from "../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import {
  type ContainerId,
  type Containerizer,
  type ContainerizerOptions,
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
} from "./containerizer.ts";
import { DockerRecords } from "./docker/records.ts";
import { GpuPool } from "./gpu-pool.ts";
import { ImagedContainerizer, type Pruned } from "./images/imaged-containerizer.ts";
import type { ImageFetcher, ImageOptions, ImageRequest } from "./images/options.ts";
import { type ContainerizerKind, containerizers, type MesosContainerizerKind } from "./index.ts";
import { errnoOf } from "./supervisor/file-error.ts";

/** As the contract has it: thousandths. */
const CPUS_LIMIT_MIN = 10;

/** In Mesos' words, as `--containerizers` takes them. */
export type ContainerizerName = "mesos" | "docker";

/** What to do where one cannot work; the process one works wherever anything does. */
const WAYS_OUT: { readonly [K in ContainerizerKind]: string } = {
  process: "",
  cgroups: "; or start the agent with --containerizer process, which isolates nothing",
  docker: "",
};

/** Checks and makes those that are enabled, as one. The error says which cannot work, and why. */
export async function composeContainerizers(
  choice: {
    readonly containerizers: readonly ContainerizerName[];
    /** Which one "mesos" is. */
    readonly containerizer: MesosContainerizerKind;
    /** Whether a container is held to the processors that it asks for; absent: it is not. */
    readonly capsCpus?: boolean;
  },
  given: ContainerizerOptions,
  images?: ImageOptions,
): Promise<Result<ComposingContainerizer, string>> {
  const gpuPool = new GpuPool(given.runtimeDirectory, given.gpus ?? []);
  const options = { ...given, gpuPool };
  const made: { [N in ContainerizerName]?: Containerizer } = {};
  for (const name of choice.containerizers) {
    const kind = name === "mesos" ? choice.containerizer : name;
    const checked = await containerizers[kind].check(options);
    if (!checked.ok) {
      const { why } = checked.error;
      return err(`the ${kind} containerizer cannot work here: ${why}${WAYS_OUT[kind]}`);
    }
    made[name] = containerizers[kind].create(options);
  }
  const { mesos } = made;
  const imaged =
    mesos === undefined || images === undefined || choice.containerizer !== "cgroups"
      ? undefined
      : withImages(mesos, { ...images, pulled: (tookMs) => given.imagePulled?.("MESOS", tookMs) });
  if (imaged?.ok === false) return imaged;
  if (imaged !== undefined) made.mesos = imaged.value;
  const records = new DockerRecords(options.runtimeDirectory);
  const { capsCpus = false } = choice;
  return ok(
    new ComposingContainerizer({
      ...{ ...made, capsCpus, isDocker: (id) => records.has(id) },
      ...(imaged !== undefined && { images: imaged.value }),
    }),
  );
}

/** What images cannot do here they are refused for; only a store is needed to begin with. */
function withImages(
  mesos: Containerizer,
  images: ImageOptions,
): Result<ImagedContainerizer, string> {
  try {
    return ok(new ImagedContainerizer(mesos, images));
  } catch (cause) {
    const where = `--docker-store-dir ${images.storeDirectory}`;
    return err(`images cannot be kept in ${where}: ${errnoOf(cause)}; choose another folder`);
  }
}

export interface Composed {
  /** Absent: not enabled. */
  readonly mesos?: Containerizer;
  readonly docker?: Containerizer;
  /** `mesos`, as far as images are its own. */
  readonly images?: Pick<ImagedContainerizer, "prune" | "fetchImage">;
  readonly capsCpus?: boolean;
  /** Whether an agent process made a Docker container for it, or was about to. */
  readonly isDocker: (id: ContainerId) => boolean;
}

export class ComposingContainerizer implements Containerizer, ImageFetcher {
  readonly #composed: Composed;
  /** Whose each container is that lives, or has not been removed. */
  readonly #names = new Map<ContainerId, ContainerizerName>();

  constructor(composed: Composed) {
    this.#composed = composed;
  }

  async recover(known: readonly ContainerRecord[]): Promise<Recovery> {
    const found = new Map<ContainerId, RecoveredContainer>();
    const orphans: ContainerId[] = [];
    for (const record of known) {
      const name = this.#composed.isDocker(record.containerId) ? "docker" : "mesos";
      this.#names.set(record.containerId, name);
    }
    for (const name of ["mesos", "docker"] as const) {
      const records = known.filter(({ containerId }) => this.#names.get(containerId) === name);
      const containerizer = this.#composed[name];
      if (containerizer === undefined) {
        // Calling them lost would be a lie: they may be running.
        if (records.length > 0) throw new Error(whyNeeded(name, records.length));
        continue;
      }
      const recovery = await containerizer.recover(records);
      for (const container of recovery.containers) found.set(container.containerId, container);
      orphans.push(...recovery.orphans);
    }
    return { containers: known.flatMap((record) => found.get(record.containerId) ?? []), orphans };
  }

  async launch(spec: ContainerSpec): Promise<Result<Launched, LaunchError>> {
    const { containerId, inside, docker } = spec;
    if (this.#names.has(containerId)) return err({ code: "CONTAINER_EXISTS", containerId });
    const own = docker === undefined ? "mesos" : "docker";
    const name = inside === undefined ? own : (this.#names.get(inside) ?? own);
    const containerizer = this.#composed[name];
    if (containerizer === undefined) return err({ code: "CONTAINERIZER_NOT_ENABLED", name });
    this.#names.set(containerId, name);
    const limits = this.#capped(spec.limits);
    const launched = await containerizer.launch({ ...spec, limits });
    if (!launched.ok) this.#names.delete(containerId);
    return launched;
  }

  update(id: ContainerId, limits: ResourceLimits): Promise<Result<void, UpdateError>> {
    return this.#of(id).update(id, this.#capped(limits));
  }

  usage(id: ContainerId): Promise<Result<ResourceStatistics, UsageError>> {
    return this.#of(id).usage(id);
  }

  wait(id: ContainerId): Promise<ContainerTermination> {
    return this.#of(id).wait(id);
  }

  kill(id: ContainerId, signal: string): Promise<Result<void, KillError>> {
    return this.#of(id).kill(id, signal);
  }

  resize(id: ContainerId, size: TerminalSize): Promise<Result<void, ResizeError>> {
    return this.#of(id).resize(id, size);
  }

  destroy(id: ContainerId): Promise<void> {
    return this.#of(id).destroy(id);
  }

  async remove(id: ContainerId): Promise<void> {
    await this.#of(id).remove(id);
    this.#names.delete(id);
  }

  close(): void {
    this.#composed.mesos?.close?.();
    this.#composed.docker?.close?.();
  }

  /** With a cap at what is asked for, where the operator wants that and nobody says otherwise. */
  #capped(limits: ResourceLimits): ResourceLimits {
    const { cpusRequest, cpusLimit, isCpusUncapped } = limits;
    const isOpen = cpusLimit === undefined && isCpusUncapped !== true;
    if (this.#composed.capsCpus !== true || !isOpen) return limits;
    return { ...limits, cpusLimit: Math.max(cpusRequest, CPUS_LIMIT_MIN) };
  }

  /** What cannot have images is refused when it is launched. */
  async fetchImage(request: ImageRequest): Promise<Result<void, LaunchError>> {
    return (await this.#composed.images?.fetchImage(request)) ?? ok(undefined);
  }

  /** Deletes images that no container uses but those of these names; Docker's are Docker's. */
  async pruneImages(excluded: readonly string[]): Promise<Pruned> {
    return (await this.#composed.images?.prune(excluded)) ?? { images: [], bytes: 0 };
  }

  /** A container that nobody knows is as unknown to one as to the other. */
  #of(id: ContainerId): Containerizer {
    const { mesos, docker } = this.#composed;
    const named = this.#names.get(id) === "docker" ? docker : mesos;
    const containerizer = named ?? mesos ?? docker;
    if (containerizer === undefined) throw new Error("an agent has at least one containerizer");
    return containerizer;
  }
}

function whyNeeded(name: ContainerizerName, count: number): string {
  const refused = describeLaunchError({ code: "CONTAINERIZER_NOT_ENABLED", name });
  return `${count} tasks of this work directory may be running in its containers, but: ${refused}`;
}
