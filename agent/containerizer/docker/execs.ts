/**
 * Commands inside a running Docker container, by the Engine's exec: they have the container's
 * namespaces, limits, user and loss of privileges. They live with this agent process; what an
 * earlier one started is ended by the next, since nobody can follow its output any more.
 */
import { closeSync } from "node:fs";
import { constants } from "node:os";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type {
  ContainerId,
  ContainerSpec,
  ContainerTermination,
  KillError,
  LaunchError,
  Launched,
  ResizeError,
  TerminalSize,
} from "../containerizer.ts";
import { signalProcess } from "../supervisor/isolation.ts";
import { openOutput } from "../supervisor/output.ts";
import { CONTAINER_MARK, ProcessTable, readMark } from "../supervisor/process-table.ts";
import { type Engine, type Json, number, objectOf, query, text } from "./engine.ts";
import type { DockerError } from "./errors.ts";
import { openStreams, passThrough } from "./exec-streams.ts";
import type { DockerRecords } from "./records.ts";

interface Exec {
  readonly execId: string;
  readonly inside: ContainerId;
  readonly hasTerminal: boolean;
  readonly ended: Promise<ContainerTermination>;
  isRunning: boolean;
  isDestroyed: boolean;
}

const POLL_MIN_MS = 25;
const POLL_MAX_MS = 1_000;
/** How long the command may take to appear. */
const APPEAR_TRIES = 40;
/** How long a stream may go on after its command, for what is still in it. */
const DRAIN_MS = 200;
const KILL_PAUSE_MS = 20;
const OUTER_END_TRIES = 8;

/** What the Engine gives all commands of a container alike. */
function refusalOf({ capabilities, processLimits }: ContainerSpec): LaunchError | undefined {
  const why = "a command in a Docker container has those of that container";
  if (capabilities !== undefined) return { code: "NOT_SUPPORTED", what: "capabilities", why };
  if (processLimits === undefined) return undefined;
  return { code: "NOT_SUPPORTED", what: "limits of its processes", why };
}

export class Execs {
  readonly #engine: Engine;
  readonly #records: DockerRecords;
  readonly #dockerIdOf: (id: ContainerId) => string | undefined;
  readonly #execs = new Map<ContainerId, Exec>();
  readonly #table = new ProcessTable();

  constructor(
    engine: Engine,
    records: DockerRecords,
    dockerIdOf: (id: ContainerId) => string | undefined,
  ) {
    this.#engine = engine;
    this.#records = records;
    this.#dockerIdOf = dockerIdOf;
  }

  has(id: ContainerId): boolean {
    return this.#execs.has(id);
  }

  async launch(spec: ContainerSpec, inside: ContainerId): Promise<Result<Launched, LaunchError>> {
    const { containerId: id } = spec;
    const dockerId = this.#dockerIdOf(inside);
    const refused = refusalOf(spec);
    if (refused !== undefined) return err(refused);
    if (this.has(id)) return err({ code: "CONTAINER_EXISTS", containerId: id });
    if (dockerId === undefined) {
      return err({ code: "CONTAINER_NOT_RUNNING", containerId: inside });
    }
    const reserved = this.#records.reserve(id, spec.sandboxDirectory, "INSIDE");
    if (!reserved.ok) return reserved;
    const started = await this.#start(spec, inside, dockerId);
    if (!started.ok) this.#records.remove(id);
    return started;
  }

