/** How much of one kind resources have. */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";

/** Sum of the scalar resources of this name, in its unit. */
export function amountOf(resources: readonly mesos.Resource[] | undefined, kind: string): number {
  let sum = 0;
  for (const { name, scalar } of resources ?? []) {
    if (name === kind) sum += scalar?.value ?? 0;
  }
  return sum;
}
