/**
 * Images, brought into the store: from a registry, or from a folder of archives. What many
 * containers want at once is fetched once; it ends early only when none of them waits any more.
 */
import { randomUUID } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { ImageSpec } from "../containerizer.ts";
import type { ImageName } from "../docker/image-name.ts";
import { errnoOf } from "../supervisor/file-error.ts";
import { importArchive } from "./archive.ts";
import { loginFor } from "./login.ts";
import { type Descriptor, parseConfig, parseManifest, platformOf } from "./manifest.ts";
import { DEFAULT_REGISTRY, type ImageOptions } from "./options.ts";
import { Progress } from "./progress.ts";
import { Registry, type RegistryLogin } from "./registry.ts";
import type { ImageStore, StoredImage } from "./store.ts";
import { unpackLayer } from "./unpack.ts";

export interface PullRequest {
  readonly name: ImageName;
  readonly spec: ImageSpec;
  readonly sandboxDirectory: string;
  /** Ends this wait. */
  readonly signal: AbortSignal;
  /** A line for whoever looks at the task. */
  readonly say: (line: string) => void;
}

type Pulled = Result<StoredImage, string>;

interface Pull {
  readonly abort: AbortController;
  readonly listeners: Set<(line: string) => void>;
  readonly done: Promise<Pulled>;
}

/** Layers of one image that are fetched at one time. */
const LAYERS_AT_ONCE = 3;

export class Pulls {
  readonly #store: ImageStore;
  readonly #options: ImageOptions;
  /** By image and who asks. */
  readonly #pulls = new Map<string, Pull>();
  /** By digest: several images may share what is under way. */
  readonly #layers = new Map<string, Promise<Result<void, string>>>();

