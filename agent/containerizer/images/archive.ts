/**
 * Images from a folder of archives that `docker save` (or any builder of its format) has made, as
 * Mesos' local puller takes them: `<folder>/<name>.tar`, by the name that the task gives, with its
 * tag and without.
 * Source: https://github.com/moby/moby/blob/master/image/spec/spec.md, manifest.json.
 */
import { createHash } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { listOf, objectOf, text } from "../docker/engine.ts";
import type { ImageName } from "../docker/image-name.ts";
import { errnoOf } from "../supervisor/file-error.ts";
import { type ImageConfig, parseConfig } from "./manifest.ts";
import type { ImageStore, StoredImage } from "./store.ts";
import { runProgram, unpackLayer } from "./unpack.ts";

interface Importing {
  readonly store: ImageStore;
  readonly signal: AbortSignal;
}

/** The error is a clause. */
export async function importArchive(
  name: ImageName,
  folder: string,
  { store, signal }: Importing,
): Promise<Result<StoredImage, string>> {
  if (name.text.includes("@")) {
    return err("no digest can be checked in a folder of archives; name the image by its tag");
  }
  const tagged = `${name.repository}:${name.version}`;
  const files = [...new Set([name.text, tagged, name.repository])].map((each) =>
    join(folder, `${each}.tar`),
  );
  const path = files.flatMap((file) => realFile(file) ?? [])[0];
  if (path === undefined) return err(`there is no ${files.join(", nor ")}`);
  const unpacked = await store.temporaryFolder();
  try {
    const extracted = await runProgram(
      ["tar", "--extract", "--no-same-owner", "--no-same-permissions", `--file=${path}`],
      { folder: unpacked, signal },
    );
    if (!extracted.ok) return extracted;
    const read = readManifest(unpacked);
    if (!read.ok) return err(`${path}: ${read.error}`);
    const { config, layers, digest } = read.value;
    store.pin(config.diffIds);
    try {
      for (const [index, diffId] of config.diffIds.entries()) {
        const layer = insideOf(unpacked, layers[index] ?? "");
        if (store.layer(diffId) !== undefined) continue;
        if (layer === undefined) return err(`${path}: its layer '${layers[index]}' is not in it`);
        const added = await unpackLayer(layer, diffId, { store, signal });
        if (!added.ok) return err(`${path}: ${added.error}`);
      }
      const image = { name: name.text, digest, config };
      await store.writeImage(image);
      return ok(image);
    } finally {
      store.unpin(config.diffIds);
    }
  } finally {
    await store.discard(unpacked);
  }
}

function readManifest(
  folder: string,
): Result<{ config: ImageConfig; layers: readonly string[]; digest: string }, string> {
  try {
    const manifest = readInside(folder, "manifest.json");
    const first = objectOf(listOf(JSON.parse(manifest ?? "[]"))[0]);
    const layers = listOf(first.Layers).flatMap((each) => text(each) ?? []);
    const content = readInside(folder, text(first.Config) ?? "");
    if (content === undefined) return err("it is no archive as `docker save` makes them");
    const config = parseConfig(content, layers.length);
    const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
    return config.ok ? ok({ config: config.value, layers, digest }) : config;
  } catch (cause) {
    return err(`it cannot be read (${errnoOf(cause)})`);
  }
}

function readInside(folder: string, name: string): string | undefined {
  const path = insideOf(folder, name);
  return path === undefined ? undefined : readFileSync(path, "utf8");
}

/** Archives have links inside of them; none leads out. */
function insideOf(folder: string, name: string): string | undefined {
  const path = name === "" ? undefined : realFile(join(folder, name));
  return path?.startsWith(`${realpathSync(folder)}/`) === true ? path : undefined;
}

function realFile(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
