/**
 * What registries say of an image: manifests, lists of them by platform, and the image's
 * configuration; Docker's schema 2 and OCI's, which differ in names only. Pure. Sources:
 * https://github.com/opencontainers/image-spec (manifest.md, image-index.md, config.md),
 * https://distribution.github.io/distribution/spec/manifest-v2-2/
 */
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { type Json, listOf, objectOf, text } from "../docker/engine.ts";

export interface Descriptor {
  /** Like "sha256:…". */
  readonly digest: string;
  readonly size: number;
}

export type Manifest =
  | { readonly kind: "IMAGE"; readonly config: Descriptor; readonly layers: readonly Descriptor[] }
  /** Of several platforms the one that was asked for. */
  | { readonly kind: "INDEX"; readonly chosen: Descriptor };

/** What an image says of the containers that are made of it. */
export interface ImageConfig {
  /** NAME=value. */
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDirectory: string;
  /** `user[:group]`, names or numbers; empty: root. */
  readonly user: string;
  /** Digests of the layers before they were compressed, the lowest first. */
  readonly diffIds: readonly string[];
}

export const MANIFEST_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
] as const;

const DIGEST = /^sha256:[0-9a-f]{64}$/;
/** More than any builder makes: Docker's own bound is 127. */
const LAYERS_MAX = 500;

/** In the words of images: "amd64", "arm64", and "arm" with a variant like "v7". */
export interface Platform {
  readonly architecture: string;
  readonly variant: string | undefined;
}

export function platformOf(nodeArchitecture: string): Platform {
  const names: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
  return {
    architecture: names[nodeArchitecture] ?? nodeArchitecture,
    variant: nodeArchitecture === "arm" ? "v7" : undefined,
  };
}

/** The error is a clause. */
export function parseManifest(content: string, platform: Platform): Result<Manifest, string> {
  const read = parseJson(content);
  if (!read.ok) return err("its manifest is not JSON");
  const manifest = read.value;
  if (manifest.schemaVersion === 1) {
    return err("its manifest has the old schema 1; push it again with a builder of this decade");
  }
  if (Array.isArray(manifest.manifests)) return chooseFrom(manifest.manifests, platform);
  const config = descriptor(manifest.config);
  const layers = listOf(manifest.layers).map(descriptor);
  if (config === undefined || layers.includes(undefined) || layers.length > LAYERS_MAX) {
    return err("its manifest names no configuration and layers by sha256 digests");
  }
  const known = layers.flatMap((layer) => (layer === undefined ? [] : [layer]));
  return ok({ kind: "IMAGE", config, layers: known });
}

function chooseFrom(entries: readonly unknown[], platform: Platform): Result<Manifest, string> {
  const seen: string[] = [];
  let chosen: Descriptor | undefined;
  for (const entry of entries) {
    const { platform: given, ...rest } = objectOf(entry);
    const { os, architecture, variant } = objectOf(given);
    const name = [os, architecture, variant].filter((part) => text(part)).join("/");
    if (name !== "unknown/unknown") seen.push(name);
    if (os !== "linux" || architecture !== platform.architecture) continue;
    const isExact = platform.variant === undefined || variant === platform.variant;
    // Where no variant is the wanted one, any of the architecture is better than none.
    if (isExact || chosen === undefined) chosen = descriptor(rest) ?? chosen;
    if (isExact && chosen !== undefined) return ok({ kind: "INDEX", chosen });
  }
  if (chosen !== undefined) return ok({ kind: "INDEX", chosen });
  const wanted = `linux/${platform.architecture}`;
  return err(`it is not made for ${wanted}, only for ${seen.join(", ") || "nothing"}`);
}

/** `layers`: how many its manifest has. The error is a clause. */
export function parseConfig(content: string, layers: number): Result<ImageConfig, string> {
  const read = parseJson(content);
  if (!read.ok) return err("its configuration is not JSON");
  const { os, rootfs, config } = read.value;
  if (text(os) !== undefined && os !== "linux") return err(`it is made for ${os}, not for linux`);
  const diffIds = strings(objectOf(rootfs).diff_ids);
  if (diffIds.length !== layers || !diffIds.every((digest) => DIGEST.test(digest))) {
    return err("its configuration does not name the layers that its manifest has");
  }
  const { Env, Entrypoint, Cmd, WorkingDir, User } = objectOf(config);
  return ok({
    ...{ env: strings(Env), entrypoint: strings(Entrypoint), cmd: strings(Cmd) },
    workingDirectory: text(WorkingDir) ?? "",
    user: text(User) ?? "",
    diffIds,
  });
}

function descriptor(value: unknown): Descriptor | undefined {
  const { digest, size } = objectOf(value);
  if (typeof digest !== "string" || !DIGEST.test(digest)) return undefined;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) return undefined;
  return { digest, size };
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

export function parseJson(content: string): Result<Json, string> {
  try {
    return ok(objectOf(JSON.parse(content)));
  } catch {
    return err("it is not JSON");
  }
}
