/**
 * Offer operations of a framework: what it does with reserved resources and volumes, as the offer
 * in its hand allows, and the groups of tasks that it launches in executors of its own.
 */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { encodeUtf8 } from "../../worker/protocol/wire/utf8.ts";
import type { FrameworkClient } from "./framework-client.ts";
import type { World } from "./world.ts";

/** As much of memory as one RESERVE takes: the rest is for tasks of others. */
const RESERVED_MB = 32;

/** How the ids of executors of frameworks' own begin. */
export const OWN_EXECUTOR = "own-";

export class OperationScript {
  readonly #world: World;
  readonly #client: FrameworkClient;
  readonly #name: string;
  readonly #isRefined: boolean;
  readonly #isSharing: boolean;
  #made = 0;

  constructor(
    world: World,
    options: {
      readonly name: string;
      readonly client: FrameworkClient;
      readonly info: mesos.FrameworkInfo;
    },
  ) {
    this.#world = world;
    this.#name = options.name;
    this.#client = options.client;
    const types = (options.info.capabilities ?? []).map(({ type }) => type);
    this.#isRefined = types.includes("RESERVATION_REFINEMENT");
    this.#isSharing = types.includes("SHARED_RESOURCES");
  }

  /** One or two operations, the second on what the first one made; none when nothing fits. */
  operations(offer: mesos.Offer): readonly mesos.OfferOperation[] {
    const first = this.#operation(offer, offer.resources ?? []);
    if (first?.type !== "RESERVE" || this.#below(2) > 0) return first === undefined ? [] : [first];
    const [disk] = (first.reserve?.resources ?? []).filter(({ name }) => name === "disk");
    return disk === undefined ? [first] : [first, this.#create(disk)];
  }

  /** LAUNCH_GROUP; undefined: the offer has no room for an executor. */
  group(offer: mesos.Offer, tasks: readonly mesos.TaskInfo[]): mesos.OfferOperation | undefined {
    const { id } = this.#client;
    if (id === undefined || tasks.length === 0) return undefined;
    const amounts: readonly (readonly [string, number])[] = [
      ["cpus", 0.1],
      ["mem", 32],
      ["disk", 8],
    ];
    const resources = amounts.flatMap(([name, value]) => {
      const from = (offer.resources ?? []).find(
        (one) => one.name === name && isPlain(one) && (one.scalar?.value ?? 0) >= value,
      );
      return from === undefined ? [] : [{ ...from, scalar: { value } }];
    });
    if (resources.length < amounts.length) return undefined;
    const executor: mesos.ExecutorInfo = {
      type: "DEFAULT",
      executor_id: { value: `${this.#name}e${this.#below(2)}` },
      framework_id: { value: id },
      resources,
    };
    return {
      type: "LAUNCH_GROUP",
      launch_group: { executor, task_group: { tasks } },
    };
  }

  /** Tasks for an executor of its own, launched together or one by one. */
  ofExecutor(
    offer: mesos.Offer,
    tasks: readonly mesos.TaskInfo[],
  ): mesos.OfferOperation | undefined {
    const group = this.group(offer, tasks);
    if (group?.launch_group === undefined) return undefined;
    const { executor: builtIn } = group.launch_group;
    const own = tasks.map(({ command, ...task }) => ({
      ...task,
      data: encodeUtf8(command?.value ?? ""),
    }));
    const executor: mesos.ExecutorInfo = {
      ...builtIn,
      type: "CUSTOM",
      executor_id: { value: `${OWN_EXECUTOR}${builtIn.executor_id.value}` },
      command: { value: "executor" },
    };
    if (this.#below(2) === 0) {
      return { type: "LAUNCH_GROUP", launch_group: { executor, task_group: { tasks: own } } };
    }
    return { type: "LAUNCH", launch: { task_infos: own.map((task) => ({ ...task, executor })) } };
  }

  #operation(
    offer: mesos.Offer,
    resources: readonly mesos.Resource[],
  ): mesos.OfferOperation | undefined {
    const chosen = resources[this.#below(Math.max(1, resources.length))];
    const value = chosen?.scalar?.value;
    if (chosen === undefined || value === undefined) return undefined;
    if (chosen.disk?.persistence !== undefined) return this.#ofVolume(chosen, value, resources);
    if (!isPlain(chosen)) {
      const isDisk = chosen.name === "disk";
      return isDisk && this.#below(3) > 0 ? this.#create(chosen) : this.#unreserve(chosen);
    }
    if (chosen.name === "cpus" || value < 2 * RESERVED_MB) return undefined;
    const reserved = this.#reserved(chosen, offer.allocation_info?.role ?? "*");
    return { type: "RESERVE", id: this.#id(), reserve: { resources: [reserved] } };
  }

  #ofVolume(
    volume: mesos.Resource,
    value: number,
    resources: readonly mesos.Resource[],
  ): mesos.OfferOperation {
    const what = this.#below(3);
    const disk = resources.find(
      (one) => one.name === "disk" && !isPlain(one) && one.disk === undefined,
    );
    if (what === 0 && disk !== undefined) {
      return { type: "GROW_VOLUME", id: this.#id(), grow_volume: { volume, addition: disk } };
    }
    if (what === 1 && value > 8) {
      const part = { volume, subtract: { value: 8 } };
      return { type: "SHRINK_VOLUME", id: this.#id(), shrink_volume: part };
    }
    return { type: "DESTROY", id: this.#id(), destroy: { volumes: [volume] } };
  }

  #create(disk: mesos.Resource): mesos.OfferOperation {
    const id = `${this.#name}v${this.#below(4)}`;
    const volume: mesos.Resource = {
      ...disk,
      disk: { persistence: { id }, volume: { mode: "RW", container_path: "data" } },
      ...(this.#isSharing && this.#below(2) === 0 && { shared: {} }),
    };
    return { type: "CREATE", id: this.#id(), create: { volumes: [volume] } };
  }

  #unreserve(resource: mesos.Resource): mesos.OfferOperation {
    return { type: "UNRESERVE", id: this.#id(), unreserve: { resources: [resource] } };
  }

  /** In the form that the framework is offered resources in. */
  #reserved(resource: mesos.Resource, role: string): mesos.Resource {
    const scalar = { value: RESERVED_MB };
    if (this.#isRefined) {
      return { ...resource, scalar, reservations: [{ type: "DYNAMIC", role }] };
    }
    return { ...resource, scalar, role, reservation: {} };
  }

  /** Most want to hear of their end. */
  #id(): mesos.OperationID | undefined {
    return this.#below(4) === 0 ? undefined : { value: `${this.#name}op${++this.#made}` };
  }

  #below(bound: number): number {
    return this.#world.dice("operation").below(bound);
  }
}

/** Neither reserved nor a volume. */
function isPlain({ role = "*", reservations = [] }: mesos.Resource): boolean {
  return role === "*" && reservations.length === 0;
}
