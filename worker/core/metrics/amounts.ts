import type { Resource, Resources } from "../../resources/resource.ts";

/** Sums of scalars by kind, in thousandths; ranges and sets are not counted. */
export class Amounts {
  readonly #sums = new Map<string, number>();

  /** `counts`: which of them; absent = all. */
  add(resources: Resources, counts?: (resource: Resource) => boolean): void {
    for (const resource of resources) {
      if (resource.kind !== "SCALAR" || counts?.(resource) === false) continue;
      this.#add(resource.name, resource.thousandths);
    }
  }

  addAll(other: Amounts): void {
    for (const [kind, amount] of other.entries()) this.#add(kind, amount);
  }

  of(kind: string): number {
    return this.#sums.get(kind) ?? 0;
  }

  entries(): Iterable<readonly [kind: string, thousandths: number]> {
    return this.#sums.entries();
  }

  #add(kind: string, thousandths: number): void {
    this.#sums.set(kind, this.of(kind) + thousandths);
  }
}
