/**
 * Starts one supervisor and lets go of it. It stays up to the moment before the command: what is
 * alike for its kind of container is made, what is this container's own it waits to be told.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { Socket } from "node:net";
import { assert } from "../../../worker/std/assert.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { LaunchError, StandardStreams } from "../containerizer.ts";
import { errnoOf } from "./file-error.ts";
import type { HostTools } from "./host-tools.ts";
import { MACHINE_DESCRIPTOR } from "./instructions.ts";
import { COMMAND_FUNCTIONS, SUPERVISOR_SCRIPT } from "./script.ts";

/** What has to be known before it is started; two of one kind are as good as each other. */
export interface SupervisorKind {
  /** The argv that it is run by: into its namespaces. */
  readonly enter: readonly string[];
  /** A process id namespace is among them. */
  readonly hasInit: boolean;
  /** It gets the machine's root folder as a descriptor. */
  readonly seesMachine: boolean;
  /** What mount(8) can mount before, if that is wanted. */
  readonly mounts: { readonly program: string; readonly table: string } | undefined;
}

export interface SupervisorStart {
  readonly kind: SupervisorKind;
  readonly tools: HostTools;
  /** Path of its records without suffix. */
  readonly record: string;
  /** The command's. */
  readonly streams: Omit<StandardStreams, "stdin"> & { readonly stdin?: number };
  /** Become its descriptors 5, 6 and so on; absent: none. */
  readonly descriptors?: readonly number[];
}

const WORD_DESCRIPTOR = 9;
const FIRST_DESCRIPTOR = 5;

export class Supervisor {
  readonly pid: number;
  /** Resolves with how it ended, in words. */
  readonly ended: Promise<string>;
  /** Resolves when the command has begun, or never will: nobody reads any more. */
  readonly taken: Promise<void>;
  isGone = false;
  readonly #word: Socket;

  constructor(child: ChildProcess, pid: number, word: Socket) {
    this.pid = pid;
    this.#word = word;
    this.ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.isGone = true;
        resolve(signal ?? `status ${code}`);
      });
    });
    this.taken = new Promise((resolve) => word.once("close", () => resolve()));
    // It has gone: `ended` says so.
    word.on("error", () => {});
    word.write(COMMAND_FUNCTIONS);
    // So that its end is seen.
    word.resume();
    // A container never keeps the agent from ending.
    child.unref();
    word.unref();
  }

  /** Says something that more will follow. Resolves when it is done: true, or that it never is. */
  prepare(text: string): Promise<boolean> {
    // A line in answer, on the same socket.
    this.#word.write(`${text}echo prepared >&0\n`);
    const word = this.#word;
    return Promise.race([
      new Promise<boolean>((resolve) => word.once("data", () => resolve(true))),
      this.taken.then(() => false),
    ]);
  }

  /** The last word; nothing before it starts the command. */
  tell(text: string): void {
    this.#word.end(text);
  }

  /** Nothing is to be started. It ends by itself, as it does when the agent is killed. */
  dismiss(): void {
    this.#word.destroy();
  }
}

/**
 * The supervisor in a session of its own, with no descriptor of the agent's but those named here.
 */
export async function startSupervisor(
  start: SupervisorStart,
): Promise<Result<Supervisor, LaunchError>> {
  const { kind, streams } = start;
  const [file = start.tools.sh, ...argv] = supervisorArgv(start);
  let machine: number | undefined;
  let child: ChildProcess;
  try {
    if (kind.seesMachine) machine = openSync("/", "r");
    child = spawn(file, argv, {
      cwd: "/",
      detached: true,
      env: { LC_ALL: "C" },
      stdio: [
        streams.stdin ?? "ignore",
        streams.stdout,
        streams.stderr,
        // 3 and 4 are the supervisor's own.
        "ignore",
        "ignore",
        ...descriptorsFrom(FIRST_DESCRIPTOR, start.descriptors ?? [], machine),
        "pipe",
      ],
    });
  } catch (cause) {
    return err({ code: "SPAWN_FAILED", path: file, errno: errnoOf(cause) });
  } finally {
    if (machine !== undefined) closeSync(machine);
  }
  const spawned = child;
  if (spawned.pid === undefined) {
    const cause = await new Promise((resolve) => spawned.once("error", resolve));
    return err({ code: "SPAWN_FAILED", path: file, errno: errnoOf(cause) });
  }
  const word = Array.from<unknown>(spawned.stdio)[WORD_DESCRIPTOR];
  assert(word instanceof Socket, "node:child_process makes its pipes of sockets");
  return ok(new Supervisor(spawned, spawned.pid, word));
}

function supervisorArgv({ kind, tools, record }: SupervisorStart): readonly string[] {
  const { sh, env, setsid, envSignalOptions: signals } = tools;
  const shell = [setsid, sh, "-s", "rimrock-command"];
  const become = signals.length === 0 ? shell : [env, ...signals, ...shell];
  const init = kind.hasInit ? "init" : "";
  const script = ["-c", SUPERVISOR_SCRIPT, "rimrock-supervisor", record, init];
  return [...kind.enter, sh, ...script, ...become];
}

function descriptorsFrom(
  first: number,
  given: readonly number[],
  machine: number | undefined,
): readonly (number | "ignore")[] {
  const all = Array.from(
    { length: WORD_DESCRIPTOR - first },
    (_, index) => given[index] ?? "ignore",
  );
  assert(given.length <= all.length, "descriptors 5 to 8 are free");
  if (machine === undefined) return all;
  const at = MACHINE_DESCRIPTOR - first;
  assert(all[at] === "ignore", "what has mounts of its own joins at most three namespaces");
  return all.with(at, machine);
}
