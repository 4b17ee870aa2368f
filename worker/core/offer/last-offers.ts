/**
 * When every framework was last made an offer for each of its roles; for `why`.
 *
 * Not from rows: offers leave none behind. So it is not known of before this life of the master,
 * and forgotten with the framework or the role.
 */
import type { FrameworkId } from "../../protocol/ids.ts";
import type { Change } from "../../std/table.ts";
import type { FrameworkRow, OfferRow } from "../rows.ts";

/** By framework, then by role; ms. */
export type LastOfferMarks = ReadonlyMap<FrameworkId, ReadonlyMap<string, number>>;

export class LastOffers {
  readonly #of = new Map<FrameworkId, Map<string, number>>();

  follow({ table, before, after }: Change): void {
    // A change's row is one of its table.
    if (table === "offer" && before === undefined) this.#made(after as OfferRow);
    else if (table === "framework" && before !== undefined) {
      this.#keep((before as FrameworkRow).id, (after as FrameworkRow | undefined)?.roles ?? []);
    }
  }

  /** Undefined: none in this life of the master. */
  lastMs(frameworkId: FrameworkId, role: string): number | undefined {
    return this.#of.get(frameworkId)?.get(role);
  }

  /** For what-if: as it is now, to be put back after an undo. */
  marks(): LastOfferMarks {
    return copyOf(this.#of);
  }

  restore(marks: LastOfferMarks): void {
    this.#of.clear();
    for (const [frameworkId, roles] of copyOf(marks)) this.#of.set(frameworkId, roles);
  }

  #made({ frameworkId, role, createdMs }: OfferRow): void {
    const roles = this.#of.get(frameworkId) ?? new Map<string, number>();
    this.#of.set(frameworkId, roles.set(role, createdMs));
  }

  #keep(frameworkId: FrameworkId, roles: readonly string[]): void {
    const known = this.#of.get(frameworkId);
    if (known === undefined) return;
    for (const role of known.keys()) if (!roles.includes(role)) known.delete(role);
    if (known.size === 0) this.#of.delete(frameworkId);
  }
}

function copyOf(marks: LastOfferMarks): Map<FrameworkId, Map<string, number>> {
  return new Map([...marks].map(([id, roles]) => [id, new Map(roles)] as const));
}
