/** Runs one of the machine's programs for the fetcher, as the task's user. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { Account } from "../../containerizer/supervisor/users.ts";
import { errnoOf } from "../errno.ts";

export interface ProgramOptions {
  readonly directory: string;
  /** Undefined: the agent's own. */
  readonly account: Account | undefined;
  /** Ends it with SIGTERM. */
  readonly signal: AbortSignal;
  /** A descriptor; undefined: nothing to read. */
  readonly stdin?: number;
  /** Variables besides. */
  readonly environment?: Readonly<Record<string, string>>;
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Of what it says on stderr, the end is kept. */
const STDERR_KEPT = 1_000;

/** `takes`: what becomes of stdout; its failure is the program's. The error is a clause. */
export async function runProgram(
  [file, ...argv]: readonly [string, ...string[]],
  { directory, account, signal, stdin, environment }: ProgramOptions,
  takes: (stdout: Readable) => Promise<Result<void, string>> = ignore,
): Promise<Result<void, string>> {
  const who = account === undefined ? {} : { uid: account.userId, gid: account.groupId };
  const child = spawn(file, argv, {
    cwd: directory,
    env: { ...environment, PATH, LC_ALL: "C" },
    stdio: [stdin ?? "ignore", "pipe", "pipe"],
    signal,
    ...who,
  });
  const ended = endOf(child, file);
  // It never came to be, and perhaps its pipes did not either.
  if (child.pid === undefined || child.stdout === null) return await ended;
  const taken = await takes(child.stdout);
  // Nobody reads on, so it would never end by itself.
  if (!taken.ok) child.kill("SIGTERM");
  const result = await ended;
  return taken.ok ? result : taken;
}

/** Each line of stdout, until one is objected to. */
export function eachLine(
  objection: (line: string) => string | undefined,
): (stdout: Readable) => Promise<Result<void, string>> {
  return async (stdout) => {
    for await (const line of createInterface({ input: stdout })) {
      const found = objection(line);
      if (found !== undefined) return err(found);
    }
    return ok(undefined);
  };
}

async function ignore(stdout: Readable): Promise<Result<void, string>> {
  stdout.resume();
  return ok(undefined);
}

function endOf(child: ChildProcess, file: string): Promise<Result<void, string>> {
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString("utf8")).slice(-STDERR_KEPT);
  });
  return new Promise((resolve) => {
    child.once("error", (cause) => {
      const errno = errnoOf(cause);
      const missing = errno === "ENOENT";
      resolve(err(missing ? `${file} is not installed on this agent` : `${file}: ${errno}`));
    });
    child.once("close", (code, signal) => {
      if (code === 0) return resolve(ok(undefined));
      const how = signal === null ? `exited with status ${code}` : `was ended by ${signal}`;
      const said = stderr.trim().split("\n").at(-1) ?? "";
      resolve(err(`${file} ${how}${said === "" ? "" : ` (${said})`}`));
    });
  });
}
