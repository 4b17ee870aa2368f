/**
 * Pipes between the agent and a command: named ones that lose their names once both ends are open,
 * because Node can make no others. (What `child_process` calls a pipe is a socket, through which a
 * command cannot open /dev/stdout again.)
 *
 * 1. A command waits when nobody reads what it writes: a pipe takes 64 KiB and no more.
 * 2. Its input ends, and its writes fail, when the agent's ends are closed, however that happens.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, constants, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { StandardStreams } from "../../containerizer/containerizer.ts";
import { errnoOf } from "../errno.ts";

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants;

export interface CommandPipes {
  /** The command's ends; close them with `letGo` once it is launched. */
  readonly streams: StandardStreams;
  readonly stdin: Socket;
  readonly stdout: Socket;
  readonly stderr: Socket;
  letGo(): void;
}

/** The pipes of one command. `directory`: the agent's own. The error is a sentence. */
export async function openPipes(directory: string): Promise<Result<CommandPipes, string>> {
  const name = join(directory, `.pipe-${randomUUID()}`);
  const paths = { stdin: `${name}-in`, stdout: `${name}-out`, stderr: `${name}-err` };
  const made = await makeFifos(Object.values(paths));
  if (!made.ok) return made;
  const opened: number[] = [];
  const open = (path: string, flags: number): number => {
    const descriptor = openSync(path, flags);
    opened.push(descriptor);
    return descriptor;
  };
  try {
    // With both ends in one descriptor the ends of each kind open at once, in whatever order.
    const keepers = Object.values(paths).map((path) => open(path, O_RDWR));
    const streams = {
      stdin: open(paths.stdin, O_RDONLY),
      stdout: open(paths.stdout, O_WRONLY),
      stderr: open(paths.stderr, O_WRONLY),
    };
    const ends = {
      stdin: open(paths.stdin, O_WRONLY | O_NONBLOCK),
      stdout: open(paths.stdout, O_RDONLY | O_NONBLOCK),
      stderr: open(paths.stderr, O_RDONLY | O_NONBLOCK),
    };
    for (const keeper of keepers) closeSync(keeper);
    return ok({
      streams,
      stdin: new Socket({ fd: ends.stdin, readable: false, writable: true }),
      stdout: new Socket({ fd: ends.stdout, readable: true, writable: false }),
      stderr: new Socket({ fd: ends.stderr, readable: true, writable: false }),
      letGo: () => {
        for (const descriptor of Object.values(streams)) closeSync(descriptor);
      },
    });
  } catch (cause) {
    for (const descriptor of opened) closeSync(descriptor);
    return err(`cannot open pipes in ${directory}: ${errnoOf(cause)}`);
  } finally {
    for (const path of Object.values(paths)) rmSync(path, { force: true });
  }
}

/**
 * For everybody, in a directory that only the agent may enter: a command that runs as another user
 * reaches its own pipes through /dev/stdout.
 */
export function makeFifos(paths: readonly string[]): Promise<Result<void, string>> {
  return new Promise((resolve) => {
    execFile("mkfifo", ["-m", "666", ...paths], (error) => {
      resolve(error === null ? ok(undefined) : err(`cannot make a pipe: ${error.message.trim()}`));
    });
  });
}
