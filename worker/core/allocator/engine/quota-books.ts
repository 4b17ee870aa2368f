/**
 * What roles with a quota are guaranteed, limited to and have, by number and kind; and of each
 * whether it lacks something or has room for an offer, told to whoever listens when it changes.
 *
 * 1. `required` is the sum of what all roles lack, per kind. 2. Of a kind of which nobody lacks
 * anything, the surplus has no end. Does not know agents or clients.
 */
import type { Quantities } from "../../../resources/resource.ts";
import { DEFAULT_MINIMUM } from "../minimum.ts";
import { bitOf, type QuotaFacts } from "./client-masks.ts";
import type { Kinds } from "./kinds.ts";

/** Thousandths that an offer has to have of one kind at least. */
export type Least = readonly (readonly [kind: number, thousandths: number])[];

interface TopRole {
  readonly name: string;
  readonly guarantees: Least;
  /** Kinds that are not here have no limit. */
  readonly limits: ReadonlyMap<number, number>;
  /** By kind; outstanding offers count. */
  readonly consumed: number[];
  facts: QuotaFacts;
}

export class QuotaBooks {
  readonly kinds: Kinds;
  /** The sets of which one makes an offer. */
  readonly #minimum: readonly [Least, Least];
  readonly #offeredOf: (kind: number) => number;
  readonly #roles = new Map<string, TopRole>();
  readonly #required: number[] = [];
  #lacking = 0;
  /** Called with the name of a role whose facts are others than before. */
  onFlip: (role: string) => void = () => undefined;

  constructor(options: {
    readonly kinds: Kinds;
    readonly minimum: readonly [Least, Least];
    /** What nobody has of the kind, on agents in service. */
    readonly offeredOf: (kind: number) => number;
  }) {
    this.kinds = options.kinds;
    this.#minimum = options.minimum;
    this.#offeredOf = options.offeredOf;
  }

  add(name: string, quota: { readonly guarantees: Quantities; readonly limits: Quantities }): void {
    const { kinds } = this;
    const numbered = (quantities: Quantities): Least =>
      Object.entries(quantities).map(([kind, amount]) => [kinds.numberOf(kind), amount] as const);
    const role: TopRole = {
      name,
      guarantees: numbered(quota.guarantees),
      limits: new Map(numbered(quota.limits)),
      consumed: [],
      facts: { lacks: 0, room: 3 },
    };
    this.#roles.set(name, role);
    for (const [kind, thousandths] of role.guarantees) {
      this.#required[kind] = this.requiredOf(kind) + thousandths;
    }
    this.#note(role);
  }

  has(name: string): boolean {
    return this.#roles.has(name);
  }

  names(): Iterable<string> {
    return this.#roles.keys();
  }

  /** Of a role without quota: it lacks nothing, and has no limit. */
  factsOf(name: string): QuotaFacts {
    return this.#roles.get(name)?.facts ?? { lacks: 0, room: 3 };
  }

  /** The role has so much more of the kind; less when it is negative. Nothing without a quota. */
  consume(name: string, kind: number, thousandths: number): void {
    const role = this.#roles.get(name);
    if (role === undefined || thousandths === 0) return;
    const before = unmetOf(role, kind);
    role.consumed[kind] = (role.consumed[kind] ?? 0) + thousandths;
    const change = unmetOf(role, kind) - before;
    if (change !== 0) this.#required[kind] = this.requiredOf(kind) + change;
    this.#note(role);
  }

  consumedBy(name: string, kind: number): number {
    return this.#roles.get(name)?.consumed[kind] ?? 0;
  }

  guaranteedTo(name: string, kind: number): number {
    const guarantees = this.#roles.get(name)?.guarantees ?? [];
    return guarantees.find(([each]) => each === kind)?.[1] ?? 0;
  }

  /** Until the limit; negative when the role is over it. */
  leftOf(name: string, kind: number): number {
    return leftOf(this.#roles.get(name), kind);
  }

  /** What the role lacks of its guarantee. */
  unmetOf(name: string, kind: number): number {
    const role = this.#roles.get(name);
    return role === undefined ? 0 : unmetOf(role, kind);
  }

  /** Whether the role has more than its limit of something. */
  isOverLimit(name: string): boolean {
    const role = this.#roles.get(name);
    return role !== undefined && [...role.limits.keys()].some((kind) => leftOf(role, kind) < 0);
  }

  hasLacking(): boolean {
    return this.#lacking > 0;
  }

  /** Kinds that somebody is guaranteed. */
  guaranteedKinds(): readonly number[] {
    const kinds = [...this.#roles.values()].flatMap(({ guarantees }) => guarantees);
    return [...new Set(kinds.map(([kind]) => kind))];
  }

  requiredOf(kind: number): number {
    return this.#required[kind] ?? 0;
  }

  /** What may be given away beyond guarantees. */
  surplusOf(kind: number): number {
    const required = this.requiredOf(kind);
    return required === 0 ? Number.POSITIVE_INFINITY : this.#offeredOf(kind) - required;
  }

  /** Whether what nobody is guaranteed is enough for an offer by that set of the minimum. */
  hasSurplusFor(set: 0 | 1): boolean {
    return this.#minimum[set].every(([kind, least]) => this.surplusOf(kind) >= least);
  }

  #note(role: TopRole): void {
    let lacks = 0;
    for (const [kind] of role.guarantees) {
      if (unmetOf(role, kind) > 0) lacks |= 1 << bitOf(kind);
    }
    const [first, second] = this.#minimum;
    const room = (hasLeft(role, first) ? 1 : 0) | (hasLeft(role, second) ? 2 : 0);
    const { facts } = role;
    if (facts.lacks === lacks && facts.room === room) return;
    this.#lacking += Number(lacks !== 0) - Number(facts.lacks !== 0);
    role.facts = { lacks, room };
    this.onFlip(role.name);
  }
}

/** Whether the limit leaves enough for an offer by the set. */
function hasLeft(role: TopRole, set: Least): boolean {
  for (const [kind, least] of set) if (leftOf(role, kind) < least) return false;
  return true;
}

function leftOf(role: TopRole | undefined, kind: number): number {
  const limit = role?.limits.get(kind);
  return role === undefined || limit === undefined
    ? Number.POSITIVE_INFINITY
    : limit - (role.consumed[kind] ?? 0);
}

function unmetOf({ guarantees, consumed }: TopRole, kind: number): number {
  for (const [each, guarantee] of guarantees) {
    if (each === kind) return Math.max(0, guarantee - (consumed[kind] ?? 0));
  }
  return 0;
}

/** The default minimum by kinds' numbers. */
export function minimumIn(kinds: Kinds): readonly [Least, Least] {
  const [first, second] = DEFAULT_MINIMUM.map(
    (set): Least =>
      Object.entries(set).map(([kind, least]) => [kinds.numberOf(kind), least] as const),
  );
  return [first ?? [], second ?? []];
}
