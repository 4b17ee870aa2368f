/** The smallest set of faults with which a seed still fails. */
import { type FaultKind, faultKinds, optionsOf } from "./options.ts";
import { type Failure, simulateSeed } from "./simulate.ts";

export interface Shrunk {
  readonly failure: Failure;
  readonly without: readonly FaultKind[];
}

/** Leaves out one kind of fault after the other while the seed fails, by whatever rule. */
export function shrink(
  failure: Failure,
  { long, without }: { readonly long: boolean; readonly without: readonly FaultKind[] },
): Shrunk {
  let smallest: Shrunk = { failure, without };
  for (const kind of faultKinds) {
    if (failure.options.faults[kind] === 0) continue;
    const tried = [...smallest.without, kind];
    const simulated = simulateSeed(optionsOf(failure.options.seed, { long }, tried));
    if (!simulated.ok) smallest = { failure: simulated.failure, without: tried };
  }
  return smallest;
}