  constructor(store: ImageStore, options: ImageOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** The layers stay until they are unpinned (`ImageStore.unpin`). The error is a clause. */
  async get(request: PullRequest): Promise<Pulled> {
    const { spec, signal, say } = request;
    const stored = spec.cached ? this.#stored(spec.name) : undefined;
    if (stored !== undefined) {
      this.#store.pin(stored.config.diffIds);
      return ok(stored);
    }
    const login = await loginFor(request.name, {
      ...{ config: this.#options.dockerConfig, own: spec.credentials },
      sandboxDirectory: request.sandboxDirectory,
    });
    if (!login.ok) return login;
    // Who has other credentials may be refused what the first one gets.
    const key = JSON.stringify([spec.name, login.value]);
    const pull = this.#pulls.get(key) ?? this.#begin(key, request.name, login.value);
    pull.listeners.add(say);
    const pulled = await Promise.race([pull.done, aborted(signal)]);
    pull.listeners.delete(say);
    if (pull.listeners.size === 0) {
      this.#pulls.delete(key);
      pull.abort.abort();
    }
    if (pulled?.ok === true) this.#store.pin(pulled.value.config.diffIds);
    return pulled ?? err("it was cancelled");
  }

  /** One whose layers are all there. */
  #stored(name: string): StoredImage | undefined {
    const image = this.#store.image(name);
    return image !== undefined && this.#store.layersOf(image) !== undefined ? image : undefined;
  }

  #begin(key: string, name: ImageName, login: RegistryLogin | undefined): Pull {
    const abort = new AbortController();
    const listeners = new Set<(line: string) => void>();
    const say = (line: string): void => {
      for (const listener of listeners) listener(line);
    };
    const fetch = { signal: abort.signal, say };
    const { source } = this.#options;
    const done = (
      source.kind === "FOLDER"
        ? importArchive(name, source.path, { store: this.#store, signal: abort.signal })
        : this.#pull(name, login, fetch)
    )
      .catch((cause: unknown): Pulled => err(errnoOf(cause)))
      .finally(() => {
        if (this.#pulls.get(key) === pull) this.#pulls.delete(key);
      });
    const pull: Pull = { abort, listeners, done };
    this.#pulls.set(key, pull);
    return pull;
  }

  async #pull(
    name: ImageName,
    login: RegistryLogin | undefined,
    { signal, say }: { readonly signal: AbortSignal; readonly say: (line: string) => void },
  ): Promise<Pulled> {
    const startMs = performance.now();
    const registry = this.#registryOf(name, login, signal);
    const platform = platformOf(process.arch);
    let read = await registry.manifest(name.version);
    if (!read.ok) return read;
    let manifest = parseManifest(read.value.content, platform);
    if (manifest.ok && manifest.value.kind === "INDEX") {
      read = await registry.manifest(manifest.value.chosen.digest);
      if (!read.ok) return read;
      manifest = parseManifest(read.value.content, platform);
    }
    if (!manifest.ok) return manifest;
    if (manifest.value.kind !== "IMAGE") return err("its list of platforms leads to another one");
    const { digest } = read.value;
    const stored = this.#stored(name.text);
    if (stored?.digest === digest) return ok(stored);
    const { config: configAt, layers } = manifest.value;
    const content = await registry.config(configAt);
    if (!content.ok) return content;
    const config = parseConfig(content.value, layers.length);
    if (!config.ok) return config;
    const { diffIds } = config.value;
    // Those that are there must not be pruned while the others come.
    this.#store.pin(diffIds);
    try {
      const wanted = diffIds.flatMap((diffId, index): WantedLayer[] => {
        const from = layers[index];
        const isThere = from === undefined || this.#store.layer(diffId) !== undefined;
        return isThere ? [] : [{ diffId, from }];
      });
      const progress = new Progress(
        name.text,
        wanted.map(({ from }) => from.size),
        say,
      );
      const fetched = await this.#fetchAll(wanted, { registry, progress, signal });
      if (!fetched.ok) return fetched;
      const image = { name: name.text, digest, config: config.value };
      await this.#store.writeImage(image);
      progress.end();
      if (wanted.length > 0) this.#options.pulled?.(performance.now() - startMs);
      return ok(image);
    } finally {
      this.#store.unpin(diffIds);
    }
  }

  #registryOf(name: ImageName, login: RegistryLogin | undefined, signal: AbortSignal): Registry {
    const { outward, stallMs, source } = this.#options;
    const url = registryUrl(name, source.kind === "REGISTRY" ? source.url : undefined);
    return new Registry({
      ...{ url, login, outward, signal, stallMs },
      repository: repositoryOf(name),
    });
  }

  async #fetchAll(
    wanted: readonly WantedLayer[],
    fetch: LayerFetch,
  ): Promise<Result<void, string>> {
    const waiting = [...wanted];
    let failed: Result<void, string> | undefined;
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const fetched = await this.#fetchOnce(next, fetch);
        if (fetched.ok) continue;
        failed ??= fetched;
        waiting.length = 0;
      }
    };
    await Promise.all(Array.from({ length: LAYERS_AT_ONCE }, worker));
    return failed ?? ok(undefined);
  }

  /** An image that wants the same layer at the same time waits for it, and tries if it failed. */
  async #fetchOnce(layer: WantedLayer, fetch: LayerFetch): Promise<Result<void, string>> {
    for (;;) {
      const other = this.#layers.get(layer.diffId);
      if (other === undefined) break;
      if ((await other).ok) return ok(undefined);
    }
    const done = this.#fetchLayer(layer, fetch).finally(() => this.#layers.delete(layer.diffId));
    this.#layers.set(layer.diffId, done);
    return await done;
  }

  async #fetchLayer(
    { diffId, from }: WantedLayer,
    { registry, progress, signal }: LayerFetch,
  ): Promise<Result<void, string>> {
    if (signal.aborted) return err("it was cancelled");
    if (this.#store.layer(diffId) !== undefined) return ok(undefined);
    const path = join(this.#store.directory, "tmp", randomUUID());
    const file = await open(path, "wx", 0o600);
    try {
      const fetched = await registry.blob(from, file, (bytes) => progress.add(bytes));
      if (!fetched.ok) return fetched;
      const unpacked = await unpackLayer(path, diffId, { store: this.#store, signal });
      if (unpacked.ok) progress.layerDone();
      return unpacked;
    } finally {
      await file.close();
      await rm(path, { force: true });
    }
  }
}

interface WantedLayer {
  readonly diffId: string;
  readonly from: Descriptor;
}

interface LayerFetch {
  readonly registry: Registry;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** `given`: of the operator, for names without a registry. On this machine none needs TLS. */
function registryUrl({ registry }: ImageName, given: URL | undefined): URL {
  if (registry === "docker.io") return given ?? new URL(DEFAULT_REGISTRY);
  if (given?.host === registry) return given;
  const isHere = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/.test(registry);
  return new URL(`${isHere ? "http" : "https"}://${registry}`);
}

/** As the registry calls it: Docker's own one has a folder for names without one. */
function repositoryOf({ registry, repository }: ImageName): string {
  if (registry !== "docker.io") return repository.slice(registry.length + 1);
  const path = repository.replace(/^docker\.io\//, "");
  return path.includes("/") ? path : `library/${path}`;
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
