/**
 * What the agent keeps of images, each thing whole or not at all:
 *
 *   <store>/l/<short>/             a layer's files, as overlayfs wants them; read by all containers
 *   <store>/l/<short>.json         what is known of the layer; without it there is none
 *   <store>/images/<hash>.json     an image: name, configuration, layers
 *   <store>/containers/<id>/       a container's root file system: `root`, `upper`, `work`
 *   <store>/tmp/                   what is being made, and what is being deleted
 *
 * 1. A layer is known by the digest of what it was before it was compressed, and never changed.
 * `short` is a part of it, because the paths of all layers have to fit into one page of memory.
 * 2. A description is written, synced and renamed after what it describes is on disk: a crash
 * leaves things that nothing describes, which go at the next start.
 * 3. What is in use is not deleted: by a container, an image, or a pull that is under way.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ImageLayer } from "../containerizer.ts";
import { objectOf, text } from "../docker/engine.ts";
import { errnoOf } from "../supervisor/file-error.ts";
import { type ImageConfig, parseJson } from "./manifest.ts";

export interface StoredImage {
  /** As tasks name it. */
  readonly name: string;
  /** Of its manifest. */
  readonly digest: string;
  readonly config: ImageConfig;
}

export interface StoredLayer extends ImageLayer {
  readonly diffId: string;
  /** Of its files. */
  readonly bytes: number;
}

/** 96 bits: nobody finds another layer with the same ones. */
const SHORT_BYTES = 12;

export class ImageStore {
  readonly directory: string;
  /** Layers of pulls that are under way, with how many want each. */
  readonly #pinned = new Map<string, number>();

  /** `directory`: absolute, the agent's own; made. Throws what the file system says. */
  constructor(directory: string) {
    this.directory = directory;
    for (const name of ["l", "images", "containers", "tmp"]) {
      mkdirSync(join(directory, name), { recursive: true, mode: 0o700 });
    }
  }

  /**
   * Throws where another agent has it: what that one's containers stand on would be nobody's here,
   * and be deleted. `owner`: the agent's own folder.
   */
  claim(owner: string): void {
    const path = join(this.directory, "owner");
    const other = existsSync(path) ? readFileSync(path, "utf8") : "";
    if (other !== "" && other !== owner && existsSync(other)) {
      throw new Error(`it is the agent's whose --work-dir is ${other}`);
    }
    writeFileSync(path, owner, { mode: 0o600 });
  }

  get temporaryDirectory(): string {
    return join(this.directory, "tmp");
  }

  /** Undefined: it is not there. */
  image(name: string): StoredImage | undefined {
    return this.#readImage(join(this.directory, "images", imageFile(name)));
  }

