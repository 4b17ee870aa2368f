/**
 * A small world around one agent's core: a disk, a containerizer, a master and the link between
 * them, all of which may be struck by a seed. The process can die before any effect; reports and
 * acknowledgements get lost, come late or twice.
 *
 * What it checks as it goes: 1. a run's container is launched at most once; 2. a terminal update is
 * made only when the container is gone; 3. the updates of a run reach the master in the order of a
 * task's life, STARTING first where the container came to be; 4. nothing is said of a run before
 * its container has started.
 */
import type {
  ContainerId,
  ContainerTermination,
  RecoveredContainer,
} from "../../../agent/containerizer/containerizer.ts";
import { step } from "../../../agent/core/agent.ts";
import type { Effect } from "../../../agent/core/effect.ts";
import type { Input } from "../../../agent/core/input.ts";
import { type StoredRows, tableNames } from "../../../agent/core/rows.ts";
import { type AgentState, newState, noRows } from "../../../agent/core/state.ts";
import type * as link from "../../../worker/protocol/link/messages.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { assert } from "../../../worker/std/assert.ts";
import { type Prng, prng } from "../../../worker/std/prng.ts";
import {
  AGENT_ID,
  exited,
  facts,
  framework,
  PID,
  setClock,
  signaled,
  task,
  volume,
} from "./bench.ts";

const LIFE: readonly mesos.TaskState[] = ["TASK_STARTING", "TASK_RUNNING", "TASK_KILLING"];

/** Chances per choice, 0 to 1. */
export interface Faults {
  readonly crash: number;
  readonly lostReport: number;
  readonly lostAcknowledgement: number;
}

interface Container {
  termination: ContainerTermination | undefined;
}

interface MasterRun {
  readonly runNumber: number;
  /** States in the order they first arrived. */
  readonly states: mesos.TaskState[];
  readonly uuids: Set<string>;
}

/** Nobody has written to the volume. */
const EMPTY = 0;

const FRAMEWORK = framework("f1", "TASK_KILLING_STATE");

export class CrashWorld {
  /** By the task's id: none is used twice. */
  readonly runs = new Map<string, MasterRun>();
  /** Executors whose exit the master has not heard since it last launched a group of theirs. */
  readonly liveExecutors = new Set<string>();
  crashes = 0;
  /** Directories of volumes on the agent's disk, each with the making whose tasks wrote to it. */
  readonly volumes = new Map<string, number>();
  /** Volumes as the master has decided, each with the number of its making. */
  readonly wantedVolumes = new Map<string, number>();
  /** Makings whose tasks wrote something. */
  readonly #written = new Set<number>();
  /** By task: the volume that it has. */
  readonly #volumeOf = new Map<string, { readonly id: string; readonly making: number }>();
  readonly #random: Prng;
  readonly #containers = new Map<ContainerId, Container>();
  /** What is being fetched for: a failure, or the next step. */
  readonly #fetching = new Set<ContainerId>();
  /** Tasks of which a container was ever made. */
  readonly #launched = new Set<string>();
  #faults: Faults;
  #state: AgentState;
  /** Rows as JSON, by table and key. */
  readonly #disk = new Map<string, string>();
  #nowMs = 1_000_000;
  #inputs: Input[] = [];
  #commands: (link.Command & { readonly number: bigint })[] = [];
  #volatile: link.Command[] = [];
  #pollFrom: bigint | undefined;
  #number = 0;

  constructor(seed: number, faults: Faults) {
    this.#random = prng(seed);
    this.#faults = faults;
    this.#state = newState(facts, noRows);
    this.#take({ type: "RECOVERED", containers: [] });
  }

