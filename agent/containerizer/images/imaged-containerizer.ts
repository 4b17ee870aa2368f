/**
 * Images for another containerizer's containers: it brings an image here, makes a root file system
 * of it, and hands on a spec that has `root` as well.
 *
 *   launch: pull ─▶ folder on disk ─▶ the other one's launch ─▶ ... ─▶ ended: the folder goes
 *
 * 1. A container's folder names the layers that it stands on, and is there before the container
 * is: as long as it exists, they are not deleted.
 * 2. What is launched inside a container with an image has the same root, by that folder.
 * 3. The end of a wait for an image is the end of its download, when nobody else waits for it.
 */
import type { ResourceStatistics } from "../../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import {
  type ContainerId,
  type Containerizer,
  type ContainerRecord,
  type ContainerSpec,
  type ContainerTermination,
  containerId,
  describeLaunchError,
  type ImageSpec,
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
import { imageName } from "../docker/image-name.ts";
import { tellTask } from "../supervisor/tell-task.ts";
import { ContainerFolders } from "./container-folders.ts";
import { whyNoImages } from "./machine.ts";
import type { ImageFetcher, ImageOptions, ImageRequest } from "./options.ts";
import { Pulls } from "./pulls.ts";
import { ImageStore, type StoredImage } from "./store.ts";

interface Launching {
  readonly abort: AbortController;
  readonly done: Promise<Result<Launched, LaunchError>>;
}

/** What was deleted. */
export interface Pruned {
  readonly images: readonly string[];
  readonly bytes: number;
}

export class ImagedContainerizer implements Containerizer, ImageFetcher {
  readonly #inner: Containerizer;
  readonly #store: ImageStore;
  readonly #pulls: Pulls;
  readonly #folders: ContainerFolders;
  /** This machine has shown that it can. */
  #isTried = false;
  readonly #launching = new Map<ContainerId, Launching>();

  /** Throws what keeps the store's folder from being used. */
  constructor(inner: Containerizer, options: ImageOptions) {
    this.#inner = inner;
    this.#store = new ImageStore(options.storeDirectory);
    this.#store.claim(options.owner);
    this.#pulls = new Pulls(this.#store, options);
    this.#folders = new ContainerFolders(this.#store);
  }

  async recover(known: readonly ContainerRecord[]): Promise<Recovery> {
    const recovery = await this.#inner.recover(known);
    await this.#store.sweep();
    const wanted = new Set<string>(known.map((record) => record.containerId));
    for (const name of this.#store.containers()) {
      const id = containerId(name);
      if (id.ok && wanted.has(name)) this.#folders.leaveWith(id.value, this.#inner.wait(id.value));
      else await this.#folders.remove(name);
    }
    return recovery;
  }