  images(): readonly StoredImage[] {
    const folder = join(this.directory, "images");
    return readdirSync(folder).flatMap((name) => this.#readImage(join(folder, name)) ?? []);
  }

  async writeImage(image: StoredImage): Promise<void> {
    const path = join(this.directory, "images", imageFile(image.name));
    await this.#writeWhole(path, JSON.stringify(image));
  }

  /** The uppermost first. Undefined: not all of them are there. */
  layersOf({ config }: StoredImage): readonly StoredLayer[] | undefined {
    const layers = config.diffIds.map((diffId) => this.layer(diffId));
    const found = layers.flatMap((layer) => (layer === undefined ? [] : [layer]));
    return found.length === layers.length ? found.toReversed() : undefined;
  }

  layer(diffId: string): StoredLayer | undefined {
    const path = this.#layerPath(diffId);
    const stored = readJson(`${path}.json`);
    if (stored?.diffId !== diffId || typeof stored.bytes !== "number") return undefined;
    const { opaque } = stored;
    if (!Array.isArray(opaque)) return undefined;
    return { path, diffId, bytes: stored.bytes, opaque: opaque.filter((each) => text(each)) };
  }

  /** `from`: its files, on this file system, synced. */
  async addLayer(from: string, layer: Omit<StoredLayer, "path">): Promise<void> {
    const path = this.#layerPath(layer.diffId);
    if (this.layer(layer.diffId) !== undefined) return;
    // What an earlier process left there has no description.
    await this.discard(path);
    await rename(from, path);
    await this.#writeWhole(`${path}.json`, JSON.stringify(layer));
  }

  /** A new empty folder for what is being made. */
  async temporaryFolder(): Promise<string> {
    const path = join(this.directory, "tmp", randomUUID());
    await mkdir(path, { mode: 0o700 });
    return path;
  }

  /** Deletes: out of the way at once, the rest of the work afterwards. */
  async discard(path: string): Promise<void> {
    const gone = join(this.directory, "tmp", randomUUID());
    try {
      await rename(path, gone);
    } catch (cause) {
      if (errnoOf(cause) === "ENOENT") return;
      throw cause;
    }
    // What stays goes at the next start.
    void rm(gone, { recursive: true, force: true }).catch(() => {});
  }

  /** The layers are not pruned until `unpin`. */
  pin(diffIds: readonly string[]): void {
    for (const id of diffIds) this.#pinned.set(id, (this.#pinned.get(id) ?? 0) + 1);
  }

  unpin(diffIds: readonly string[]): void {
    for (const id of diffIds) {
      const left = (this.#pinned.get(id) ?? 1) - 1;
      if (left === 0) this.#pinned.delete(id);
      else this.#pinned.set(id, left);
    }
  }

  /**
   * Deletes images but those of `kept`, and the layers that nothing uses then. Nothing waits in it
   * between the look and the deed. What was deleted: images by name, and bytes.
   */
  async prune(kept: {
    readonly images: (image: StoredImage) => boolean;
    readonly layers: ReadonlySet<string>;
  }): Promise<{ readonly images: readonly string[]; readonly bytes: number }> {
    const all = this.images();
    const gone = all.filter((image) => !kept.images(image));
    const used = new Set([...kept.layers, ...this.#pinned.keys()]);
    for (const image of all.filter((each) => !gone.includes(each))) {
      for (const diffId of image.config.diffIds) used.add(diffId);
    }
    const files = gone.map(({ name }) => join(this.directory, "images", imageFile(name)));
    const unused = this.#layers().filter(({ diffId }) => !used.has(diffId));
    // The descriptions first: without them there is nothing of what they describe.
    await Promise.all(files.map((path) => this.discard(path)));
    await Promise.all(unused.map(({ path }) => this.discard(`${path}.json`)));
    await Promise.all(unused.map(({ path }) => this.discard(path)));
    const bytes = unused.reduce((sum, layer) => sum + layer.bytes, 0);
    return { images: gone.map(({ name }) => name), bytes };
  }

  /** Deletes what an earlier process left behind. */
  async sweep(): Promise<void> {
    const temporary = join(this.directory, "tmp");
    for (const name of await readdir(temporary)) {
      await rm(join(temporary, name), { recursive: true, force: true });
    }
    const names = new Set(await readdir(join(this.directory, "l")));
    for (const name of names) {
      const isDescribed = name.endsWith(".json")
        ? names.has(name.slice(0, -".json".length))
        : names.has(`${name}.json`);
      if (!isDescribed) await this.discard(join(this.directory, "l", name));
    }
  }

  containerFolder(id: string): string {
    return join(this.directory, "containers", id);
  }

  containers(): readonly string[] {
    return readdirSync(join(this.directory, "containers"));
  }

  #layers(): readonly StoredLayer[] {
    const folder = join(this.directory, "l");
    return readdirSync(folder).flatMap((name) => {
      if (!name.endsWith(".json")) return [];
      const diffId = text(readJson(join(folder, name))?.diffId);
      return diffId === undefined ? [] : (this.layer(diffId) ?? []);
    });
  }

  #layerPath(diffId: string): string {
    const digest = Buffer.from(diffId.slice("sha256:".length), "hex");
    return join(this.directory, "l", digest.subarray(0, SHORT_BYTES).toString("base64url"));
  }

  #readImage(path: string): StoredImage | undefined {
    const json = readJson(path);
    const [name, digest] = [text(json?.name), text(json?.digest)];
    if (json === undefined || name === undefined || digest === undefined) return undefined;
    // Nobody but `writeImage` writes there, and a torn file is no JSON.
    return { name, digest, config: objectOf(json.config) as unknown as ImageConfig };
  }

  async #writeWhole(path: string, content: string): Promise<void> {
    const fresh = join(this.directory, "tmp", randomUUID());
    const file = await open(fresh, "wx", 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
    const folder = await open(join(path, ".."), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

/** Names have slashes, and may be longer than a file's can be. */
function imageFile(name: string): string {
  return `${createHash("sha256").update(name).digest("hex").slice(0, 32)}.json`;
}

function readJson(path: string): ReturnType<typeof objectOf> | undefined {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (cause) {
    if (errnoOf(cause) === "ENOENT") return undefined;
    throw cause;
  }
  const json = parseJson(content);
  return json.ok ? json.value : undefined;
}

export async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
