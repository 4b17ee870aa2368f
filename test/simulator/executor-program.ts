/**
 * A custom executor's program on a machine. It outlives agent processes, subscribes to whichever is
 * there, and runs what it is given: the tasks' data say what they will do, as commands do in
 * `Machine`.
 * With nothing left to do it ends.
 */
import type { ContainerId } from "../../agent/containerizer/containerizer.ts";
import type { Input } from "../../agent/core/input.ts";
import type * as executor from "../../worker/protocol/v1/executor.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { encodeBase64 } from "../../worker/protocol/wire/base64.ts";
import { decodeUtf8 } from "../../worker/protocol/wire/utf8.ts";
import type { World } from "./world.ts";

/** An agent process, as far as an executor meets it. */
export interface AgentDoor {
  readonly submit: (input: Input) => void;
  /** Number of a new stream. */
  readonly newStream: () => number;
}

interface Given {
  /** As in `Truth`. */
  readonly run: string;
  readonly info: mesos.TaskInfo;
  readonly termMs: number;
  isLive: boolean;
  /** No acknowledgement of an update of it was heard. */
  isNews: boolean;
}

/** In ms: with less than half a second it would never get a second task. */
const IDLE_MS = [500, 4_000] as const;

export class ExecutorProgram {
  readonly #world: World;
  readonly #id: ContainerId;
  readonly #ended: () => void;
  readonly #given: Given[] = [];
  #updates: mesos.TaskStatus[] = [];
  #door: AgentDoor | undefined;
  #stream: number | undefined;
  #isOver = false;

  /** `ended`: told once. */
  constructor(world: World, id: ContainerId, ended: () => void) {
    this.#world = world;
    this.#id = id;
    this.#ended = ended;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The agent process that is there from now on; undefined: none. */
  meet(door: AgentDoor | undefined): void {
    this.#door = door;
    this.#stream = undefined;
    this.#subscribeSoon();
  }

  closed(stream: number): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#subscribeSoon();
  }

  /** `runs`: of the tasks that a launch names, in their order. */
  hear(stream: number, event: executor.Event, runs: readonly string[]): void {
    if (this.#isOver || this.#stream !== stream) return;
    if (this.#world.fault("answerLost")) {
      this.#break();
      return;
    }
    switch (event.type) {
      case "LAUNCH":
      case "LAUNCH_GROUP":
        for (const [at, info] of tasksOf(event).entries()) this.#start(info, runs[at] ?? "");
        return;
      case "KILL":
        this.#kill(event.kill?.task_id.value ?? "");
        return;
      case "ACKNOWLEDGED":
        this.#acknowledged(event.acknowledged);
        return;
      case "SHUTDOWN":
        this.#world.clock.after(this.#world.between("executor", 0, 7_000), () => this.end());
        return;
      default:
        this.#endIfIdle();
    }
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const given of this.#given) this.#stop(given, { type: "KILLED" });
    this.#ended();
  }

  #subscribeSoon(): void {
    const door = this.#door;
    this.#world.clock.after(this.#world.between("executor", 0, 1_000), () => {
      if (this.#isOver || door === undefined || this.#door !== door) return;
      if (this.#stream !== undefined) return;
      const connection = door.newStream();
      this.#stream = connection;
      const news = this.#given.filter(({ isNews }) => isNews);
      door.submit({
        type: "EXECUTOR_SUBSCRIBED",
        ...{ containerId: this.#id, connection },
        taskIds: news.map(({ info }) => info.task_id.value),
        updates: [...this.#updates],
      });
    });
  }

  #break(): void {
    const connection = this.#stream;
    if (connection === undefined) return;
    this.#stream = undefined;
    this.#door?.submit({
      type: "EXECUTOR_DISCONNECTED",
      ...{ containerId: this.#id, connection },
    });
    this.#subscribeSoon();
  }

  #start(info: mesos.TaskInfo, run: string): void {
    // `run <ms> exit <code> term <ms> as <intent>`
    const text = decodeUtf8(info.data ?? new Uint8Array()) ?? "";
    const words = text.split(" ").map(Number);
    const [runMs = 0, code = 0, termMs = 0, intent = 0] = [words[1], words[3], words[5], words[7]];
    const given: Given = { run, info, termMs, isLive: true, isNews: true };
    this.#given.push(given);
    this.#world.truth.launched(run);
    this.#world.truth.containerStarted(run, intent);
    this.#world.checkTruth();
    this.#tell(given, "TASK_RUNNING");
    this.#world.clock.after(runMs, () => {
      if (!given.isLive) return;
      this.#stop(given, { type: "EXITED", code });
      this.#tell(given, code === 0 ? "TASK_FINISHED" : "TASK_FAILED");
    });
  }

  #kill(taskId: string): void {
    const given = this.#given.find(({ info, isLive }) => isLive && info.task_id.value === taskId);
    if (given === undefined) return;
    this.#world.clock.after(given.termMs, () => {
      if (!given.isLive) return;
      this.#stop(given, { type: "KILLED" });
      this.#tell(given, "TASK_KILLED");
    });
  }

  #stop(given: Given, end: Parameters<World["truth"]["containerEnded"]>[1]): void {
    if (!given.isLive) return;
    given.isLive = false;
    this.#world.truth.containerEnded(given.run, end);
  }

  #tell({ info }: Given, state: mesos.TaskState): void {
    const uuid = Uint8Array.from({ length: 16 }, () => this.#world.dice("executor").below(256));
    const status = { task_id: info.task_id, state, source: "SOURCE_EXECUTOR", uuid } as const;
    this.#updates.push(status);
    if (this.#stream === undefined) return;
    this.#door?.submit({ type: "EXECUTOR_UPDATE", containerId: this.#id, status });
  }

  #acknowledged(told: executor.EventAcknowledged | undefined): void {
    if (told === undefined) return;
    const uuid = encodeBase64(told.uuid);
    const isIt = (one: mesos.TaskStatus): boolean =>
      one.uuid !== undefined && encodeBase64(one.uuid) === uuid;
    if (!this.#updates.some(isIt)) return;
    this.#updates = this.#updates.filter((one) => !isIt(one));
    for (const given of this.#given) {
      if (given.info.task_id.value === told.task_id.value) given.isNews = false;
    }
    this.#endIfIdle();
  }

  #endIfIdle(): void {
    const [from, to] = IDLE_MS;
    const count = this.#given.length;
    this.#world.clock.after(this.#world.between("executor", from, to), () => {
      const isIdle = this.#given.every(({ isLive }) => !isLive) && this.#updates.length === 0;
      if (isIdle && count === this.#given.length) this.end();
    });
  }
}

function tasksOf({ launch, launch_group }: executor.Event): readonly mesos.TaskInfo[] {
  return launch === undefined ? (launch_group?.task_group.tasks ?? []) : [launch.task];
}