  async launch(spec: ContainerSpec): Promise<Result<Launched, LaunchError>> {
    const { containerId: id, image, inside } = spec;
    if (inside !== undefined) {
      const inRoot = this.#folders.inside(inside, spec);
      return inRoot.ok ? await this.#inner.launch(inRoot.value) : inRoot;
    }
    if (image === undefined) return await this.#inner.launch(spec);
    if (this.#launching.has(id)) return err({ code: "CONTAINER_EXISTS", containerId: id });
    const abort = new AbortController();
    const done = this.#launchImage(spec, image, abort.signal);
    this.#launching.set(id, { abort, done });
    const launched = await done;
    this.#launching.delete(id);
    return launched;
  }

  async update(id: ContainerId, limits: ResourceLimits): Promise<Result<void, UpdateError>> {
    return await this.#inner.update(id, limits);
  }

  async usage(id: ContainerId): Promise<Result<ResourceStatistics, UsageError>> {
    return await this.#inner.usage(id);
  }

  async wait(id: ContainerId): Promise<ContainerTermination> {
    await this.#launching.get(id)?.done;
    return await this.#inner.wait(id);
  }

  async kill(id: ContainerId, signal: string): Promise<Result<void, KillError>> {
    return await this.#inner.kill(id, signal);
  }

  async resize(id: ContainerId, size: TerminalSize): Promise<Result<void, ResizeError>> {
    return await this.#inner.resize(id, size);
  }

  async destroy(id: ContainerId): Promise<void> {
    const launching = this.#launching.get(id);
    launching?.abort.abort();
    await launching?.done;
    await this.#inner.destroy(id);
  }

  async remove(id: ContainerId): Promise<void> {
    await this.destroy(id);
    await this.#inner.remove(id);
    await this.#folders.remove(id);
  }

  close(): void {
    this.#inner.close?.();
  }

  /** Deletes images that no container uses but those of these names, and what only they used. */
  async prune(excluded: readonly string[]): Promise<Pruned> {
    const used = this.#folders.used();
    return await this.#store.prune({
      images: ({ name }) => excluded.includes(name) || used.images.has(name),
      layers: used.layers,
    });
  }

  async fetchImage(request: ImageRequest): Promise<Result<void, LaunchError>> {
    const pulled = await this.#pull(request);
    if (pulled.ok) this.#store.unpin(pulled.value.config.diffIds);
    return pulled.ok ? ok(undefined) : pulled;
  }

  /** Its layers are pinned. */
  async #pull(request: ImageRequest): Promise<Result<StoredImage, LaunchError>> {
    const { image, sandboxDirectory, signal } = request;
    const say = (line: string): void => tellTask(sandboxDirectory, line);
    const name = imageName(image.name);
    if (!name.ok) return name;
    const why = this.#isTried ? undefined : await whyNoImages(this.#store.temporaryDirectory);
    if (why !== undefined) {
      return err({ code: "NOT_SUPPORTED", what: `the image '${image.name}'`, why });
    }
    this.#isTried = true;
    const wanted = { name: name.value, spec: image, sandboxDirectory, signal, say };
    const pulled = await this.#pulls.get(wanted);
    if (!signal.aborted) return pulled.ok ? pulled : failed(image, pulled.error, say);
    if (pulled.ok) this.#store.unpin(pulled.value.config.diffIds);
    return err({ code: "LAUNCH_CANCELLED" });
  }

  async #launchImage(
    spec: ContainerSpec,
    image: ImageSpec,
    signal: AbortSignal,
  ): Promise<Result<Launched, LaunchError>> {
    const { sandboxDirectory } = spec;
    const pulled = await this.#pull({ image, sandboxDirectory, signal });
    if (!pulled.ok) return pulled;
    // Its folder holds them from here on.
    const launched = await this.#launchMade(spec, pulled.value, signal);
    this.#store.unpin(pulled.value.config.diffIds);
    return launched.ok || launched.error.code !== "IMAGE_FAILED"
      ? launched
      : failed(image, launched.error.why, (line) => tellTask(sandboxDirectory, line));
  }

  async #launchMade(
    spec: ContainerSpec,
    stored: StoredImage,
    signal: AbortSignal,
  ): Promise<Result<Launched, LaunchError>> {
    const id = spec.containerId;
    const made = this.#folders.make(spec, stored);
    let launched: Result<Launched, LaunchError> = made.ok
      ? err({ code: "LAUNCH_CANCELLED" })
      : made;
    if (made.ok && !signal.aborted) launched = await this.#inner.launch(made.value);
    if (launched.ok) this.#folders.leaveWith(id, this.#inner.wait(id));
    // The other container of this id stands on that folder.
    else if (launched.error.code !== "CONTAINER_EXISTS") await this.#folders.remove(id);
    return launched;
  }
}

function failed(
  image: ImageSpec,
  why: string,
  say: (line: string) => void,
): Result<never, LaunchError> {
  const error = { code: "IMAGE_FAILED", image: image.name, why } as const;
  say(describeLaunchError(error));
  return err(error);
}
