/**
 * Files that tasks asked to be cached, so that many tasks cause one download: per account and URI,
 * as in Mesos (http-semantics 17.5). A cached file is not asked for again: give new content a new
 * URI.
 *
 * 1. Whoever wants a file that is being downloaded waits for that download, which ends early only
 * when nobody waits any more. 2. A failed download is told to all who wait, and not remembered.
 * 3. Beyond the bound the files go that nobody uses, least recently used first; while a file is in
 * use it stays, so for that long the bound may be exceeded. 4. Nothing of it outlives the process.
 */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { errnoOf } from "../errno.ts";
import { makeDirectory } from "../make-directory.ts";

/** Writes the file; the error is a clause. */
type Download = (file: FileHandle, signal: AbortSignal) => Promise<Result<void, string>>;

export interface CachedFile {
  readonly path: string;
  /** Once it was copied. */
  release(): void;
}

interface Entry {
  readonly path: string;
  readonly abort: AbortController;
  readonly arrived: Promise<Result<void, string>>;
  users: number;
  /** 0 until it has arrived. */
  bytes: number;
}

export class FetchCache {
  readonly #directory: string;
  readonly bytesMax: number;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();

  /** `directory`: its own, out of every task's reach; emptied. */
  constructor(directory: string, bytesMax: number) {
    this.#directory = directory;
    this.bytesMax = bytesMax;
    rmSync(directory, { recursive: true, force: true });
  }

  /** Beside the files, and of nothing yet. What is left there goes with the next process. */
  newPath(): string {
    makeDirectory(this.#directory, 0o700);
    return join(this.#directory, randomUUID());
  }

  get bytesUsed(): number {
    let bytes = 0;
    for (const entry of this.#entries.values()) bytes += entry.bytes;
    return bytes;
  }

  /** The error is a clause. `signal` ends this wait, and the download when nobody else waits. */
  async take(
    key: string,
    download: Download,
    signal: AbortSignal,
  ): Promise<Result<CachedFile, string>> {
    const entry = this.#entries.get(key) ?? this.#begin(key, download);
    // The most recently used is the last one.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.users++;
    const arrived = await Promise.race([entry.arrived, aborted(signal)]);
    if (arrived?.ok === true) {
      return ok({ path: entry.path, release: () => this.#release(key, entry) });
    }
    this.#release(key, entry);
    return arrived ?? err("it was cancelled");
  }

  #begin(key: string, download: Download): Entry {
    const path = join(this.#directory, randomUUID());
    const abort = new AbortController();
    const arrived = fetchInto(this.#directory, path, (file) => download(file, abort.signal));
    const entry: Entry = {
      ...{ path, abort, users: 0, bytes: 0 },
      arrived: arrived.then((bytes) => {
        if (!bytes.ok) {
          this.#forget(key, entry);
          return bytes;
        }
        entry.bytes = bytes.value;
        this.#makeRoom();
        return ok(undefined);
      }),
    };
    return entry;
  }

  #release(key: string, entry: Entry): void {
    entry.users--;
    if (entry.users > 0) return;
    if (entry.bytes === 0) {
      // Nobody waits for it any more. (An empty file is fetched again as quickly.)
      entry.abort.abort();
      this.#forget(key, entry);
    }
    this.#makeRoom();
  }

  #makeRoom(): void {
    let bytes = this.bytesUsed;
    for (const [key, entry] of this.#entries) {
      if (bytes <= this.bytesMax) return;
      if (entry.users > 0 || entry.bytes === 0) continue;
      bytes -= entry.bytes;
      this.#forget(key, entry);
    }
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
    // Whoever has it open reads on; a file that cannot be removed goes with the next process.
    rm(entry.path, { force: true }).catch(() => {});
  }
}

/** How many bytes came. */
async function fetchInto(
  directory: string,
  path: string,
  download: (file: FileHandle) => Promise<Result<void, string>>,
): Promise<Result<number, string>> {
  try {
    makeDirectory(directory, 0o700);
    const file = await open(path, "wx", 0o600);
    try {
      const downloaded = await download(file);
      return downloaded.ok ? ok((await file.stat()).size) : downloaded;
    } finally {
      await file.close();
    }
  } catch (cause) {
    return err(`the cache cannot take it (${errnoOf(cause)})`);
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
