/**
 * A small world around one agent's core and the custom executors it starts: their processes, which
 * keep what they were given, their streams, a disk and a master. A seed strikes all of it: the
 * agent dies before any effect, streams break, executors die, reports and their answers get lost.
 *
 * What it checks as it goes: 1. a task is given to its executor at most once in the executor's
 * life; 2. what its executor said of it is told in that order, and nothing after its end; 3. an
 * update is acknowledged to the executor only when it is on disk; 4. a task that is told as dropped
 * is in no executor's hands; 5. while an executor lives nobody else tells the end of its tasks.
 */
import type {
  ContainerId,
  RecoveredContainer,
} from "../../../agent/containerizer/containerizer.ts";
import { step } from "../../../agent/core/agent.ts";
import type { Effect } from "../../../agent/core/effect.ts";
import type { Input } from "../../../agent/core/input.ts";
import { containersToRecover } from "../../../agent/core/recovery.ts";
import { type StoredRows, tableNames } from "../../../agent/core/rows.ts";
import { type AgentState, newState, noRows } from "../../../agent/core/state.ts";
import type * as link from "../../../worker/protocol/link/messages.ts";
import { isTerminal } from "../../../worker/protocol/task-state.ts";
import type * as executor from "../../../worker/protocol/v1/executor.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { assert } from "../../../worker/std/assert.ts";
import { type Prng, prng } from "../../../worker/std/prng.ts";
import { AGENT_ID, exited, facts, framework, PID, setClock, task } from "./bench.ts";

/** A running program. */
interface Process {
  /** Of the stream that it reads; undefined: it has none. */
  connection: number | undefined;
  /** All it was given. */
  readonly given: Set<string>;
  /** Those of which no acknowledgement was heard. */
  readonly unacknowledged: Set<string>;
  readonly ended: Set<string>;
  /** What it said and has heard no acknowledgement of, oldest first. */
  updates: mesos.TaskStatus[];
  isTold: boolean;
}

const FRAMEWORK = framework("f1", "PARTITION_AWARE");
const key = (bytes: Uint8Array | undefined): string => String(bytes);

export class ExecutorWorld {
  crashes = 0;
  /** By task: the states that the master has heard first. */
  readonly told = new Map<string, mesos.TaskState[]>();
  /** By task: what its executor said, and was acknowledged. */
  readonly said = new Map<string, mesos.TaskState[]>();
  readonly #heard = new Set<string>();
  readonly #runs = new Map<string, bigint>();
  readonly #random: Prng;
  readonly #processes = new Map<ContainerId, Process>();
  readonly #disk = new Map<string, string>();
  #state: AgentState;
  #nowMs = 1_000_000;
  #faults = 0.03;
  #inputs: Input[] = [];
  #commands: (link.Command & { readonly number: bigint })[] = [];
  #volatile: link.Command[] = [];
  #pollFrom: bigint | undefined;
  #number = 0;
  #connection = 0;
  #uuid = 0;

  constructor(seed: number) {
    this.#random = prng(seed);
    this.#state = newState(facts, noRows);
    this.#take({ type: "RECOVERED", containers: [] });
  }

  happen(): void {
    const happenings = [
      () => this.#launch(),
      () => this.#kill(),
      () => this.#answerPoll(),
      () => this.#pass(this.#random.below(1_500)),
      () => this.#subscribe(),
      () => this.#break(),
      () => this.#speak(),
      () => this.#die(0.1),
      () => this.#takeOne(),
      () => this.#takeOne(),
    ];
    happenings[this.#random.below(happenings.length)]?.();
  }

  /** No more faults: executors end what they have, and then themselves. */
  settle(): void {
    this.#faults = 0;
    for (let round = 0; round < 400; round++) {
      while (this.#inputs.length > 0) this.#takeOne();
      this.#answerPoll();
      for (const [, process] of this.#processes)
        if (process.connection === undefined) this.#subscribe();
      this.#speak();
      if (round > 50) this.#die(1);
      this.#pass(1_000);
    }
  }

  get left(): number {
    const { run, update, executor } = this.#state;
    return run.size + update.size + executor.size + this.#processes.size;
  }

  #launch(): void {
    const number = ++this.#number;
    const info: mesos.ExecutorInfo = {
      ...{ type: "CUSTOM", executor_id: { value: `e${this.#random.below(2)}` } },
      command: { value: "x" },
    };
    const count = 1 + this.#random.below(2);
    const names = ["a", "b"].slice(0, count).map((letter) => `t${number}${letter}`);
    const tasks = names.map((name) => task(name, { command: undefined }));
    for (const name of names) this.#runs.set(name, BigInt(number));
    const [first] = tasks;
    const run_task_group = { framework: FRAMEWORK, executor: info, task_group: { tasks } };
    const isGroup = count > 1 || first === undefined;
    this.#commands.push({
      number: BigInt(number),
      ...(isGroup
        ? { type: "RUN_TASK_GROUP", run_task_group }
        : {
            type: "RUN_TASK",
            run_task: { framework: FRAMEWORK, task: { ...first, executor: info } },
          }),
    });
  }

