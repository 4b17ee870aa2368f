/**
 * What a container appends to `stdout` and `stderr` in its sandbox, from now on: looked for again
 * and again, because nothing tells of it that works on every file system.
 *
 * 1. A file that is exchanged for another (rotated) is read to its end first. 2. Nothing but a
 * regular file of that directory is read: the container may put links and pipes there.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { join } from "node:path";
import type { OutputPiece, OutputReader } from "./output.ts";

const LOOK_MS = 50;
const PIECE_BYTES = 64 * 1024;
const { O_RDONLY, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW } = constants;

export class FollowedOutput implements OutputReader {
  readonly #files: readonly FollowedFile[];
  #hasEnded = false;
  #isClosed = false;
  #wake: (() => void) | undefined;

  /**
   * `sandboxDirectory`: with no link in it. `ended`: resolves when nothing more will be written.
   */
  constructor(sandboxDirectory: string, ended: Promise<unknown>) {
    this.#files = [
      new FollowedFile("STDOUT", join(sandboxDirectory, "stdout")),
      new FollowedFile("STDERR", join(sandboxDirectory, "stderr")),
    ];
    const end = (): void => {
      this.#hasEnded = true;
      this.#wake?.();
    };
    ended.then(end, end);
  }

  async next(): Promise<OutputPiece | undefined> {
    while (!this.#isClosed) {
      // Looked at before reading: what was written before the end is then found.
      const hadEnded = this.#hasEnded;
      for (const file of this.#files) {
        const piece = file.read();
        if (piece !== undefined) return piece;
      }
      if (hadEnded) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, LOOK_MS);
      });
    }
    this.close();
    return undefined;
  }

  close(): void {
    this.#isClosed = true;
    for (const file of this.#files) file.close();
    this.#wake?.();
  }
}

class FollowedFile {
  readonly #stream: OutputPiece["stream"];
  readonly #path: string;
  #file: { readonly descriptor: number; readonly inode: number } | undefined;
  #offset = 0;

  constructor(stream: OutputPiece["stream"], path: string) {
    this.#stream = stream;
    this.#path = path;
    this.#file = openRegular(path);
    if (this.#file !== undefined) this.#offset = fstatSync(this.#file.descriptor).size;
  }

  read(): OutputPiece | undefined {
    const piece = this.#readOn();
    if (piece !== undefined) return piece;
    const now = lstatSync(this.#path, { throwIfNoEntry: false });
    if (now === undefined || now.ino === this.#file?.inode) return undefined;
    const next = openRegular(this.#path);
    if (next === undefined) return undefined;
    this.close();
    this.#file = next;
    this.#offset = 0;
    return this.#readOn();
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file.descriptor);
    this.#file = undefined;
  }

  #readOn(): OutputPiece | undefined {
    if (this.#file === undefined) return undefined;
    const { descriptor } = this.#file;
    // Cut short by the container: what it writes from now on is new.
    const { size } = fstatSync(descriptor);
    if (size < this.#offset) this.#offset = 0;
    const buffer = Buffer.alloc(Math.min(PIECE_BYTES, size - this.#offset));
    const length = readSync(descriptor, buffer, 0, buffer.length, this.#offset);
    this.#offset += length;
    return length === 0 ? undefined : { stream: this.#stream, data: buffer.subarray(0, length) };
  }
}

/** Undefined: there is none, or nothing that may be read. */
function openRegular(
  path: string,
): { readonly descriptor: number; readonly inode: number } | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
  } catch {
    return undefined;
  }
  const facts = fstatSync(descriptor);
  // A folder on the way may have been exchanged for a link: what is open is what counts.
  if (facts.isFile() && readlinkSync(`/proc/self/fd/${descriptor}`) === path) {
    return { descriptor, inode: facts.ino };
  }
  closeSync(descriptor);
  return undefined;
}