  async #start(
    spec: ContainerSpec,
    inside: ContainerId,
    dockerId: string,
  ): Promise<Result<Launched, LaunchError>> {
    const { containerId: id } = spec;
    const created = await this.#json("POST", `/containers/${dockerId}/exec`, execBody(spec));
    if (!created.ok) return created;
    const execId = text(created.value.Id) ?? "";
    const streams = openSpecStreams(spec);
    if (!streams.ok) return streams;
    const opened = await this.#engine.hijack({
      method: "POST",
      path: `/exec/${execId}/start`,
      body: { Detach: false, Tty: spec.terminal !== undefined },
      operation: "run a command in the container",
    });
    if (!opened.ok) {
      streams.value.close();
      return opened;
    }
    if (spec.terminal !== undefined) await this.#resize(execId, spec.terminal);
    const isRaw = spec.terminal !== undefined;
    const unread = (): void => void this.kill(id, "SIGPIPE");
    const passed = passThrough(opened.value, streams.value, { isRaw, unread });
    const exec: Exec = {
      ...{ execId, inside, hasTerminal: isRaw, isRunning: true, isDestroyed: false },
      ended: this.#end(id, execId, { stream: opened.value, passed }),
    };
    this.#execs.set(id, exec);
    return ok({ pid: await this.#pidOf(exec) });
  }

  wait(id: ContainerId): Promise<ContainerTermination> | undefined {
    return this.#execs.get(id)?.ended;
  }

  async kill(id: ContainerId, signal: string): Promise<Result<void, KillError>> {
    const exec = this.#execs.get(id);
    const pids = exec?.isRunning === true ? await this.#processes(id) : [];
    if (pids.length === 0) return err({ code: "CONTAINER_NOT_RUNNING", containerId: id });
    for (const pid of pids) signalProcess(pid, signal);
    return ok(undefined);
  }

  async resize(id: ContainerId, size: TerminalSize): Promise<Result<void, ResizeError>> {
    const exec = this.#execs.get(id);
    if (exec?.isRunning !== true) return err({ code: "CONTAINER_NOT_RUNNING", containerId: id });
    const resized = exec.hasTerminal && (await this.#resize(exec.execId, size));
    return resized ? ok(undefined) : err({ code: "NO_TERMINAL", containerId: id });
  }

  async destroy(id: ContainerId): Promise<void> {
    const exec = this.#execs.get(id);
    if (exec === undefined) return;
    if (exec.isRunning) exec.isDestroyed = true;
    while (exec.isRunning) {
      for (const pid of await this.#processes(id)) signalProcess(pid, "SIGKILL");
      await Promise.race([exec.ended, sleep(KILL_PAUSE_MS, undefined, { ref: false })]);
    }
    await exec.ended;
  }

  async remove(id: ContainerId): Promise<void> {
    await this.destroy(id);
    this.#execs.delete(id);
    this.#records.remove(id);
  }

  /** Ends what an agent process that is gone ran inside a container. */
  async endStray(id: ContainerId): Promise<void> {
    for (const pid of await this.#processes(id)) signalProcess(pid, "SIGKILL");
  }

  /** What lives in a container ends at the latest with it. */
  async destroyInside(outer: ContainerId): Promise<void> {
    const inner = [...this.#execs].filter(([, exec]) => exec.inside === outer);
    await Promise.all(inner.map(([id]) => this.destroy(id)));
  }

  /** Every process with the mark, and what descends from one. */
  async #processes(id: ContainerId): Promise<readonly number[]> {
    const all = await this.#table.snapshot();
    const family = new Set(all.flatMap(({ pid }) => (readMark(pid) === id ? [pid] : [])));
    for (let size = -1; size !== family.size; ) {
      size = family.size;
      for (const { pid, parentPid } of all) if (family.has(parentPid)) family.add(pid);
    }
    return [...family];
  }

  async #end(
    id: ContainerId,
    execId: string,
    { stream, passed }: { readonly stream: Duplex; readonly passed: Promise<void> },
  ): Promise<ContainerTermination> {
    // What a command leaves behind may hold its streams open: both are watched.
    const wake = passed.then(() => undefined);
    let termination: ContainerTermination | undefined;
    for (let pauseMs = POLL_MIN_MS; termination === undefined; ) {
      await Promise.race([wake, sleep(pauseMs, undefined, { ref: false })]);
      termination = await this.#ended(id, execId);
      pauseMs = Math.min(2 * pauseMs, POLL_MAX_MS);
      if (termination === undefined) await sleep(POLL_MIN_MS, undefined, { ref: false });
    }
    await Promise.race([wake, sleep(DRAIN_MS, undefined, { ref: false })]);
    stream.destroy();
    for (const pid of await this.#processes(id)) signalProcess(pid, "SIGKILL");
    const exec = this.#execs.get(id);
    if (exec !== undefined) exec.isRunning = false;
    return termination;
  }

  /** Undefined: it runs, or Docker is away. */
  async #ended(id: ContainerId, execId: string): Promise<ContainerTermination | undefined> {
    const found = await this.#json("GET", `/exec/${execId}/json`);
    if (!found.ok && found.error.code === "DOCKER_REFUSED") {
      return { kind: "LOST", message: "Docker ended the command with its container" };
    }
    const code = found.ok ? number(found.value.ExitCode) : undefined;
    if (!found.ok || found.value.Running !== false || code === undefined) return undefined;
    if (code === 128 + constants.signals.SIGKILL && (await this.#wasKilled(id))) {
      return { kind: "SIGNALED", signal: "SIGKILL", waitStatus: constants.signals.SIGKILL };
    }
    return { kind: "EXITED", code, waitStatus: (code & 0xff) << 8 };
  }

  /** By the agent, or with its container. Docker tells it as an exit with that status. */
  async #wasKilled(id: ContainerId): Promise<boolean> {
    const exec = this.#execs.get(id);
    if (exec === undefined || exec.isDestroyed) return true;
    // The container's own end is noticed a moment after those of what was in it.
    for (let tries = 0; tries < OUTER_END_TRIES; tries++) {
      const outer = this.#dockerIdOf(exec.inside);
      if (outer === undefined) return true;
      const found = await this.#json("GET", `/containers/${outer}/json`);
      if (!found.ok || objectOf(found.value.State).Running !== true) return true;
      await sleep(POLL_MIN_MS, undefined, { ref: false });
    }
    return false;
  }

  /** 0: it has ended by now. */
  async #pidOf(exec: Exec): Promise<number> {
    for (let tries = 0; tries < APPEAR_TRIES; tries++) {
      const found = await this.#json("GET", `/exec/${exec.execId}/json`);
      const pid = found.ok ? (number(found.value.Pid) ?? 0) : 0;
      if (pid > 0 || !exec.isRunning || !found.ok || number(found.value.ExitCode) !== undefined) {
        return pid;
      }
      await sleep(POLL_MIN_MS, undefined, { ref: false });
    }
    return 0;
  }

  /** A command that Docker is just starting has no terminal yet. */
  async #resize(execId: string, { rows, columns }: TerminalSize): Promise<boolean> {
    const size = query({ h: String(rows), w: String(columns) });
    for (let tries = 0; tries < APPEAR_TRIES; tries++) {
      if ((await this.#json("POST", `/exec/${execId}/resize${size}`)).ok) return true;
      await sleep(POLL_MIN_MS, undefined, { ref: false });
    }
    return false;
  }

  #json(method: "GET" | "POST", path: string, body?: Json): Promise<Result<Json, DockerError>> {
    const operation = "run a command in the container";
    return this.#engine.json({ method, path, operation, ...(body !== undefined && { body }) });
  }
}

function execBody(spec: ContainerSpec): Json {
  const { command, environment, containerId, streams, terminal } = spec;
  const all = { ...environment, [CONTAINER_MARK]: containerId };
  return {
    Cmd: command.shell
      ? ["/bin/sh", "-c", command.value]
      : [command.value, ...command.arguments.slice(1)],
    Env: Object.entries(all).map(([name, value]) => `${name}=${value}`),
    AttachStdin: streams !== undefined,
    ...{ AttachStdout: true, AttachStderr: true },
    Tty: terminal !== undefined,
    // Engines that do not know it are told by a resize.
    ...(terminal !== undefined && { ConsoleSize: [terminal.rows, terminal.columns] }),
  };
}

function openSpecStreams(spec: ContainerSpec) {
  if (spec.streams !== undefined) return openStreams(spec.streams);
  const output = openOutput(spec.sandboxDirectory, undefined);
  if (!output.ok) return output;
  const opened = openStreams(output.value);
  for (const file of Object.values(output.value)) closeSync(file);
  return opened;
}
