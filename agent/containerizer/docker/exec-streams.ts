/**
 * Between the stream of an exec and the descriptors that its command should have. The descriptors
 * belong to somebody who closes them soon: each is opened a second time.
 */
import { closeSync, constants, createWriteStream, fstatSync, openSync } from "node:fs";
import { Socket } from "node:net";
import type { Duplex, Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { LaunchError } from "../containerizer.ts";
import { errnoOf } from "../supervisor/file-error.ts";
import { framesOf } from "./frames.ts";

export interface ExecStreams {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable;
  readonly stderr: Writable;
  close(): void;
}

const { O_APPEND, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

export function openStreams(given: {
  readonly stdin?: number;
  readonly stdout: number;
  readonly stderr: number;
}): Result<ExecStreams, LaunchError> {
  const opened: number[] = [];
  try {
    const again = (file: number, flags: number): number => {
      const own = openSync(`/proc/self/fd/${file}`, flags | O_NONBLOCK);
      opened.push(own);
      return own;
    };
    const stdin = given.stdin === undefined ? undefined : reader(again(given.stdin, O_RDONLY));
    const stdout = writer(again(given.stdout, O_WRONLY | O_APPEND));
    const stderr = writer(again(given.stderr, O_WRONLY | O_APPEND));
    return ok({
      ...{ stdin, stdout, stderr },
      close: () => {
        for (const stream of [stdin, stdout, stderr]) stream?.destroy();
      },
    });
  } catch (cause) {
    for (const file of opened) closeSync(file);
    return err({ code: "SPAWN_FAILED", path: "the command's streams", errno: errnoOf(cause) });
  }
}

/** Resolves when the command's side has ended and everything of it is passed on. */
export async function passThrough(
  exec: Duplex,
  { stdin, stdout, stderr, close }: ExecStreams,
  {
    isRaw,
    unread,
  }: {
    readonly isRaw: boolean;
    /** Called when nobody reads any more what the command writes; Docker does not tell it. */
    readonly unread: () => void;
  },
): Promise<void> {
  for (const output of [stdout, stderr]) {
    output.on("error", () => {
      exec.destroy();
      unread();
    });
  }
  exec.on("error", () => {});
  if (stdin !== undefined) {
    stdin.on("error", () => exec.end());
    stdin.pipe(exec);
  }
  try {
    if (isRaw) for await (const chunk of exec) await write(stdout, chunk);
    else {
      for await (const frames of framesOf(exec)) {
        for (const { stream, data } of frames)
          await write(stream === "stdout" ? stdout : stderr, data);
      }
    }
    for (const output of [stdout, stderr]) {
      output.end();
      await finished(output).catch(() => {});
    }
  } catch {
    // The connection is lost; what became of the command is asked elsewhere.
  }
  close();
}

function write(output: Writable, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    // `data` is a part of a buffer that nobody changes.
    output.write(data, (failed) => (failed ? reject(failed) : resolve()));
  });
}

function isFile(file: number): boolean {
  return fstatSync(file).isFile();
}

function reader(file: number): Readable {
  return new Socket({ fd: file, readable: true, writable: false });
}

function writer(file: number): Writable {
  if (isFile(file)) return createWriteStream("", { fd: file });
  return new Socket({ fd: file, readable: false, writable: true });
}
