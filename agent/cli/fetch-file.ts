/** One file from an agent to this machine, going on where it was broken off. */
import { closeSync, fchmodSync, fstatSync, ftruncateSync, rmSync, writeSync } from "node:fs";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type { Operator } from "../../worker/sdk/operator.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { finishPart, lastBytes, localFacts, openPart, PART_SUFFIX } from "./local-folder.ts";
import { readPieces } from "./read-pieces.ts";

/** How much of what is here already is compared with what is there. */
const COMPARED_BYTES = 64 * 1024;

export interface Fetch {
  readonly agentId: string;
  readonly file: mesos.FileInfo;
  readonly to: string;
  /** Replace one that is here and differs. */
  readonly force: boolean;
}

export interface Fetched {
  /** That came over now. */
  readonly bytes: number;
  readonly wasHere: boolean;
}

/** The error is a sentence. `onProgress`: bytes here, of so many. */
export async function fetchFile(
  operator: Operator,
  { agentId, file, to, force }: Fetch,
  onProgress: (bytes: number, size: number) => void,
): Promise<Result<Fetched, string>> {
  const changedMs = Number((file.mtime?.nanoseconds ?? 0n) / 1_000_000n);
  const here = localFacts(to);
  if (here !== undefined && !force) {
    const isSame =
      here.isFile() && BigInt(here.size) === file.size && sameTime(here.mtimeMs, changedMs);
    if (isSame) return ok({ bytes: 0, wasHere: true });
    return err(`${to} is here already and differs; replace it with --force, or move it away`);
  }
  if (here?.isDirectory()) return err(`${to} is a folder; move it away`);
  const part = `${to}${PART_SUFFIX}`;
  const opened = openPart(part);
  if (!opened.ok) return opened;
  const descriptor = opened.value;
  let bytes = 0;
  try {
    const place = { agentId, path: file.path };
    let at = await resumeAt(operator, place, descriptor);
    ftruncateSync(descriptor, at);
    for await (const { data, size } of readPieces(operator, place, { from: at })) {
      for (let from = 0; from < data.length; ) {
        from += writeSync(descriptor, data, from, data.length - from, at + from);
      }
      at += data.length;
      bytes += data.length;
      onProgress(at, size);
    }
    // Never more than others may do here anyway, and no set-user-id.
    fchmodSync(descriptor, (file.mode ?? 0o600) & 0o777 & ~process.umask());
  } catch (error) {
    // Nothing came: there is nothing to go on with.
    if (fstatSync(descriptor).size === 0) rmSync(part, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  finishPart(part, to, changedMs === 0 ? Date.now() : changedMs);
  return ok({ bytes, wasHere: false });
}

/** Where to go on: 0, unless what is here is how the file there begins. */
async function resumeAt(
  operator: Operator,
  { agentId, path }: { readonly agentId: string; readonly path: string },
  descriptor: number,
): Promise<number> {
  const { size } = fstatSync(descriptor);
  if (size === 0) return 0;
  const here = lastBytes(descriptor, size, COMPARED_BYTES);
  const range = { path, offset: size - here.length, length: here.length };
  const { data } = await operator.readFile(agentId, range);
  return Buffer.compare(data, here) === 0 ? size : 0;
}

/** Not every file system keeps the milliseconds. */
function sameTime(a: number, b: number): boolean {
  return Math.floor(a / 1_000) === Math.floor(b / 1_000);
}
