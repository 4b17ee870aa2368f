/**
 * What a container made of layers would find at a path, read without mounting anything. Links lead
 * where they would lead inside the image, never out of it. The layers are nobody's to change, so
 * what was found stays true.
 */
import { lstatSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { join } from "node:path";
import type { ImageLayer } from "../containerizer.ts";
import { errnoOf } from "../supervisor/file-error.ts";

export interface FoundInImage {
  readonly kind: "FOLDER" | "FILE" | "OTHER";
  /** Of the uppermost layer that has it, on the machine. */
  readonly path: string;
  readonly stat: Stats;
}

export interface ResolvedPath {
  /** Without links; of what is missing as it was asked for. */
  readonly names: readonly string[];
  /** Undefined: there is no such thing. */
  readonly found: FoundInImage | undefined;
}

/** A folder as one layer has it. */
interface Part {
  readonly layer: ImageLayer;
  /** From the layer's top. */
  readonly names: readonly string[];
}

type Entry =
  | { readonly kind: "FOLDER"; readonly parts: readonly Part[]; readonly found: FoundInImage }
  | { readonly kind: "LINK"; readonly target: string }
  | { readonly kind: "FILE" | "OTHER"; readonly found: FoundInImage };

const LINKS_MAX = 40;

export class LayeredTree {
  readonly #layers: readonly ImageLayer[];

  /** The uppermost first. */
  constructor(layers: readonly ImageLayer[]) {
    this.#layers = layers;
  }

  /** `path`: begins at the image's root, whether with a slash or not. The error is a clause. */
  resolve(path: string): ResolvedPath | { readonly why: string } {
    const rest = path.split("/").filter(Boolean);
    const way: { readonly name: string; readonly entry: Entry | undefined }[] = [];
    for (let links = 0; rest.length > 0; ) {
      const name = rest.shift() ?? "";
      if (name === ".") continue;
      if (name === "..") {
        way.pop();
        continue;
      }
      const last = way.at(-1);
      const parts = last === undefined ? this.#top() : partsOf(last.entry);
      const entry = parts === undefined ? undefined : entryIn(parts, name);
      if (entry?.kind === "LINK") {
        if (++links > LINKS_MAX) return { why: "it has too many links on its way" };
        if (entry.target.startsWith("/")) way.length = 0;
        rest.unshift(...entry.target.split("/").filter(Boolean));
        continue;
      }
      const isFile = last?.entry !== undefined && last.entry.kind !== "FOLDER";
      if (isFile) return { why: `'${nameOf(way)}' is no folder in the image` };
      way.push({ name, entry });
    }
    const entry = way.length === 0 ? this.#root() : way.at(-1)?.entry;
    const found = entry === undefined || entry.kind === "LINK" ? undefined : entry.found;
    return { names: way.map(({ name }) => name), found };
  }

  /** Text of a file of at most so many bytes; undefined: there is none. */
  read(path: string, bytesMax: number): string | undefined {
    const resolved = this.resolve(path);
    if ("why" in resolved || resolved.found?.kind !== "FILE") return undefined;
    if (resolved.found.stat.size > bytesMax) return undefined;
    return readFileSync(resolved.found.path, "utf8");
  }

  #top(): readonly Part[] {
    return this.#layers.map((layer) => ({ layer, names: [] }));
  }

  #root(): Entry | undefined {
    const layer = this.#layers[0];
    if (layer === undefined) return undefined;
    const found: FoundInImage = { kind: "FOLDER", path: layer.path, stat: lstatSync(layer.path) };
    return { kind: "FOLDER", parts: this.#top(), found };
  }
}

function nameOf(way: readonly { readonly name: string }[]): string {
  return `/${way.map(({ name }) => name).join("/")}`;
}

function partsOf(entry: Entry | undefined): readonly Part[] | undefined {
  return entry?.kind === "FOLDER" ? entry.parts : undefined;
}

/** As overlayfs merges them: the uppermost counts, and folders add up until one hides the rest. */
function entryIn(folder: readonly Part[], name: string): Entry | undefined {
  const parts: Part[] = [];
  let uppermost: FoundInImage | undefined;
  for (const { layer, names } of folder) {
    const inLayer = [...names, name];
    const path = join(layer.path, ...inLayer);
    const stat = lstatIfThere(path);
    if (stat === undefined) continue;
    if (!stat.isDirectory()) {
      // What is below a folder and is none is hidden by it, with all that is further below.
      return parts.length === 0 ? fileEntry(path, stat) : folderEntry(parts, uppermost);
    }
    parts.push({ layer, names: inLayer });
    uppermost ??= { kind: "FOLDER", path, stat };
    if (layer.opaque.includes(inLayer.join("/"))) break;
  }
  return folderEntry(parts, uppermost);
}

function folderEntry(parts: readonly Part[], found: FoundInImage | undefined): Entry | undefined {
  return found === undefined ? undefined : { kind: "FOLDER", parts, found };
}

function fileEntry(path: string, stat: Stats): Entry | undefined {
  if (stat.isSymbolicLink()) return { kind: "LINK", target: readlinkSync(path) };
  // A device 0:0 says that there is nothing.
  if (stat.isCharacterDevice() && stat.rdev === 0) return undefined;
  const kind = stat.isFile() ? "FILE" : "OTHER";
  return { kind, found: { kind, path, stat } };
}

function lstatIfThere(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (cause) {
    const errno = errnoOf(cause);
    if (errno === "ENOENT" || errno === "ENOTDIR" || errno === "ENAMETOOLONG") return undefined;
    throw cause;
  }
}
