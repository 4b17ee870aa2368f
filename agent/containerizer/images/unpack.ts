/** From a file with one layer to a layer of the store, with the machine's tar. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { errnoOf } from "../supervisor/file-error.ts";
import { LayerError, type LayerFacts, overlayMembers } from "./layer-members.ts";
import type { ImageStore } from "./store.ts";

/** Far beyond what anybody ships; bounds what a small file may become. */
const LAYER_BYTES_MAX = 64 * 1024 ** 3;
const STDERR_KEPT = 1_000;
const ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C",
};

/**
 * Owners are the image's numbers; of extended attributes there are file capabilities and the mark
 * that `layer-members.ts` makes. The error is a clause.
 */
const TAR = [
  ...["tar", "--extract", "--file=-", "--numeric-owner", "--same-owner", "--same-permissions"],
  ...["--xattrs", "--xattrs-include=security.capability"],
  "--xattrs-include=trusted.overlay.opaque",
] as const;

export async function unpackLayer(
  path: string,
  diffId: string,
  { store, signal }: { readonly store: ImageStore; readonly signal: AbortSignal },
): Promise<Result<void, string>> {
  const folder = await store.temporaryFolder();
  const facts: LayerFacts = { bytes: 0, opaque: [] };
  try {
    const found = await extract(path, folder, { facts, signal });
    if (!found.ok) return found;
    if (found.value !== diffId) {
      return err(`a layer's content has the digest ${found.value}, not ${diffId} as it should`);
    }
    const synced = await runProgram(["sync", "-f", folder], { folder, signal });
    if (!synced.ok) return synced;
    await store.addLayer(folder, { diffId, bytes: facts.bytes, opaque: facts.opaque });
    return ok(undefined);
  } catch (cause) {
    return err(cause instanceof LayerError ? `a layer: ${cause.message}` : errnoOf(cause));
  } finally {
    await store.discard(folder);
  }
}

/** The digest of what was read, before it was compressed. */
async function extract(
  path: string,
  folder: string,
  { facts, signal }: { readonly facts: LayerFacts; readonly signal: AbortSignal },
): Promise<Result<string, string>> {
  const hash = createHash("sha256");
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const opened = await openUncompressed(path, either);
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of opened.bytes) {
      hash.update(chunk);
      yield chunk;
    }
  };
  const members = Readable.from(overlayMembers(hashed(), facts, { bytesMax: LAYER_BYTES_MAX }));
  const tar = await runProgram(TAR, { folder, signal: either, input: members });
  // Nobody reads on where tar has failed.
  if (!tar.ok) ended.abort();
  const uncompressed = await opened.done;
  const { errored } = members;
  // What it says of its end comes before what tar makes of that.
  if (errored instanceof LayerError) throw errored;
  if (errored !== null && errnoOf(errored).startsWith("Z_")) {
    return err(`a layer cannot be uncompressed (${errnoOf(errored)})`);
  }
  if (!tar.ok) return tar;
  return uncompressed.ok ? ok(`sha256:${hash.digest("hex")}`) : uncompressed;
}

interface Uncompressed {
  readonly bytes: AsyncIterable<Buffer>;
  /** How the program ended that uncompresses. */
  readonly done: Promise<Result<void, string>>;
}

/** What it is shows in its first bytes; what its manifest calls it is often wrong. */
async function openUncompressed(path: string, signal: AbortSignal): Promise<Uncompressed> {
  const file = await open(path, "r");
  const { buffer } = await file.read({ buffer: Buffer.alloc(4), position: 0 });
  await file.close();
  const magic = buffer.toString("hex");
  const stream = createReadStream(path);
  if (magic.startsWith("1f8b")) {
    const gunzip = createGunzip();
    // Whoever reads the latter is told of the former's end.
    pipeline(stream, gunzip).catch(() => {});
    return { bytes: gunzip, done: Promise.resolve(ok(undefined)) };
  }
  if (magic !== "28b52ffd") return { bytes: stream, done: Promise.resolve(ok(undefined)) };
  stream.destroy();
  const child = spawn("zstd", ["-d", "-q", "-c", path], {
    ...{ env: ENVIRONMENT, signal, stdio: ["ignore", "pipe", "ignore"] as const },
  });
  const done = new Promise<Result<void, string>>((resolve) => {
    child.once("error", (cause) => {
      const isMissing = errnoOf(cause) === "ENOENT";
      resolve(
        isMissing ? err("zstd is not installed on this agent") : err(`zstd: ${errnoOf(cause)}`),
      );
    });
    child.once("close", (code) =>
      resolve(code === 0 ? ok(undefined) : err("zstd cannot read a layer")),
    );
  });
  return { bytes: child.stdout, done };
}

/** The error is a clause. */
export async function runProgram(
  [file, ...argv]: readonly [string, ...string[]],
  options: { readonly folder: string; readonly signal: AbortSignal; readonly input?: Readable },
): Promise<Result<void, string>> {
  const { folder, signal, input } = options;
  const child = spawn(file, argv, {
    ...{ cwd: folder, env: ENVIRONMENT, signal },
    stdio: [input === undefined ? "ignore" : "pipe", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString("utf8")).slice(-STDERR_KEPT);
  });
  const ended = new Promise<Result<void, string>>((resolve) => {
    child.once("error", (cause) => {
      const errno = errnoOf(cause);
      if (errno === "ABORT_ERR") return resolve(err("it was cancelled"));
      const isMissing = errno === "ENOENT";
      resolve(err(isMissing ? `${file} is not installed on this agent` : `${file}: ${errno}`));
    });
    child.once("close", (code, end) => {
      if (code === 0) return resolve(ok(undefined));
      const how = end === null ? `exited with status ${code}` : `was ended by ${end}`;
      // GNU tar's last line says nothing but that there were others.
      const said = stderr
        .trim()
        .split("\n")
        .filter((line) => !/previous errors$/.test(line));
      resolve(err(withAdvice(`${file} ${how} (${said.at(-1) ?? ""})`)));
    });
  });
  if (input !== undefined && child.stdin !== null) {
    // Its failure is the input's, or the program's, and told by them.
    await pipeline(input, child.stdin).catch(() => child.kill("SIGTERM"));
  }
  return await ended;
}

function withAdvice(text: string): string {
  if (/no space left/i.test(text)) return `${text}; free some space, or prune images`;
  if (/unrecognized option/i.test(text)) return `${text}; install GNU tar`;
  return text;
}
