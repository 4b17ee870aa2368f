/**
 * The containers that clients launch through the agent's API, inside those of tasks or beside them.
 *
 * 1. A container ends at the latest with the one that it is in. 2. A session ends with the agent
 * process; the others outlive it, and are found again by their records. 3. The end of a container
 * is remembered until it is removed; of more than `ENDED_KEPT` the oldest is forgotten.
 */
import { realpathSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { Change } from "../../../worker/std/table.ts";
import {
  type ContainerId,
  type Containerizer,
  type ContainerRecord,
  type ContainerTermination,
  describeLaunchError,
  type LaunchError,
  type ResizeError,
  type TerminalSize,
} from "../../containerizer/containerizer.ts";
import { DEFAULT_PATH } from "../../core/container-spec.ts";
import type { ExecutorRow, RunRow } from "../../core/rows.ts";
import { isLive } from "../../core/runs.ts";
import type { Outward } from "../../outward/outward.ts";
import type { FetchCache } from "../fetcher/cache.ts";
import { fetchUris } from "../fetcher/fetcher.ts";
import { type ContainerChain, containerizerId, isWithin } from "./chain.ts";
import type { ClientContainer, ContainerCallError } from "./client-container.ts";
import type { TerminalInputs } from "./input.ts";
import { type LaunchPlan, planNested, planSession } from "./launch-plan.ts";
import { removeNestedSandbox } from "./nested-sandbox.ts";
import type { ClientContainerRecord, ClientContainerRecords } from "./records.ts";
import type { ContainerRequest } from "./request.ts";
import {
  findTaskContainer,
  isAlive,
  limitsOf,
  processesOf,
  type Surroundings,
  type SurroundingsOptions,
  surroundingsOf,
  type TaskContainer,
} from "./task-containers.ts";

/** Each costs a shell, a record and, as a session, three pipes. */
const ALIVE_MAX = 200;
const ENDED_KEPT = 200;

export interface ClientContainersOptions extends SurroundingsOptions {
  readonly containerizer: Containerizer;
  /** The agent's own: pipes are made there. */
  readonly metaDirectory: string;
  readonly inputs: TerminalInputs;
  readonly records: ClientContainerRecords;
  readonly outward: Outward;
  readonly fetchCache: FetchCache;
}

/** What is being made ready for its launch. */
interface Launching {
  readonly chain: ContainerChain;
  readonly cancel: AbortController;
}

export type FoundContainer =
  | TaskContainer
  | { readonly kind: "CLIENT"; readonly container: ClientContainer };

/** EXISTS: one of this name, whose launch this may be the repetition of. */
export type LaunchOutcome = Result<"LAUNCHED" | "EXISTS", ContainerCallError>;

export class ClientContainers {
  readonly #options: ClientContainersOptions;
  /** In the order of their launches. */
  readonly #containers = new Map<ContainerId, ClientContainer>();
  readonly #launching = new Map<ContainerId, Launching>();
  #remembered: ReadonlyMap<ContainerId, ClientContainerRecord> = new Map();

  constructor(options: ClientContainersOptions) {
    this.#options = options;
  }

  /** Those of an earlier agent process that may be alive, for the containerizer's recovery. */
  known(): readonly ContainerRecord[] {
    const { records, inputs, state } = this.#options;
    this.#remembered = records.readAll();
    const tasks = [...state.run.values()].map((run) => run.containerId);
    inputs.open(new Set([...this.#remembered.keys(), ...tasks]));
    return [...this.#remembered.keys()].map((id) => ({ containerId: id }));
  }

  /** After the containerizer's recovery of those, before any launch. */
  recovered(): void {
    for (const [id, record] of this.#remembered) {
      const { chain } = record;
      const { user, inside } = record;
      this.#watch({ ...record, id, user, inside, pipes: undefined });
      if (chain.length > 1 && this.find(chain.slice(0, -1)) === undefined) this.#destroy(id);
    }
    this.#remembered = new Map();
  }

  find(chain: ContainerChain): FoundContainer | undefined {
    const container = this.#containers.get(containerizerId(chain));
    if (container !== undefined) return { kind: "CLIENT", container };
    return findTaskContainer(this.#options.state, chain);
  }

  /** The task or executor that a container is in; undefined: it is beside all of them. */
  taskAround(chain: ContainerChain): RunRow | ExecutorRow | undefined {
    for (let length = chain.length; length > 0; length--) {
      const found = findTaskContainer(this.#options.state, chain.slice(0, length));
      if (found !== undefined) return found.kind === "TASK" ? found.run : found.row;
    }
    return undefined;
  }

  /** Those that live. */
  alive(): readonly ClientContainer[] {
    return [...this.#containers.values()].filter(({ termination }) => termination === undefined);
  }

  /** With a parent inside of it, else beside everything else, with resources of its own. */
  launch(chain: ContainerChain, request: ContainerRequest): Promise<LaunchOutcome> {
    return this.#launch(chain, request, (facts) => planNested(facts, this.#options.inputs));
  }

  /** Ends when `endSession` says so, or its command. */
  launchSession(chain: ContainerChain, request: ContainerRequest): Promise<LaunchOutcome> {
    return this.#launch(chain, request, (facts) => planSession(facts, this.#options.metaDirectory));
  }

  endSession(chain: ContainerChain): void {
    const container = this.#containers.get(containerizerId(chain));
    if (container?.pipes === undefined) return;
    this.#destroy(container.id);
    container.pipes.close();
  }

  /** Resolves when it has ended, at once when it has. */
  wait(chain: ContainerChain): Result<Promise<ContainerTermination>, ContainerCallError> {
    const found = this.find(chain);
    if (found?.kind === "CLIENT") return ok(found.container.ended);
    const id = found && processesOf(found);
    if (id !== undefined) return ok(this.#options.containerizer.wait(id));
    return err({ code: "CONTAINER_NOT_FOUND", chain });
  }

  /** `signal`: its number. To every process of the container. */
  async kill(chain: ContainerChain, signal: number): Promise<Result<void, ContainerCallError>> {
    const name = signalName(signal);
    if (name === undefined) return err({ code: "SIGNAL_UNKNOWN", signal });
    const launching = this.#launching.get(containerizerId(chain));
    if (launching !== undefined) {
      this.#cancel(launching);
      return ok(undefined);
    }
    const id = this.runningId(chain);
    if (!id.ok) return id;
    if (name === "SIGKILL" && this.#containers.has(id.value)) this.#destroy(id.value);
    // One that has ended this moment needs no signal any more.
    else await this.#options.containerizer.kill(id.value, name);
    return ok(undefined);
  }

  /** The containerizer's name of a container that runs. */
  runningId(chain: ContainerChain): Result<ContainerId, ContainerCallError> {
    const found = this.find(chain);
    if (found === undefined) return err({ code: "CONTAINER_NOT_FOUND", chain });
    if (found.kind === "CLIENT" && found.container.termination === undefined) {
      return ok(found.container.id);
    }
    const id = found.kind === "CLIENT" ? undefined : processesOf(found);
    return id === undefined ? err({ code: "CONTAINER_NOT_RUNNING", chain }) : ok(id);
  }

  /** Where it writes what no client reads; undefined: there is no such container. */
  sandboxOf(chain: ContainerChain): string | undefined {
    const found = this.find(chain);
    if (found === undefined) return undefined;
    if (found.kind === "CLIENT") return found.container.sandboxDirectory;
    return realpathSync(surroundingsOf(found, this.#options).sandboxDirectory);
  }

  resize(id: ContainerId, size: TerminalSize): Promise<Result<void, ResizeError>> {
    return this.#options.containerizer.resize(id, size);
  }

  /** One that is not known is as good as removed. */
  async remove(chain: ContainerChain): Promise<Result<void, ContainerCallError>> {
    const found = this.find(chain);
    if (found === undefined) return ok(undefined);
    if (found.kind !== "CLIENT") return err({ code: "CONTAINER_OF_TASK", chain });
    const { container } = found;
    if (container.termination === undefined) return err({ code: "CONTAINER_STILL_RUNS", chain });
    await this.#forget(container);
    if (container.pipes === undefined) await removeNestedSandbox(container.sandboxDirectory);
    return ok(undefined);
  }

  /** What is in containers of tasks and executors that have ended ends too. */
  observe(changes: readonly Change[]): void {
    for (const { table, before, after } of changes) {
      if (before === undefined) continue;
      // The row of a table is one of that table's rows.
      if (table === "run" && !(after !== undefined && isLive(after as RunRow))) {
        const { parentId, containerId } = before as RunRow;
        this.#options.inputs.remove(containerId);
        this.#endWithin(parentId === undefined ? [containerId] : [parentId, containerId]);
      }
      const executor = after as ExecutorRow | undefined;
      if (table === "executor" && executor?.stage !== "RUNNING") {
        this.#endWithin([(before as ExecutorRow).containerId]);
      }
    }
  }

  async #launch(
    chain: ContainerChain,
    request: ContainerRequest,
    plan: (facts: Parameters<typeof planNested>[0]) => ReturnType<typeof planNested>,
  ): Promise<LaunchOutcome> {
    const id = containerizerId(chain);
    if (this.find(chain) !== undefined || this.#launching.has(id)) return ok("EXISTS");
    if (this.alive().length + this.#launching.size >= ALIVE_MAX) {
      return err({ code: "TOO_MANY_CONTAINERS", limit: ALIVE_MAX });
    }
    const around = this.#surroundings(chain, request);
    if (!around.ok) return around;
    this.#launching.set(id, { chain, cancel: new AbortController() });
    try {
      const value = chain.at(-1) ?? "";
      const planned = await plan({ id, value, request, around: around.value });
      if (!planned.ok) return planned;
      return await this.#carryOut(chain, planned.value, request.uris);
    } finally {
      this.#launching.delete(id);
    }
  }

  async #carryOut(
    chain: ContainerChain,
    plan: LaunchPlan,
    uris: ContainerRequest["uris"],
  ): Promise<LaunchOutcome> {
    const { spec, pipes } = plan;
    const { containerId: id, environment, user, sandboxDirectory, inside } = spec;
    const hasTerminal = spec.terminal !== undefined;
    const record = { chain, environment, user, sandboxDirectory, hasTerminal, inside };
    const { records, containerizer } = this.#options;
    // A session does not outlive this process: the next one is to remove it.
    const written = pipes === undefined ? records.write(id, record) : ok(undefined);
    const fetched = written.ok ? await this.#fetch(plan, uris) : written;
    const launched = fetched.ok ? await containerizer.launch(spec) : fetched;
    plan.letGo();
    if (!launched.ok) {
      await plan.giveUp();
      records.remove(id);
      return err(launchFailed(launched.error));
    }
    this.#watch({ ...record, id, pipes });
    // What it is in may have ended while it was launched.
    if (chain.length > 1 && !this.#livesIn(chain.slice(0, -1))) this.#destroy(id);
    return ok("LAUNCHED");
  }

  /** Until somebody kills it, or the container that it is in ends. The error is a sentence. */
  async #fetch(
    { spec, fetch }: LaunchPlan,
    uris: ContainerRequest["uris"],
  ): Promise<Result<void, string>> {
    const signal = this.#launching.get(spec.containerId)?.cancel.signal;
    if (fetch === undefined || signal === undefined) return ok(undefined);
    const { workDirectory, outward, fetchCache: cache, taskDefaults: places } = this.#options;
    const { account, stderr } = fetch;
    const say = (line: string): void => void writeSync(stderr, `${line}\n`);
    const directory = spec.sandboxDirectory;
    const folders = { workDirectory, directory };
    const request = { uris, ...folders, account, signal, outward, cache, say, places };
    const fetched = await fetchUris(request);
    return signal.aborted ? err("it was killed while its URIs were fetched") : fetched;
  }

  #surroundings(
    chain: ContainerChain,
    request: ContainerRequest,
  ): Result<Surroundings, ContainerCallError> {
    const outer = chain.slice(0, -1);
    if (outer.length === 0) {
      if (request.resources.length === 0) return err({ code: "RESOURCES_MISSING", chain });
      return ok({
        inside: undefined,
        environment: { PATH: DEFAULT_PATH },
        user: undefined,
        users: this.#options.users,
        sandboxDirectory: this.#options.workDirectory,
        limits: limitsOf({ resources: request.resources, limits: request.limits }),
      });
    }
    const parent = this.find(outer);
    if (parent === undefined) return err({ code: "PARENT_NOT_FOUND", chain: outer });
    if (!this.#livesIn(outer)) return err({ code: "PARENT_NOT_RUNNING", chain: outer });
    if (parent.kind !== "CLIENT") return ok(surroundingsOf(parent, this.#options));
    const { environment, user, sandboxDirectory } = parent.container;
    const limits = limitsOf({});
    // One that shares a task's namespaces has none to enter.
    const inside = parent.container.inside ?? parent.container.id;
    const users = this.#usersIn(outer);
    return ok({ inside, environment, user, users, sandboxDirectory, limits });
  }

  /** Of what is in a container of a client's: those of the outermost one. */
  #usersIn(chain: ContainerChain): Surroundings["users"] {
    const outermost = this.find(chain.slice(0, 1));
    if (outermost === undefined || outermost.kind === "CLIENT") return this.#options.users;
    return surroundingsOf(outermost, this.#options).users;
  }

  #livesIn(chain: ContainerChain): boolean {
    const found = this.find(chain);
    if (found?.kind === "CLIENT") return found.container.termination === undefined;
    return found !== undefined && isAlive(found);
  }

  #watch(facts: Omit<ClientContainer, "ended" | "termination">): void {
    const ended = this.#options.containerizer.wait(facts.id);
    const container: ClientContainer = { ...facts, ended, termination: undefined };
    this.#containers.set(facts.id, container);
    void ended.then((termination) => {
      container.termination = termination;
      container.pipes?.stdin.destroy();
      this.#options.inputs.remove(facts.id);
      this.#endWithin(facts.chain);
      this.#forgetOldest();
    });
  }

  #endWithin(outer: ContainerChain): void {
    for (const launching of this.#launching.values()) {
      if (isWithin(launching.chain, outer)) this.#cancel(launching);
    }
    for (const { id, chain } of this.alive()) if (isWithin(chain, outer)) this.#destroy(id);
  }

  /** What it waits for is its URIs, or in the containerizer its image. */
  #cancel({ chain, cancel }: Launching): void {
    cancel.abort();
    this.#destroy(containerizerId(chain));
  }

  #destroy(id: ContainerId): void {
    // `wait` tells of its end.
    void this.#options.containerizer.destroy(id);
  }

  #forgetOldest(): void {
    const ended = [...this.#containers.values()].filter((each) => each.termination !== undefined);
    for (const container of ended.slice(0, -ENDED_KEPT)) void this.#forget(container);
  }

  async #forget({ id, pipes }: ClientContainer): Promise<void> {
    await this.#options.containerizer.remove(id);
    this.#options.records.remove(id);
    this.#containers.delete(id);
    pipes?.close();
  }
}

function launchFailed(error: LaunchError | string): ContainerCallError {
  if (typeof error === "string") return { code: "LAUNCH_FAILED", why: error, fault: "AGENT" };
  const ofClient = ["COMMAND_INVALID", "NOT_SUPPORTED", "VOLUME_REFUSED", "IMAGE_FAILED"];
  ofClient.push("USER_UNKNOWN", "USER_SWITCH_FORBIDDEN");
  const fault = ofClient.includes(error.code) ? "CLIENT" : "AGENT";
  return { code: "LAUNCH_FAILED", why: describeLaunchError(error), fault };
}

function signalName(signal: number): string | undefined {
  return Object.entries(constants.signals).find(([, number]) => number === signal)?.[0];
}
