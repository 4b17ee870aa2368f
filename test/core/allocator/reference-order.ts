/** Whose turn it is, as the reference allocator finds it (http-semantics 12.5). */
import type { FrameworkRow } from "../../../worker/core/rows.ts";
import type { Resource } from "../../../worker/resources/resource.ts";
import type { Given, Snapshot } from "./reference.ts";

interface Client {
  readonly framework: FrameworkRow;
  readonly role: string;
}

/**
 * A place in the tree, as the names on the way to it: `eng`, `eng web`, `eng web .` (all frameworks
 * of eng/web itself), `eng web . f1`.
 */
type Place = readonly string[];

/** How often each was offered something since it came; told of everybody who is there by `keep`. */
export class Turns {
  #taken = new Map<string, number>();

  took(role: string, frameworkId: string): void {
    for (const place of wayTo(role, frameworkId)) {
      this.#taken.set(place.join(" "), this.of(place) + 1);
    }
  }

  of(place: Place): number {
    return this.#taken.get(place.join(" ")) ?? 0;
  }

  /** Forgets places in which there is nobody any more. */
  keep(snapshot: Snapshot): void {
    const there = new Set<string>();
    const isThere = (role: string, frameworkId: string): void => {
      for (const place of wayTo(role, frameworkId)) there.add(place.join(" "));
    };
    for (const { framework, role } of wanting(snapshot)) isThere(role, framework.id);
    for (const { role, frameworkId } of snapshot.holds) isThere(role, frameworkId);
    for (const place of this.#taken.keys()) if (!there.has(place)) this.#taken.delete(place);
  }
}

/** Everybody who wants offers, the one with the best claim first. */
export function inOrder(snapshot: Snapshot, turns: Turns): readonly Client[] {
  const shares = new Map<string, number>();
  const shareOf = (place: Place): number => {
    const name = place.join(" ");
    const share = shares.get(name) ?? dominantShare(snapshot, place);
    shares.set(name, share);
    return share;
  };
  const isBefore = (a: Place, b: Place): number =>
    (snapshot.policy === "priority" ? priorityOf(snapshot, b) - priorityOf(snapshot, a) : 0) ||
    shareOf(a) - shareOf(b) ||
    turns.of(a) - turns.of(b) ||
    (nameOf(a) < nameOf(b) ? -1 : 1);
  return wanting(snapshot).toSorted((a, b) => {
    const [mine, other] = [wayTo(a.role, a.framework.id), wayTo(b.role, b.framework.id)];
    const fork = mine.findIndex((place, at) => nameOf(place) !== nameOf(other[at] ?? []));
    const [left, right] = [mine[fork], other[fork]];
    return left === undefined || right === undefined ? 0 : isBefore(left, right);
  });
}

function wanting({ frameworks }: Snapshot): readonly Client[] {
  return frameworks
    .filter(({ connection }) => connection.state === "CONNECTED")
    .flatMap((framework) =>
      framework.roles
        .filter((role) => !framework.suppressedRoles.includes(role))
        .map((role) => ({ framework, role })),
    );
}

/** From the top of the tree down to the framework. */
function wayTo(role: string, frameworkId: string): readonly Place[] {
  const names = [...role.split("/"), ".", frameworkId];
  return names.map((_, at) => names.slice(0, at + 1));
}

function nameOf(place: Place): string {
  return place.at(-1) ?? "";
}

/** The role that a place is; frameworks, alone or all of a role's, are none. */
function roleAt(place: Place): string | undefined {
  return place.includes(".") ? undefined : place.join("/");
}

function weightOf({ roles }: Snapshot, place: Place): number {
  return roles.find(({ name }) => name === roleAt(place))?.weight ?? 1;
}

function priorityOf({ roles }: Snapshot, place: Place): number {
  return roles.find(({ name }) => name === roleAt(place))?.priority ?? 0;
}

/** The largest part of any one kind that those below the place have, divided by its weight. */
function dominantShare(snapshot: Snapshot, place: Place): number {
  const isBelow = ({ role, frameworkId }: Given): boolean =>
    wayTo(role, frameworkId).some((step) => step.join(" ") === place.join(" "));
  const has = sums(countedOnce(snapshot.holds.filter(isBelow)));
  const agents = snapshot.agents.filter(({ connection }) => connection.state === "CONNECTED");
  const all = sums(agents.flatMap(({ total }) => total));
  const weight = weightOf(snapshot, place);
  const parts = [...has].map(([kind, part]) => {
    const whole = all.get(kind) ?? 0;
    return whole === 0 ? 0 : part / (whole * weight);
  });
  return Math.max(0, ...parts);
}

/** Of a shared volume a framework has one in a role, however many copies it holds. */
function countedOnce(holds: readonly Given[]): readonly Resource[] {
  const seen = new Set<string>();
  return holds.flatMap(({ resources, role, frameworkId, agentId }) =>
    resources.filter((resource) => {
      if (!resource.shared) return true;
      const { reservations, disk } = resource;
      const volume = [role, frameworkId, agentId, reservations.at(-1)?.role, disk?.persistence?.id];
      if (seen.has(volume.join(" "))) return false;
      seen.add(volume.join(" "));
      return true;
    }),
  );
}

function sums(resources: readonly Resource[]): ReadonlyMap<string, number> {
  const amounts = new Map<string, number>();
  for (const resource of resources) {
    if (resource.kind !== "SCALAR") continue;
    amounts.set(resource.name, (amounts.get(resource.name) ?? 0) + resource.thousandths);
  }
  return amounts;
}
