/**
 * One simulation: some time in which everything goes wrong, then quiet, in which everything must
 * come to its end. A seed is run three times: twice the same, with one audit, and once with a
 * restart of the master after every turn.
 */
import type { RelayId } from "../../worker/protocol/ids.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { AgentNode } from "./agent-node.ts";
import { FrameworkScript } from "./framework-script.ts";
import { leftOver } from "./master-checks.ts";
import { MasterNode } from "./master-node.ts";
import type { Options } from "./options.ts";
import { RelayNode } from "./relay-node.ts";
import { type TraceLine, traceText, Violation, World } from "./world.ts";

/** When faults have stopped, everything is done after this long: an hour's partition, and then. */
const QUIET_WITHIN_MS = 5_100_000;
/** And every role that wants offers has one after this long at most. */
const OFFERED_WITHIN_MS = 60_000;
const TRACE_LINES_SHOWN = 40;

export interface Finished {
  readonly digest: string;
  readonly turns: number;
  readonly runs: number;
  /** How often an agent became unreachable. */
  readonly unreachable: number;
  readonly quietAfterMs: number;
}

export interface Failure {
  readonly options: Options;
  readonly message: string;
  readonly atMs: number;
  /** The last lines, oldest first. */
  readonly trace: readonly string[];
}

export type Simulated =
  | { readonly ok: true; readonly value: Finished }
  | { readonly ok: false; readonly failure: Failure };

/** `onTrace`: told of every line. */
export function simulate(
  options: Options,
  how: { readonly checked: boolean; readonly onTrace?: (line: TraceLine) => void },
): Simulated {
  const world = new World(options, how);
  try {
    return { ok: true, value: new Simulation(world).run() };
  } catch (thrown) {
    const isRule = thrown instanceof Violation;
    const message = isRule || !(thrown instanceof Error) ? String(thrown) : String(thrown.stack);
    const atMs = world.clock.nowMs - world.startMs;
    const trace = world.lastLines(TRACE_LINES_SHOWN).map(traceText);
    return { ok: false, failure: { options, message, atMs, trace } };
  }
}

/** All three runs of a seed. */
export function simulateSeed(options: Options): Simulated {
  const first = simulate(options, { checked: true });
  if (!first.ok) return first;
  const again = simulate(options, { checked: false });
  if (!again.ok) return again;
  if (again.value.digest !== first.value.digest) {
    const message = `two runs differ: ${first.value.digest} and ${again.value.digest}`;
    return { ok: false, failure: { options, message, atMs: 0, trace: [] } };
  }
  const restarting = simulate({ ...options, restartAlways: true }, { checked: true });
  return restarting.ok ? first : restarting;
}

class Simulation {
  readonly #world: World;
  readonly #master: MasterNode;
  readonly #relays = new Map<RelayId, RelayNode>();
  readonly #agents: readonly AgentNode[];
  readonly #frameworks: readonly FrameworkScript[];

