/**
 * What a framework does with its offers and tasks: launches, declines, acknowledges, kills,
 * reconciles, changes its mind.
 */

import { isTerminal } from "../../worker/protocol/task-state.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import type * as scheduler from "../../worker/protocol/v1/scheduler.ts";
import { FrameworkClient } from "./framework-client.ts";
import type { MasterNode } from "./master-node.ts";
import { OperationScript } from "./operation-script.ts";
import type { World } from "./world.ts";

interface KnownTask {
  readonly agentId: string;
  state: mesos.TaskState;
}

export class FrameworkScript {
  readonly name: string;
  readonly client: FrameworkClient;
  readonly #world: World;
  readonly #info: mesos.FrameworkInfo;
  readonly #roles: readonly string[];
  readonly #operations: OperationScript;
  readonly #tasks = new Map<string, KnownTask>();
  readonly #offers = new Map<string, mesos.Offer>();
  #launchesLeft: number;
  #taskCount = 0;
  /** Roles that were offered something since `wantOffers`. */
  #offered: Set<string> | undefined;

  constructor(
    world: World,
    options: {
      readonly name: string;
      readonly info: mesos.FrameworkInfo;
      readonly master: MasterNode;
      readonly tasks: number;
    },
  ) {
    this.#world = world;
    this.name = options.name;
    this.#launchesLeft = options.tasks;
    this.#info = options.info;
    this.#roles = options.info.roles ?? [options.info.role ?? "*"];
    this.client = new FrameworkClient(world, {
      name: options.name,
      info: options.info,
      master: options.master,
      onEvent: (event) => this.#handle(event),
      onLost: () => this.#offers.clear(),
    });
    const { client } = this;
    this.#operations = new OperationScript(world, {
      name: options.name,
      info: options.info,
      client,
    });
    this.client.subscribe();
  }

  /** Once a second while faults occur. */
  tick(): void {
    const { client } = this;
    if (client.isOver || !client.isSubscribed) return;
    if (this.#world.fault("frameworkCrashed")) {
      client.crash(this.#world.between("framework", 0, 40_000));
      return;
    }
    if (this.#world.fault("readerStalled")) {
      client.stall(this.#world.between("framework", 1_000, 30_000));
    }
    const what = this.#world.dice("script").below(120);
    if (what < 6) this.#killOne();
    else if (what < 9) this.#reconcile();
    else if (what < 10) client.call({ type: "SUPPRESS", suppress: { roles: this.#someRoles() } });
    else if (what < 13) client.call({ type: "REVIVE", revive: { roles: this.#someRoles() } });
    else if (what < 15) this.#update(this.#otherWishes());
  }

  tearDown(): void {
    this.client.tearDown();
  }

  /** No more launches. */
  stopLaunching(): void {
    this.#launchesLeft = 0;
  }

  /** From now on every role should be offered something. */
  wantOffers(): void {
    this.#offered = new Set();
    // Whatever it said of itself meanwhile.
    this.#update({ framework_info: this.#info });
    this.client.call({ type: "REVIVE" });
  }

  /** A role that has not been offered anything since `wantOffers`. */
  hungryRole(): string | undefined {
    if (this.client.isOver) return undefined;
    return this.#roles.find((role) => this.#offered?.has(role) !== true);
  }

  unfinished(): string | undefined {
    if (this.client.isOver) return undefined;
    if (this.client.isBehind) return `${this.name} has more to read`;
    if (this.#offers.size > 0) return `${this.name} thinks about an offer`;
    if (this.client.isCalling) return `${this.name} has a call under way`;
    return this.client.isSubscribed ? undefined : `${this.name} is not subscribed`;
  }

  #handle(event: scheduler.Event): void {
    switch (event.type) {
      case "OFFERS":
        for (const offer of event.offers?.offers ?? []) this.#offerCame(offer);
        return;
      case "RESCIND":
        this.#offers.delete(event.rescind?.offer_id.value ?? "");
        return;
      case "UPDATE":
        if (event.update !== undefined) this.#updated(event.update.status);
        return;
      case "UPDATE_OPERATION_STATUS":
        if (event.update_operation_status !== undefined) {
          this.#operationUpdated(event.update_operation_status.status);
        }
        return;
      default:
        return;
    }
  }

  #offerCame(offer: mesos.Offer): void {
    this.#offered?.add(offer.allocation_info?.role ?? this.#roles[0] ?? "*");
    this.#offers.set(offer.id.value, offer);
    const slowly = this.#world.faultsOn && this.#world.dice("script").below(8) === 0;
    const thinkMs = this.#world.between("script", 0, slowly ? 8_000 : 50);
    this.#world.clock.after(thinkMs, () => this.#answer(offer));
  }

  #answer(offer: mesos.Offer): void {
    if (!this.#offers.delete(offer.id.value)) return;
    const operations = this.#operationsFor(offer);
    if (operations.length === 0) {
      this.#decline([offer.id]);
      return;
    }
    const offers = [offer, ...this.#sameAgentAndRole(offer)];
    for (const { id } of offers) this.#offers.delete(id.value);
    const offer_ids = offers.map(({ id }) => id);
    const filters = { refuse_seconds: this.#refuseSeconds() };
    this.client.call(
      {
        type: "ACCEPT",
        accept: { offer_ids, operations, filters },
      },
      (answer) => {
        // Whether it was taken is not known; if it was, the offers are spent and this does nothing.
        if (answer?.type !== "REPLIED") this.#decline(offer_ids);
      },
    );
  }

  /** Tasks of their own, tasks in a group, or something done with what was offered. */
  #operationsFor(offer: mesos.Offer): readonly mesos.OfferOperation[] {
    const what = this.#world.dice("operation").below(4);
    if (what === 0 && this.#world.faultsOn) {
      const operations = this.#operations.operations(offer);
      if (operations.length > 0) return operations;
    }
    if (this.#launchesLeft === 0 || this.#world.dice("script").below(4) === 0) return [];
    const tasks = this.#makeTasks(offer);
    const grouped =
      what === 1
        ? this.#operations.group(offer, tasks)
        : what === 2
          ? this.#operations.ofExecutor(offer, tasks)
          : undefined;
    return [grouped ?? { type: "LAUNCH", launch: { task_infos: tasks } }];
  }

  /** Until the master has heard it: an offer that it believes to be out is nobody else's. */
  #decline(offer_ids: readonly mesos.OfferID[]): void {
    const filters = { refuse_seconds: this.#refuseSeconds() };
    this.client.call({ type: "DECLINE", decline: { offer_ids, filters } }, (answer) => {
      if (answer?.type !== "REPLIED") this.#decline(offer_ids);
    });
  }

  #sameAgentAndRole(offer: mesos.Offer): mesos.Offer[] {
    return [...this.#offers.values()].filter(
      (other) =>
        other.agent_id.value === offer.agent_id.value &&
        other.allocation_info?.role === offer.allocation_info?.role,
    );
  }

  #makeTasks(offer: mesos.Offer): mesos.TaskInfo[] {
    const count = Math.min(this.#launchesLeft, this.#world.between("script", 1, 3));
    this.#launchesLeft -= count;
    return Array.from({ length: count }, (_, at): mesos.TaskInfo => {
      const id = this.#taskId();
      const agentId = offer.agent_id.value;
      this.#tasks.set(id, { agentId, state: "TASK_STAGING" });
      const resources = (offer.resources ?? []).flatMap((r) => this.#someOf(r, at) ?? []);
      return {
        name: id,
        task_id: { value: id },
        agent_id: offer.agent_id,
        resources,
        command: { value: this.#command() },
      };
    });
  }

  /** Mostly a new one; sometimes that of a task that has ended. */
  #taskId(): string {
    const ended = [...this.#tasks].filter(([, { state }]) => isTerminal(state));
    const [again] = ended[this.#world.dice("script").below(8 + ended.length) - 8] ?? [];
    return again ?? `${this.name}t${++this.#taskCount}`;
  }

  /** A part of an offered resource for the task at this place in the launch. */
  #someOf(resource: mesos.Resource, at: number): mesos.Resource | undefined {
    const offered = resource.scalar?.value;
    if (resource.disk?.persistence !== undefined) {
      // A volume is taken whole: by one task of the launch, or shared by all.
      return (at === 0 || resource.shared) && this.#world.dice("script").below(2) === 0
        ? resource
        : undefined;
    }
    if (offered !== undefined) {
      const step = resource.name === "cpus" ? 0.1 : 8;
      const most = Math.floor(Math.min(offered / 3, resource.name === "cpus" ? 2 : 256) / step);
      const value =
        Math.round(step * this.#world.between("script", 1, Math.max(1, most)) * 10) / 10;
      return value > offered ? undefined : { ...resource, scalar: { value } };
    }
    const [range] = resource.ranges?.range ?? [];
    if (range === undefined || this.#world.dice("script").below(3) > 0) return undefined;
    const port = range.begin + BigInt(at);
    return port > range.end
      ? undefined
      : { ...resource, ranges: { range: [{ begin: port, end: port }] } };
  }

  /** See `Machine`. */
  #command(): string {
    const dice = this.#world.dice("script");
    const longest = [200, 5_000, 40_000][dice.below(3)] ?? 0;
    const code = dice.below(3) > 0 ? 0 : 1 + dice.below(9);
    const term = dice.below(4) > 0 ? 5 : 10_000;
    return `run ${dice.below(longest)} exit ${code} term ${term} as ${this.#world.newIntent()}`;
  }

  #updated(status: mesos.TaskStatus): void {
    const { truth, clock } = this.#world;
    truth.frameworkSaw(this.client.id ?? "", status);
    this.#world.checkTruth();
    const task = this.#tasks.get(status.task_id.value);
    if (task !== undefined) task.state = status.state;
    const { uuid, task_id, agent_id } = status;
    this.#world.trace(this.name, () => `hears ${task_id.value} ${status.state}`);
    if (uuid === undefined || agent_id === undefined) return;
    const late = this.#world.faultsOn && this.#world.dice("script").below(6) === 0;
    clock.after(late ? this.#world.between("script", 0, 15_000) : 0, () =>
      this.client.call({ type: "ACKNOWLEDGE", acknowledge: { agent_id, task_id, uuid } }),
    );
  }

  #operationUpdated(status: mesos.OperationStatus): void {
    const { uuid, operation_id, agent_id, state } = status;
    this.#world.truth.operationHeard(this.client.id ?? "", status);
    this.#world.trace(this.name, () => `hears ${operation_id?.value} ${state}`);
    if (uuid === undefined || operation_id === undefined) return;
    const late = this.#world.faultsOn && this.#world.dice("operation").below(6) === 0;
    const acknowledge_operation_status = { agent_id, operation_id, uuid: uuid.value };
    const forMs = late ? this.#world.between("operation", 0, 30_000) : 0;
    this.#world.clock.after(forMs, () =>
      this.client.call({ type: "ACKNOWLEDGE_OPERATION_STATUS", acknowledge_operation_status }),
    );
  }

  #killOne(): void {
    const live = [...this.#tasks].filter(([, { state }]) => !isTerminal(state));
    const chosen = live[this.#world.dice("script").below(Math.max(1, live.length))];
    if (chosen === undefined) return;
    const [id, { agentId }] = chosen;
    this.#world.truth.killsAsked.add(`${this.client.id}/${id}`);
    const grace = this.#world.dice("script").below(3) === 0;
    this.client.call({
      type: "KILL",
      kill: {
        task_id: { value: id },
        agent_id: this.#world.dice("script").below(2) === 0 ? { value: agentId } : undefined,
        kill_policy: grace ? { grace_period: { nanoseconds: 500_000_000n } } : undefined,
      },
    });
  }

  #reconcile(): void {
    const all = this.#world.dice("script").below(2) === 0;
    const tasks = [...this.#tasks].slice(-3).map(([id, { agentId }]) => ({
      task_id: { value: id },
      agent_id: { value: agentId },
    }));
    this.client.call({ type: "RECONCILE", reconcile: { tasks: all ? [] : tasks } });
  }

  #update(wishes: scheduler.CallUpdateFramework): void {
    const { id } = this.client;
    if (id === undefined) return;
    const framework_info = { ...wishes.framework_info, id: { value: id } };
    this.client.call({ type: "UPDATE_FRAMEWORK", update_framework: { ...wishes, framework_info } });
  }

  /** Other capabilities, fewer roles, fewer agents: valid, but not what it needs in the end. */
  #otherWishes(): scheduler.CallUpdateFramework {
    const dice = this.#world.dice("script");
    const { roles, capabilities = [] } = this.#info;
    const kept = capabilities.filter(({ type }) => type === "MULTI_ROLE" || dice.below(2) === 0);
    const role = this.#roles[dice.below(this.#roles.length)] ?? "*";
    const onSome = {
      selector: { pseudoattribute_type: "HOSTNAME" },
      predicate: { text_matches: { regex: ".*[0-2]" } },
    } as const;
    const constraints = { [role]: { groups: [{ attribute_constraints: [onSome] }] } };
    return {
      framework_info: { ...this.#info, roles: roles && [role], capabilities: kept },
      suppressed_roles: dice.below(3) === 0 ? [role] : [],
      offer_constraints: dice.below(2) === 0 ? { role_constraints: constraints } : undefined,
    };
  }

  #refuseSeconds(): number {
    if (this.#offered !== undefined) return 2;
    if (!this.#world.faultsOn) return 600;
    return [0, 2, 5, 10, 20, 30][this.#world.dice("script").below(6)] ?? 5;
  }

  #someRoles(): readonly string[] {
    const role = this.#roles[this.#world.dice("script").below(this.#roles.length)];
    return role === undefined || this.#world.dice("script").below(2) === 0 ? [] : [role];
  }
}
