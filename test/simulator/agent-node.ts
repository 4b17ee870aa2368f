/**
 * An agent's process around the real core: commits, then effects; it crashes between any two of
 * them and starts again on the same machine. It does what `agent/shell/agent-runner.ts` does, on
 * virtual time.
 */
import type { ContainerId } from "../../agent/containerizer/containerizer.ts";
import { step } from "../../agent/core/agent.ts";
import { agentCapabilities } from "../../agent/core/capabilities.ts";
import type { Effect } from "../../agent/core/effect.ts";
import type { Input } from "../../agent/core/input.ts";
import { defaultExecutorTimes } from "../../agent/core/limits.ts";
import { totalResources } from "../../agent/core/operations.ts";
import { containersToRecover } from "../../agent/core/recovery.ts";
import { tableNames } from "../../agent/core/rows.ts";
import { isLive } from "../../agent/core/runs.ts";
import { type AgentState, newState, save } from "../../agent/core/state.ts";
import type { RelayId } from "../../worker/protocol/ids.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { equals } from "../../worker/resources/algebra.ts";
import { parseResources } from "../../worker/resources/parse.ts";
import type { Resources } from "../../worker/resources/resource.ts";
import { unreachable } from "../../worker/std/assert.ts";
import type { Change } from "../../worker/std/table.ts";
import { AgentLink } from "./agent-link.ts";
import type { Timer } from "./clock.ts";
import type { AgentDoor } from "./executor-program.ts";
import { Machine, pidOf } from "./machine.ts";
import type { MasterNode } from "./master-node.ts";
import type { RelayNode } from "./relay-node.ts";
import { runKey } from "./truth.ts";
import { Violation, type World } from "./world.ts";

interface Process {
  readonly state: AgentState;
  readonly link: AgentLink;
  queue: Input[];
  timer: Timer | undefined;
}

export class AgentNode {
  readonly name: string;
  readonly machine: Machine;
  readonly #world: World;
  readonly #master: MasterNode;
  readonly #relay: (id: RelayId) => RelayNode;
  readonly #info: mesos.AgentInfo;
  #process: Process | undefined;
  #sessions = 0;
  #streams = 0;
  #cutUntilMs = 0;

  constructor(
    world: World,
    {
      name,
      info,
      master,
      relay,
    }: {
      readonly name: string;
      readonly info: mesos.AgentInfo;
      readonly master: MasterNode;
      readonly relay: (id: RelayId) => RelayNode;
    },
  ) {
    this.name = name;
    this.machine = new Machine(world, name);
    this.#world = world;
    this.#master = master;
    this.#relay = relay;
    this.#info = info;
    this.#start();
  }

  /** Once a second while faults occur. */
  tick(): void {
    const { clock } = this.#world;
    if (!this.isCut() && this.#world.fault("partitioned")) {
      const shortMs = this.#world.between("partition", 1_000, 120_000);
      // Some networks are away for an hour, and some machines asleep.
      const isLong = this.#world.dice("longPartition").below(4) === 0;
      const forMs = isLong ? 30 * shortMs : shortMs;
      this.#cutUntilMs = clock.nowMs + forMs;
      this.#world.trace(this.name, () => `is cut off for ${forMs} ms`);
    }
  }

  isCut(): boolean {
    return this.#world.clock.nowMs < this.#cutUntilMs;
  }

  /** Undefined before it knows it. */
  get id(): string | undefined {
    return this.#process?.state.agent.get("agent")?.id;
  }

  /** What still has to be done, in a few words; undefined = nothing. */
  unfinished(): string | undefined {
    const state = this.#process?.state;
    if (state === undefined) return `${this.name} is down`;
    if (state.link.state === "UNREGISTERED") return `${this.name} is not registered`;
    const row = this.#master.state.tables.agent.get(this.id ?? "");
    if (row?.connection.state !== "CONNECTED") return `${this.name} is not CONNECTED`;
    const [running] = this.machine.running();
    if (running !== undefined) return `${this.name} runs run ${running}`;
    const [run] = state.run.values();
    if (run !== undefined) return `${this.name} has run ${run.runNumber} ${run.stage.state}`;
    const [update] = state.update.values();
    if (update !== undefined) return `${this.name} has update ${update.taskId} ${update.state}`;
    const [executor] = state.executor.values();
    if (executor !== undefined) {
      return `${this.name} has executor ${executor.executorId} ${executor.stage}`;
    }
    if (!this.#remembers(row.total)) return `${this.name} has another total than the master`;
    const [removal] = state.volumeRemoval.values();
    if (removal !== undefined) return `${this.name} has volume ${removal.persistenceId} to remove`;
    return undefined;
  }

  /** Before the first operation there is nothing to remember. */
  #remembers(total: Resources): boolean {
    const state = this.#process?.state;
    const own = state === undefined ? undefined : totalResources(state);
    if (own === undefined) return true;
    const parsed = parseResources(own);
    return parsed.ok && equals(parsed.value, total);
  }

