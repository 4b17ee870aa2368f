/**
 * Resources as a framework's author handles them: what an offer has, and taking a task's share out
 * of it.
 *
 * Works on the wire's messages. Scalars are compared in thousandths, as everywhere in Mesos, so
 * that ten times 0.1 cpu fit into 1. Nothing is taken from revocable or shared resources, nor from
 * persistent volumes: a framework that uses those names them itself.
 */
import type * as mesos from "../protocol/v1/mesos.ts";

/** What a task needs, by resource name. `ports` is how many; which ones is decided by the offer. */
export interface Wanted {
  readonly cpus?: number;
  /** MB. */
  readonly mem?: number;
  /** MB. */
  readonly disk?: number;
  readonly gpus?: number;
  readonly ports?: number;
}

export type WantedName = keyof Wanted;

/** One resource that does not suffice. */
export interface Shortage {
  readonly name: WantedName;
  readonly wanted: number;
  readonly available: number;
}

export type TakeResult =
  | {
      readonly ok: true;
      /** For `TaskInfo.resources`, with the reservations of the offer. */
      readonly taken: readonly mesos.Resource[];
      /** What the offer has left, to take the next task out of. */
      readonly rest: readonly mesos.Resource[];
      /** The ports that were taken, rising. */
      readonly ports: readonly number[];
    }
  | { readonly ok: false; readonly shortages: readonly Shortage[] };

const NAMES = ["cpus", "mem", "disk", "gpus", "ports"] as const satisfies readonly WantedName[];

/** How much of a scalar is there, reserved or not; 0 when there is none. */
export function scalarOf(resources: readonly mesos.Resource[], name: string): number {
  let thousandths = 0;
  for (const resource of resources) {
    if (resource.name === name && isPlain(resource)) thousandths += toThousandths(resource);
  }
  return thousandths / 1_000;
}

export function cpusOf(offer: mesos.Offer): number {
  return scalarOf(offer.resources ?? [], "cpus");
}

/** MB. */
export function memOf(offer: mesos.Offer): number {
  return scalarOf(offer.resources ?? [], "mem");
}

/** How many ports are there. */
export function portCountOf(resources: readonly mesos.Resource[]): number {
  let count = 0n;
  for (const resource of resources) {
    if (resource.name !== "ports" || !isPlain(resource)) continue;
    for (const { begin, end } of resource.ranges?.range ?? []) count += end - begin + 1n;
  }
  return Number(count);
}

/**
 * Takes what a task needs, all or nothing: reserved resources before unreserved ones, so that what
 * everybody could use stays.
 */
export function takeResources(offered: readonly mesos.Resource[], wanted: Wanted): TakeResult {
  const shortages: Shortage[] = [];
  for (const name of NAMES) {
    const amount = wanted[name] ?? 0;
    const available = name === "ports" ? portCountOf(offered) : scalarOf(offered, name);
    if (Math.round(amount * 1_000) > Math.round(available * 1_000)) {
      shortages.push({ name, wanted: amount, available });
    }
  }
  if (shortages.length > 0) return { ok: false, shortages };

  const taken: mesos.Resource[] = [];
  const ports: number[] = [];
  let rest = [...offered];
  for (const name of NAMES) {
    const amount = wanted[name] ?? 0;
    if (amount <= 0) continue;
    rest =
      name === "ports"
        ? takePorts(rest, amount, taken, ports)
        : takeScalar(rest, name, amount, taken);
  }
  return { ok: true, taken, rest, ports: ports.sort((a, b) => a - b) };
}

/** One unreserved scalar resource, for tasks whose resources come from no offer. */
export function scalar(name: string, value: number): mesos.Resource {
  return { name, type: "SCALAR", scalar: { value } };
}

function takeScalar(
  resources: readonly mesos.Resource[],
  name: string,
  amount: number,
  taken: mesos.Resource[],
): mesos.Resource[] {
  let missing = Math.round(amount * 1_000);
  const left = new Map<mesos.Resource, mesos.Resource | undefined>();
  for (const resource of reservedFirst(resources, name)) {
    const here = toThousandths(resource);
    const take = Math.min(here, missing);
    if (take === 0) continue;
    missing -= take;
    taken.push({ ...resource, scalar: { value: take / 1_000 } });
    const value = (here - take) / 1_000;
    left.set(resource, value > 0 ? { ...resource, scalar: { value } } : undefined);
  }
  return replaced(resources, left);
}

function takePorts(
  resources: readonly mesos.Resource[],
  count: number,
  taken: mesos.Resource[],
  ports: number[],
): mesos.Resource[] {
  let missing = BigInt(count);
  const left = new Map<mesos.Resource, mesos.Resource | undefined>();
  for (const resource of reservedFirst(resources, "ports")) {
    const here: mesos.ValueRange[] = [];
    const remaining: mesos.ValueRange[] = [];
    for (const { begin, end } of resource.ranges?.range ?? []) {
      const size = end - begin + 1n;
      const take = size < missing ? size : missing;
      missing -= take;
      if (take > 0n) here.push({ begin, end: begin + take - 1n });
      if (take < size) remaining.push({ begin: begin + take, end });
      for (let port = begin; port < begin + take; port++) ports.push(Number(port));
    }
    if (here.length === 0) continue;
    taken.push({ ...resource, ranges: { range: here } });
    const rest = remaining.length > 0 ? { ...resource, ranges: { range: remaining } } : undefined;
    left.set(resource, rest);
  }
  return replaced(resources, left);
}

function reservedFirst(resources: readonly mesos.Resource[], name: string): mesos.Resource[] {
  const fitting = resources.filter((resource) => resource.name === name && isPlain(resource));
  return [...fitting.filter(isReserved), ...fitting.filter((resource) => !isReserved(resource))];
}

function replaced(
  resources: readonly mesos.Resource[],
  left: ReadonlyMap<mesos.Resource, mesos.Resource | undefined>,
): mesos.Resource[] {
  return resources.flatMap((resource) => {
    if (!left.has(resource)) return [resource];
    const rest = left.get(resource);
    return rest === undefined ? [] : [rest];
  });
}

/** Both forms of a reservation: the old one has a role, the new one a stack. */
function isReserved(resource: mesos.Resource): boolean {
  return (resource.reservations?.length ?? 0) > 0 || (resource.role ?? "*") !== "*";
}

function isPlain(resource: mesos.Resource): boolean {
  const { disk } = resource;
  const isVolume = disk?.persistence !== undefined || disk?.volume !== undefined;
  // A disk with a source is a whole device or a mount, not to be cut.
  const isSource = disk?.source !== undefined;
  return (
    resource.revocable === undefined && resource.shared === undefined && !isVolume && !isSource
  );
}

function toThousandths(resource: mesos.Resource): number {
  return Math.round((resource.scalar?.value ?? 0) * 1_000);
}