  constructor(world: World) {
    this.#world = world;
    const { options } = world;
    const master = new MasterNode(world, {
      callRelay: (call, answering) => this.#relay(call.relayId).fromMaster(call, answering),
    });
    this.#master = master;
    this.#agents = Array.from({ length: options.agents }, (_, at) => {
      const name = `agent${at + 1}`;
      const relay = (id: RelayId): RelayNode => this.#relay(id);
      return new AgentNode(world, { name, info: agentInfo(name, world), master, relay });
    });
    this.#frameworks = Array.from({ length: options.frameworks }, (_, at) => {
      const name = `f${at + 1}`;
      const { tasks } = options;
      return new FrameworkScript(world, { name, info: frameworkInfo(name, at), master, tasks });
    });
  }

  run(): Finished {
    const { clock, options, audit, truth } = this.#world;
    this.#tickEverySecond();
    clock.runUntil(this.#world.startMs + options.busyMs);
    this.#stopFaults();
    const quietAfterMs = this.#waitUntilQuiet();
    const [problem] = truth.finalProblems((id) => this.#isGhost(id));
    if (problem !== undefined) throw new Violation(problem);
    this.#waitForOffers();
    return {
      digest: audit.digest(),
      turns: this.#master.turns,
      runs: truth.runs.size,
      unreachable: truth.unreachable,
      quietAfterMs,
    };
  }

  #relay(id: RelayId): RelayNode {
    const relay = this.#relays.get(id) ?? new RelayNode(this.#world, { id, master: this.#master });
    this.#relays.set(id, relay);
    return relay;
  }

  #tickEverySecond(): void {
    const world = this.#world;
    // One framework of some simulations is torn down while its tasks run.
    const tornDown = world.dice("teardown").below(3) === 0 ? this.#frameworks[0] : undefined;
    const tearDownMs = world.clock.nowMs + world.dice("teardown").below(world.options.busyMs);
    const tick = (): void => {
      if (!world.faultsOn) return;
      for (const agent of this.#agents) agent.tick();
      for (const framework of this.#frameworks) framework.tick();
      if (world.clock.nowMs >= tearDownMs) tornDown?.tearDown();
      world.clock.after(1_000, tick);
    };
    tick();
  }

  /** No new ones: partitions and crashes that have begun take their time. */
  #stopFaults(): void {
    this.#world.faultsOn = false;
    this.#world.trace("simulator", () => "faults stop");
    for (const framework of this.#frameworks) framework.stopLaunching();
  }

  #waitUntilQuiet(): number {
    const { clock } = this.#world;
    const fromMs = clock.nowMs;
    for (;;) {
      clock.runUntil(clock.nowMs + 2_000);
      const unfinished = this.#unfinished();
      if (unfinished === undefined) return clock.nowMs - fromMs;
      if (clock.nowMs - fromMs > QUIET_WITHIN_MS) {
        throw new Violation(
          `not quiet ${QUIET_WITHIN_MS / 1_000} s after the faults: ${unfinished}`,
        );
      }
    }
  }

  #unfinished(): string | undefined {
    for (const node of [...this.#frameworks, ...this.#agents]) {
      const unfinished = node.unfinished();
      if (unfinished !== undefined) return unfinished;
    }
    return leftOver(this.#master.state, (id) => this.#isGhost(id));
  }

  /**
   * An agent that crashed before it had its id on disk: the next process registers as another one.
   */
  #isGhost(agentId: string): boolean {
    return this.#agents.every((agent) => agent.id !== agentId);
  }

  #waitForOffers(): void {
    const { clock } = this.#world;
    for (const framework of this.#frameworks) framework.wantOffers();
    const hungry = (): string | undefined => {
      for (const framework of this.#frameworks) {
        const role = framework.hungryRole();
        if (role !== undefined) return `${framework.name} gets no offer for role ${role}`;
      }
      return undefined;
    };
    clock.runUntil(clock.nowMs + OFFERED_WITHIN_MS, () => hungry() === undefined);
    const problem = hungry();
    if (problem !== undefined) throw new Violation(problem);
  }
}

function agentInfo(name: string, world: World): mesos.AgentInfo {
  const dice = world.dice("agentInfo");
  const scalar = (resource: string, value: number): mesos.Resource => ({
    name: resource,
    type: "SCALAR",
    scalar: { value },
  });
  const range = [{ begin: 31_000n, end: 31_009n }];
  return {
    hostname: name,
    port: 5051,
    resources: [
      scalar("cpus", 1 + dice.below(4)),
      scalar("mem", 512 * (1 + dice.below(4))),
      scalar("disk", 256),
      { name: "ports", type: "RANGES", ranges: { range } },
    ],
  };
}

function frameworkInfo(name: string, at: number): mesos.FrameworkInfo {
  const types: mesos.FrameworkInfoCapabilityType[][] = [
    [
      "MULTI_ROLE",
      "PARTITION_AWARE",
      "TASK_KILLING_STATE",
      "RESERVATION_REFINEMENT",
      "SHARED_RESOURCES",
    ],
    [],
    ["MULTI_ROLE"],
    ["PARTITION_AWARE"],
  ];
  const capabilities = types[at % types.length] ?? [];
  const multiRole = capabilities.includes("MULTI_ROLE");
  return {
    user: "root",
    name,
    // The second is removed while it is away, now and then.
    failover_timeout: at === 1 ? 15 : 600,
    ...(multiRole ? { roles: [`r${at}`, `shared`] } : {}),
    capabilities: capabilities.map((type) => ({ type })),
  };
}