  #start(): void {
    const rows = this.machine.rows();
    const sessionId = `${this.name}.${++this.#sessions}`;
    const facts = {
      agentInfo: this.#info,
      ip: "10.0.0.1",
      version: "1.12.0",
      capabilities: agentCapabilities,
      executorTimes: defaultExecutorTimes,
      sessionId,
    };
    const state = newState(facts, rows);
    const link = new AgentLink(this.#world, {
      name: this.name,
      sessionId,
      state,
      master: this.#master,
      relay: this.#relay,
      isCut: () => this.isCut(),
      submit: (input) => this.#submit(process, input),
    });
    const process: Process = { state, link, queue: [], timer: undefined };
    this.#process = process;
    const known = containersToRecover(state);
    const containers = this.machine.recover(known);
    this.#world.trace(this.name, () => `${sessionId} starts with ${known.length} live runs`);
    this.#submit(process, { type: "RECOVERED", containers });
    for (const program of this.machine.programs) program.meet(this.#doorOf(process));
    this.machine.onEnd = (containerId, termination) => {
      this.#world.clock.after(1, () =>
        this.#submit(process, { type: "CONTAINER_ENDED", containerId, termination }),
      );
    };
  }

  /** Inputs of one moment share one commit. */
  #submit(process: Process, input: Input): void {
    if (this.#process !== process) return;
    if (process.queue.push(input) === 1) {
      this.#world.clock.after(0, () => this.#drain(process));
    }
  }

  #drain(process: Process): void {
    if (this.#process !== process) return;
    const { clock, audit, options } = this.#world;
    const inputs = process.queue;
    process.queue = [];
    const changes: Change[] = [];
    const effects: Effect[] = [];
    for (const input of inputs) {
      const seed = this.#world.dice("agent").below(2 ** 32);
      const outcome = step(process.state, { ...this.#times(seed), seed, input });
      changes.push(...outcome.changes);
      effects.push(...outcome.effects);
    }
    this.#world.trace(this.name, () => {
      const words = (list: readonly { readonly type: string }[]): string =>
        list.map(({ type }) => type).join(" ");
      return `${words(inputs)} -> ${words(effects)}`;
    });
    const crashes = this.#world.fault("agentCrashed");
    // -1: before the commit.
    const performed = crashes ? this.#world.between("crash", -1, effects.length) : effects.length;
    if (performed >= 0) this.#commit(changes);
    if (!options.restartAlways) audit.add([clock.nowMs, inputs, changes, effects, performed]);
    for (const effect of effects.slice(0, Math.max(0, performed))) this.#perform(process, effect);
    if (!crashes) return;
    if (performed >= 0) this.#checkDisk(process);
    this.#crash(process, `after ${performed} of ${effects.length} effects`);
  }

  /** The machine's clock is set all the time, by an hour. */
  #times(seed: number): { readonly nowMs: number; readonly wallMs: number } {
    const { nowMs } = this.#world.clock;
    return { nowMs, wallMs: nowMs + ((seed % 3) - 1) * 3_600_000 };
  }

  #commit(changes: readonly Change[]): void {
    const { truth } = this.#world;
    this.machine.commit(changes);
    truth.agentDid(changes);
    this.#world.checkTruth();
  }

  /** No Change was forgotten. */
  #checkDisk({ state }: Process): void {
    const rows = save(state);
    let count = 0;
    for (const table of tableNames) {
      for (const row of rows[table]) {
        count++;
        if (!this.machine.holds(table, row)) {
          throw new Violation(`${this.name}: ${table} ${row.seq} on disk is not as in memory`);
        }
      }
    }
    if (count !== this.machine.rowCount) throw new Violation(`${this.name}: rows left on disk`);
  }

  #crash(process: Process, when: string): void {
    const downMs = this.#world.between("crash", 10, 15_000);
    this.#world.trace(this.name, () => `crashes ${when}, for ${downMs} ms`);
    process.link.close();
    if (process.timer !== undefined) process.timer.cancelled = true;
    this.#process = undefined;
    this.machine.onEnd = undefined;
    for (const program of this.machine.programs) program.meet(undefined);
    this.#world.clock.after(downMs, () => this.#start());
  }

  #perform(process: Process, effect: Effect): void {
    switch (effect.type) {
      case "FETCH":
        this.#submit(process, { type: "FETCHED", containerId: effect.containerId });
        return;
      case "CANCEL_FETCH":
        return;
      case "LAUNCH":
        this.#launch(process, effect);
        return;
      case "TERMINATE":
        this.machine.terminate(effect.containerId);
        return;
      case "DESTROY":
        this.machine.destroy(effect.containerId);
        return;
      case "REMOVE":
        this.machine.remove(effect.containerId);
        return;
      case "MAKE_VOLUME":
        return;
      case "REMOVE_VOLUME":
        this.#submit(process, { type: "VOLUME_REMOVED", volume: effect.volume });
        return;
      case "REGISTER":
        process.link.register();
        return;
      case "POLL":
        process.link.poll(effect.acknowledgedCommand);
        return;
      case "REPORT":
        process.link.report(effect);
        return;
      case "SET_TIMER":
        if (process.timer !== undefined) process.timer.cancelled = true;
        process.timer = this.#world.clock.at(effect.dueMs, () =>
          this.#submit(process, { type: "TIMER_DUE" }),
        );
        return;
      case "CALL":
      case "UPDATE_LIMITS":
      case "CANCEL_CHECK":
        return;
      case "CHECK":
        this.#check(process, effect);
        return;
      case "EXECUTOR_EVENT":
        this.#tellExecutor(process, effect);
        return;
      case "CLOSE_EXECUTOR_STREAM":
        this.machine.program(effect.containerId)?.closed(effect.connection);
        return;
      case "EXIT":
        throw new Violation(`${this.name} exits: ${effect.reason.type}`);
      default:
        unreachable(effect);
    }
  }

  #launchExecutor(process: Process, containerId: ContainerId): void {
    const { clock } = this.#world;
    clock.after(this.#world.between("launch", 1, 30), () => {
      if (this.#process !== process) return;
      if (this.#world.fault("launchFailed")) {
        this.#submit(process, { type: "LAUNCH_FAILED", containerId, message: "no more processes" });
        return;
      }
      this.machine.startExecutor(containerId).meet(this.#doorOf(process));
      clock.after(this.#world.between("launch", 1, 30), () =>
        this.#submit(process, { type: "CONTAINER_STARTED", containerId, pid: pidOf("0") }),
      );
    });
  }

  #doorOf(process: Process): AgentDoor {
    return {
      submit: (input) => this.#submit(process, input),
      newStream: () => ++this.#streams,
    };
  }

  #tellExecutor(process: Process, effect: Effect & { readonly type: "EXECUTOR_EVENT" }): void {
    const { containerId, connection, event } = effect;
    const tasks =
      event.launch === undefined
        ? (event.launch_group?.task_group.tasks ?? [])
        : [event.launch.task];
    const runs = tasks.map(({ task_id }) => {
      const row = [...process.state.run.values()].find(
        (run) => run.parentId === containerId && run.taskId === task_id.value && isLive(run),
      );
      return runKey(Number(row?.runNumber), task_id.value);
    });
    this.#world.clock.after(1, () =>
      this.machine.program(containerId)?.hear(connection, event, runs),
    );
  }

  /** Any outcome, after a while; one that was cancelled meanwhile is not listened to. */
  #check(process: Process, { containerId, kind }: Effect & { readonly type: "CHECK" }): void {
    const { clock } = this.#world;
    const result = { kind: "EXIT_CODE", code: this.#world.dice("agent").below(2) } as const;
    clock.after(this.#world.between("launch", 1, 30), () =>
      this.#submit(process, { type: "CHECK_DONE", containerId, kind, result }),
    );
  }

  /**
   * The container comes to be a little later; a crash meanwhile leaves none, one after it an
   * unknown one.
   */
  #launch(process: Process, effect: Effect & { readonly type: "LAUNCH" }): void {
    const { containerId, task, custom } = effect;
    if (custom !== undefined) {
      this.#launchExecutor(process, containerId);
      return;
    }
    const { clock, truth } = this.#world;
    const row = process.state.run.get(containerId);
    const run = runKey(Number(row?.runNumber), row?.taskId ?? "");
    truth.launched(run);
    this.#world.checkTruth();
    clock.after(this.#world.between("launch", 1, 30), () => {
      if (this.#process !== process) return;
      if (this.#world.fault("launchFailed")) {
        truth.containerEnded(run, { type: "LAUNCH_FAILED" });
        this.#submit(process, { type: "LAUNCH_FAILED", containerId, message: "no more processes" });
        return;
      }
      this.machine.start(containerId, { run, command: task.command?.value ?? "" });
      clock.after(this.#world.between("launch", 1, 30), () =>
        this.#submit(process, { type: "CONTAINER_STARTED", containerId, pid: pidOf(run) }),
      );
    });
  }
}