  #kill(): void {
    const live = [...this.#runs].filter(([name]) => !this.#hasEnded(name));
    const [name, run_number] = live[this.#random.below(Math.max(live.length, 1))] ?? [];
    if (name === undefined || run_number === undefined) return;
    const kill_task = { framework_id: { value: "f1" }, task_id: { value: name }, run_number };
    this.#commands.push({ type: "KILL_TASK", number: BigInt(++this.#number), kill_task });
  }

  #hasEnded(name: string): boolean {
    return this.told.get(name)?.some(isTerminal) === true;
  }

  #subscribe(): void {
    for (const [containerId, process] of this.#processes) {
      if (process.connection !== undefined || process.isTold) continue;
      const connection = ++this.#connection;
      process.connection = connection;
      const taskIds = [...process.unacknowledged];
      const updates = [...process.updates];
      this.#inputs.push({
        type: "EXECUTOR_SUBSCRIBED",
        ...{ containerId, connection, taskIds, updates },
      });
    }
  }

  #break(): void {
    for (const [containerId, process] of this.#processes) {
      const { connection } = process;
      if (connection === undefined || this.#random.below(3) > 0) continue;
      process.connection = undefined;
      this.#inputs.push({ type: "EXECUTOR_DISCONNECTED", containerId, connection });
    }
  }

  /** Each says something of one of its tasks. */
  #speak(): void {
    for (const [containerId, process] of this.#processes) {
      const open = [...process.given].filter((name) => !process.ended.has(name));
      const name = open[this.#random.below(Math.max(open.length, 1))];
      if (name === undefined) continue;
      const state = this.#random.below(2) === 0 ? "TASK_RUNNING" : "TASK_FINISHED";
      this.#say(containerId, process, name, state);
    }
  }

  #say(containerId: ContainerId, process: Process, name: string, state: mesos.TaskState): void {
    const uuid = new Uint8Array(16);
    new DataView(uuid.buffer).setUint32(0, ++this.#uuid);
    const status: mesos.TaskStatus = {
      ...{ task_id: { value: name }, state, source: "SOURCE_EXECUTOR", uuid },
    };
    process.updates.push(status);
    if (isTerminal(state)) process.ended.add(name);
    if (process.connection === undefined) return;
    this.#inputs.push({ type: "EXECUTOR_UPDATE", containerId, status });
  }

  #die(chance: number): void {
    for (const containerId of [...this.#processes.keys()]) {
      if (this.#random.next() < chance) this.#end(containerId);
    }
  }

  #end(containerId: ContainerId): void {
    if (!this.#processes.delete(containerId)) return;
    this.#inputs.push({ type: "CONTAINER_ENDED", containerId, termination: exited(0) });
  }

  #answerPoll(): void {
    const from = this.#pollFrom;
    if (from === undefined) return;
    this.#pollFrom = undefined;
    this.#commands = this.#commands.filter(({ number }) => number > from);
    const commands = [...this.#commands, ...this.#volatile];
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

  #take(input: Input): void {
    const seed = this.#random.below(2 ** 31);
    const nowMs = this.#nowMs;
    const wallMs = setClock(nowMs, seed);
    const { changes, effects } = step(this.#state, { nowMs, wallMs, seed, input });
    if (this.#strikes()) {
      this.#crash();
      return;
    }
    for (const { table, key: id, after } of changes) {
      if (after === undefined) this.#disk.delete(`${table} ${id}`);
      else this.#disk.set(`${table} ${id}`, JSON.stringify(after));
    }
    for (const effect of effects) {
      if (this.#strikes()) {
        this.#crash();
        return;
      }
      this.#perform(effect);
    }
  }

  #crash(): void {
    this.crashes++;
    this.#inputs = [];
    this.#pollFrom = undefined;
    for (const process of this.#processes.values()) process.connection = undefined;
    const rows: Record<string, unknown[]> = {};
    for (const table of tableNames) rows[table] = [];
    for (const [name, text] of this.#disk) {
      rows[name.slice(0, name.indexOf(" "))]?.push(JSON.parse(text));
    }
    // Every row lies where its table's Change put it.
    this.#state = newState(facts, rows as unknown as StoredRows);
    const known = containersToRecover(this.#state).map(({ containerId }) => containerId);
    for (const containerId of this.#processes.keys()) {
      if (!known.includes(containerId)) this.#processes.delete(containerId);
    }
    const containers = known.map((containerId): RecoveredContainer => {
      if (this.#processes.has(containerId)) return { containerId, state: "RUNNING", pid: PID };
      return { containerId, state: "ENDED", termination: { kind: "LOST", message: "unknown" } };
    });
    this.#take({ type: "RECOVERED", containers });
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case "LAUNCH": {
        const { containerId } = effect;
        assert(!this.#processes.has(containerId), "an executor is started once");
        this.#processes.set(containerId, {
          ...{ connection: undefined, isTold: false, updates: [] },
          ...{ given: new Set(), unacknowledged: new Set(), ended: new Set() },
        });
        this.#inputs.push({ type: "CONTAINER_STARTED", containerId, pid: PID });
        return;
      }
      case "DESTROY":
        this.#end(effect.containerId);
        return;
      case "REMOVE":
        this.#processes.delete(effect.containerId);
        return;
      case "EXECUTOR_EVENT":
        this.#hear(effect);
        return;
      case "CLOSE_EXECUTOR_STREAM": {
        const process = this.#processes.get(effect.containerId);
        if (process?.connection === effect.connection) process.connection = undefined;
        return;
      }
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

  /** An event reaches the executor, if it still reads that stream. */
  #hear(effect: Effect & { readonly type: "EXECUTOR_EVENT" }): void {
    const { containerId, connection, event } = effect;
    const process = this.#processes.get(containerId);
    if (process?.connection !== connection) return;
    switch (event.type) {
      case "LAUNCH":
      case "LAUNCH_GROUP":
        for (const name of namesOf(event)) {
          assert(!process.given.has(name), `${name} is given once`);
          assert(!this.#hasEnded(name), `${name} has not ended when it is given`);
          process.given.add(name);
          process.unacknowledged.add(name);
        }
        return;
      case "KILL": {
        const name = event.kill?.task_id.value ?? "";
        assert(process.given.has(name), `${name} was given before it is killed`);
        if (!process.ended.has(name)) this.#say(containerId, process, name, "TASK_KILLED");
        return;
      }
      case "ACKNOWLEDGED":
        this.#acknowledged(process, event.acknowledged);
        return;
      case "SHUTDOWN":
        process.isTold = true;
        if (this.#random.below(2) === 0) this.#end(containerId);
        return;
      default:
        return;
    }
  }

  #acknowledged(process: Process, told: executor.EventAcknowledged | undefined): void {
    const found = process.updates.find(({ uuid }) => key(uuid) === key(told?.uuid));
    if (found === undefined) return;
    const name = found.task_id.value;
    const run = [...this.#disk].some(
      ([id, text]) => /^(run|completedRun) /.test(id) && JSON.parse(text).taskId === name,
    );
    assert(run, `${name} is on disk when an update of it is acknowledged`);
    process.updates = process.updates.filter((one) => one !== found);
    process.unacknowledged.delete(name);
    this.said.set(name, [...(this.said.get(name) ?? []), found.state]);
  }

  #report(report: Effect & { readonly type: "REPORT" }): void {
    const { reportNumber, updates } = report;
    const arrives = !this.#strikes();
    if (arrives) for (const update of updates) this.#told(update);
    const answered = arrives && !this.#strikes();
    this.#inputs.push({ type: answered ? "REPORT_DONE" : "REPORT_FAILED", reportNumber });
  }

  #told({ status, run_number }: link.StatusUpdate): void {
    const name = status.task_id.value;
    assert(run_number === this.#runs.get(name), "an update has the number of its command");
    if (!this.#heard.has(key(status.uuid))) {
      this.#heard.add(key(status.uuid));
      assert(!this.#hasEnded(name), `nothing follows the end of ${name}`);
      this.told.set(name, [...(this.told.get(name) ?? []), status.state]);
      const holder = [...this.#processes.values()].find(({ given }) => given.has(name));
      const isAgents = isTerminal(status.state) && status.source === "SOURCE_AGENT";
      assert(!isAgents || holder === undefined, `${name} is in its executor's hands`);
    }
    if (this.#strikes()) return;
    const ids = { framework_id: { value: "f1" }, task_id: status.task_id };
    const uuid = status.uuid ?? new Uint8Array();
    this.#volatile.push({ type: "ACKNOWLEDGE", acknowledge: { ...ids, uuid } });
  }

  #strikes(): boolean {
    return this.#random.next() < this.#faults;
  }
}

function namesOf({ launch, launch_group }: executor.Event): readonly string[] {
  const tasks = launch === undefined ? (launch_group?.task_group.tasks ?? []) : [launch.task];
  return tasks.map(({ task_id }) => task_id.value);
}