  /** One random thing happens. */
  happen(): void {
    switch (this.#random.below(8)) {
      case 0:
        this.#launchTask();
        return;
      case 1:
        this.#killTask();
        return;
      case 2:
        this.#endContainer();
        this.#endFetch();
        return;
      case 3:
        this.#answerPoll();
        return;
      case 4:
        this.#pass(this.#random.below(20_000));
        return;
      case 5:
        this.#operate();
        return;
      case 6:
        if (this.#random.below(20) === 0) this.#drain();
        else this.#launchGroup();
        return;
      default:
        this.#takeOne();
    }
  }

  /** No more faults: everything that was begun comes to its end. */
  settle(): void {
    this.#faults = { crash: 0, lostReport: 0, lostAcknowledgement: 0 };
    for (let round = 0; round < 200; round++) {
      for (const container of this.#containers.values()) this.#end(container, exited(0));
      this.#endFetch();
      while (this.#inputs.length > 0) this.#takeOne();
      this.#answerPoll();
      this.#pass(30_000);
      if (this.left.rows + this.#inputs.length === 0 && this.#isAcknowledged()) return;
    }
  }

  /** What the agent still holds; nothing is left once everything has settled. */
  get left(): {
    readonly rows: number;
    readonly containers: number;
  } {
    const { run, update, volumeRemoval, executor, drain } = this.#state;
    const tables = [run, update, volumeRemoval, executor, drain];
    const rows = tables.reduce((sum, { size }) => sum + size, 0);
    return { rows, containers: this.#containers.size };
  }

  #isAcknowledged(): boolean {
    const last = this.#commands.at(-1)?.number ?? 0n;
    return this.#pollFrom !== undefined && this.#pollFrom >= last;
  }

  #launchTask(): void {
    const number = ++this.#number;
    const info = this.#newTask(`t${number}`, number);
    const [id, making] = [...this.wantedVolumes][this.#random.below(4)] ?? [];
    if (id !== undefined && making !== undefined) {
      this.#volumeOf.set(info.task_id.value, { id, making });
    }
    const resources = id === undefined ? [] : [volume(id)];
    const run_task = { framework: FRAMEWORK, task: { ...info, resources } };
    this.#commands.push({ type: "RUN_TASK", number: BigInt(number), run_task });
  }

  /** One to three tasks of one of two executors. */
  #launchGroup(): void {
    const number = ++this.#number;
    const executorId = `e${this.#random.below(2)}`;
    const count = 1 + this.#random.below(3);
    const names = ["a", "b", "c"].slice(0, count).map((letter) => `t${number}${letter}`);
    const run_task_group = {
      framework: FRAMEWORK,
      executor: { type: "DEFAULT", executor_id: { value: executorId } } as const,
      task_group: { tasks: names.map((name) => this.#newTask(name, number)) },
    };
    this.liveExecutors.add(executorId);
    this.#commands.push({ type: "RUN_TASK_GROUP", number: BigInt(number), run_task_group });
  }

  #newTask(taskId: string, runNumber: number): mesos.TaskInfo {
    this.runs.set(taskId, { runNumber, states: [], uuids: new Set() });
    const uris = this.#random.below(3) === 0 ? [{ value: "http://x/y" }] : [];
    return task(taskId, { command: { value: "true", uris } });
  }

  #killTask(): void {
    const live = [...this.runs].filter(
      ([, run]) => !run.states.some((state) => !LIFE.includes(state)),
    );
    const chosen = live[this.#random.below(Math.max(live.length, 1))];
    if (chosen === undefined) return;
    const [taskId, run] = chosen;
    const kill_task = {
      framework_id: { value: "f1" },
      task_id: { value: taskId },
      run_number: BigInt(run.runNumber),
    };
    this.#commands.push({ type: "KILL_TASK", number: BigInt(++this.#number), kill_task });
  }

  #drain(): void {
    const config = { max_grace_period: { nanoseconds: 1_000_000_000n } };
    this.#commands.push({ type: "DRAIN", number: BigInt(++this.#number), drain: { config } });
  }

  /** A volume is created or destroyed; whoever finds one writes to it. */
  #operate(): void {
    const number = ++this.#number;
    const id = `v${this.#random.below(3)}`;
    const creates = !this.wantedVolumes.has(id);
    if (!creates && this.#isUsed(id)) return;
    if (creates) this.wantedVolumes.set(id, number);
    else this.wantedVolumes.delete(id);
    const apply_operation = {
      operation_uuid: new Uint8Array(16),
      info: creates
        ? ({ type: "CREATE", create: { volumes: [volume(id)] } } as const)
        : ({ type: "DESTROY", destroy: { volumes: [volume(id)] } } as const),
    };
    this.#commands.push({ type: "APPLY_OPERATION", number: BigInt(number), apply_operation });
  }

  /** By a task of which the master has not heard the end. */
  #isUsed(id: string): boolean {
    return [...this.#volumeOf].some(([taskId, held]) => {
      const last = this.runs.get(taskId)?.states.at(-1);
      return held.id === id && (last === undefined || LIFE.includes(last));
    });
  }

  #endFetch(): void {
    for (const containerId of this.#fetching) {
      this.#fetching.delete(containerId);
      const fails = this.#random.below(4) === 0;
      this.#inputs.push(
        fails
          ? { type: "LAUNCH_FAILED", containerId, message: "HTTP 404" }
          : { type: "FETCHED", containerId },
      );
    }
  }

  #endContainer(): void {
    const all = [...this.#containers.values()];
    const chosen = all[this.#random.below(Math.max(all.length, 1))];
    if (chosen !== undefined) this.#end(chosen, exited(this.#random.below(2)));
  }

  #end(container: Container, termination: ContainerTermination): void {
    if (container.termination !== undefined) return;
    container.termination = termination;
    for (const [containerId, one] of this.#containers) {
      if (one !== container) continue;
      this.#inputs.push({ type: "CONTAINER_ENDED", containerId, termination });
    }
  }

  /** Every command that is not acknowledged, then the volatile ones. */
  #answerPoll(): void {
    const from = this.#pollFrom;
    if (from === undefined) return;
    this.#pollFrom = undefined;
    this.#commands = this.#commands.filter(({ number }) => number > from);
    // The total is what the agent has after all that is on its way.
    const resources = [...this.wantedVolumes.keys()].map((id) => volume(id));
    const numbered = this.#commands.map((command) =>
      command.apply_operation === undefined
        ? command
        : { ...command, apply_operation: { ...command.apply_operation, resources } },
    );
    const commands = [...numbered, ...this.#volatile];
    this.#volatile = [];
    this.#inputs.push({ type: "COMMANDS", commands });
  }

  #pass(ms: number): void {
    this.#nowMs += ms;
    const { timerMs } = this.#state;
    if (timerMs !== undefined && timerMs <= this.#nowMs) this.#take({ type: "TIMER_DUE" });
  }

  #takeOne(): void {
    const input = this.#inputs.shift();
    if (input !== undefined) this.#take(input);
  }

  /**
   * A step, its commit, its effects: the process may die before the commit and before each effect.
   */
  #take(input: Input): void {
    const seed = this.#random.below(2 ** 31);
    const nowMs = this.#nowMs;
    const wallMs = setClock(nowMs, seed);
    const { changes, effects } = step(this.#state, { nowMs, wallMs, seed, input });
    if (this.#strikes(this.#faults.crash)) {
      this.#crash();
      return;
    }
    for (const { table, key, after } of changes) {
      if (after === undefined) this.#disk.delete(`${table} ${key}`);
      else this.#disk.set(`${table} ${key}`, JSON.stringify(after));
    }
    this.#checkTerminals();
    for (const effect of effects) {
      if (this.#strikes(this.#faults.crash)) {
        this.#crash();
        return;
      }
      this.#perform(effect);
    }
  }

  #crash(): void {
    this.crashes++;
    this.#inputs = [];
    this.#fetching.clear();
    this.#pollFrom = undefined;
    const rows = this.#rows();
    this.#state = newState(facts, rows);
    const containers: RecoveredContainer[] = [];
    for (const { containerId, stage } of rows.run) {
      if (stage.state !== "ENDED" && stage.state !== "FETCHING")
        containers.push(this.#recovered(containerId));
    }
    // The containerizer sweeps what nobody asks for.
    const known = new Set(containers.map(({ containerId }) => containerId));
    for (const containerId of [...this.#containers.keys()]) {
      if (!known.has(containerId)) this.#containers.delete(containerId);
    }
    this.#take({ type: "RECOVERED", containers });
  }

  #rows(): StoredRows {
    const rows: Record<string, unknown[]> = {};
    for (const table of tableNames) rows[table] = [];
    for (const [name, text] of this.#disk) {
      rows[name.slice(0, name.indexOf(" "))]?.push(JSON.parse(text));
    }
    // Every row lies where its table's Change put it.
    return rows as unknown as StoredRows;
  }

  #recovered(containerId: ContainerId): RecoveredContainer {
    const container = this.#containers.get(containerId);
    if (container === undefined) {
      return { containerId, state: "ENDED", termination: { kind: "LOST", message: "unknown" } };
    }
    const { termination } = container;
    if (termination === undefined) return { containerId, state: "RUNNING", pid: PID };
    return { containerId, state: "ENDED", termination };
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "LAUNCH": {
        const row = this.#state.run.get(effect.containerId);
        assert(row !== undefined, "what is launched is written down");
        assert(row.status === undefined, "nothing is said of it before its launch");
        assert(!this.#launched.has(row.taskId), `${row.taskId} is launched once`);
        this.#launched.add(row.taskId);
        this.#writeToVolume(row.taskId);
        this.#containers.set(effect.containerId, { termination: undefined });
        const { containerId } = effect;
        this.#inputs.push({ type: "CONTAINER_STARTED", containerId, pid: PID });
        return;
      }
      case "TERMINATE":
        if (this.#random.below(2) === 0) this.#signal(effect.containerId, signaled("SIGTERM", 15));
        return;
      case "DESTROY":
        this.#signal(effect.containerId, signaled("SIGKILL", 9));
        return;
      case "REMOVE":
        this.#containers.delete(effect.containerId);
        return;
      case "FETCH":
        assert(!this.#launched.has(effect.task.task_id.value), "what runs is not fetched for");
        this.#fetching.add(effect.containerId);
        return;
      case "CANCEL_FETCH":
        this.#fetching.delete(effect.containerId);
        return;
      case "MAKE_VOLUME":
        this.#makeVolume(effect.volume.persistenceId);
        return;
      case "REMOVE_VOLUME":
        this.volumes.delete(effect.volume.persistenceId);
        this.#inputs.push({ type: "VOLUME_REMOVED", volume: effect.volume });
        return;
      case "REGISTER":
        this.#inputs.push({ type: "REGISTERED", agentId: AGENT_ID });
        return;
      case "POLL":
        this.#pollFrom = effect.acknowledgedCommand;
        return;
      case "REPORT":
        this.#report(effect);
        return;
      default:
        return;
    }
  }

  #makeVolume(id: string): void {
    if (!this.volumes.has(id)) this.volumes.set(id, EMPTY);
  }

  /** A task finds what those before it wrote to the same volume, and nothing else. */
  #writeToVolume(taskId: string): void {
    const held = this.#volumeOf.get(taskId);
    if (held === undefined) return;
    const { id, making } = held;
    this.#makeVolume(id);
    const found = this.volumes.get(id);
    const expected = this.#written.has(making) ? making : EMPTY;
    assert(found === expected, `${taskId} finds ${found} in making ${expected} of ${id}`);
    this.volumes.set(id, making);
    this.#written.add(making);
  }

  #signal(containerId: ContainerId, termination: ContainerTermination): void {
    const container = this.#containers.get(containerId);
    if (container !== undefined) this.#end(container, termination);
  }

  /** The report arrives or not, and its answer arrives or not. */
  #report(report: Effect & { readonly type: "REPORT" }): void {
    const { reportNumber, updates, executorExits } = report;
    const arrives = !this.#strikes(this.#faults.lostReport);
    if (arrives) {
      for (const update of updates) this.#hear(update);
      for (const { executor_id } of executorExits) this.liveExecutors.delete(executor_id.value);
    }
    const answered = arrives && !this.#strikes(this.#faults.lostReport);
    this.#inputs.push({ type: answered ? "REPORT_DONE" : "REPORT_FAILED", reportNumber });
  }

  #hear({ status, run_number }: link.StatusUpdate): void {
    const run = this.runs.get(status.task_id.value);
    const uuid = status.uuid;
    assert(run !== undefined && uuid !== undefined, "an update names its run and has a uuid");
    assert(run_number === BigInt(run.runNumber), "an update has the number of its command");
    if (!run.uuids.has(String(uuid))) {
      run.uuids.add(String(uuid));
      const last = run.states.at(-1);
      const mayBeFirst = status.state === "TASK_STARTING" || !LIFE.includes(status.state);
      assert(last !== undefined || mayBeFirst, `${status.state} comes first`);
      assert(last === undefined || LIFE.includes(last), `nothing follows ${last}`);
      const rank = LIFE.indexOf(status.state);
      assert(
        rank < 0 || rank > LIFE.indexOf(last ?? "TASK_STAGING"),
        `${last} then ${status.state}`,
      );
      run.states.push(status.state);
    }
    if (this.#strikes(this.#faults.lostAcknowledgement)) return;
    const acknowledge = { framework_id: { value: "f1" }, task_id: status.task_id, uuid };
    this.#volatile.push({ type: "ACKNOWLEDGE", acknowledge });
  }

  #checkTerminals(): void {
    for (const { stage, containerId, taskId } of this.#state.run.values()) {
      const container = this.#containers.get(containerId);
      const gone = container === undefined || container.termination !== undefined;
      assert(stage.state !== "ENDED" || gone, `${taskId} has ended, and its container too`);
    }
  }

  #strikes(chance: number): boolean {
    return this.#random.next() < chance;
  }
}
