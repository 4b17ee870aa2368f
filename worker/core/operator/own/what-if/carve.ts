/** Cutting tasks out of what is offered: of each kind so much, from whatever there is of it. */
import { subtract } from "../../../../resources/algebra.ts";
import type { Quantities, Resource, Resources } from "../../../../resources/resource.ts";
import { unreachable } from "../../../../std/assert.ts";

/** As many tasks of the shape as there is enough for, at most `most`; and what is left over. */
export function carve(
  offered: Resources,
  shape: Quantities,
  most: number,
): { readonly tasks: readonly Resources[]; readonly left: Resources } {
  const tasks: Resources[] = [];
  let left = offered;
  while (tasks.length < most) {
    const task = carveOne(left, shape);
    if (task === undefined) break;
    tasks.push(task);
    left = subtract(left, task);
  }
  return { tasks, left };
}

function carveOne(offered: Resources, shape: Quantities): Resources | undefined {
  const task: Resource[] = [];
  const short = new Map(Object.entries(shape));
  for (const resource of offered) {
    const wanted = short.get(resource.name) ?? 0;
    // Volumes and shared resources belong to data, and what is revocable may be taken away.
    if (wanted === 0 || resource.disk !== undefined || resource.revocable) continue;
    const part = partOf(resource, wanted);
    if (part === undefined) continue;
    task.push(part.resource);
    short.set(resource.name, wanted - part.amount);
  }
  return [...short.values()].every((amount) => amount === 0) ? task : undefined;
}

/** At most so much of it, in thousandths; a member of ranges and sets counts a thousand. */
function partOf(
  resource: Resource,
  wanted: number,
): { readonly resource: Resource; readonly amount: number } | undefined {
  const members = Math.ceil(wanted / 1_000);
  switch (resource.kind) {
    case "SCALAR": {
      const thousandths = Math.min(resource.thousandths, wanted);
      return { resource: { ...resource, thousandths }, amount: thousandths };
    }
    case "RANGES": {
      const ranges: (readonly [number, number])[] = [];
      let left = members;
      for (const [begin, end] of resource.ranges) {
        if (left === 0) break;
        const count = Math.min(left, end - begin + 1);
        ranges.push([begin, begin + count - 1]);
        left -= count;
      }
      const amount = Math.min(wanted, (members - left) * 1_000);
      return amount === 0 ? undefined : { resource: { ...resource, ranges }, amount };
    }
    case "SET": {
      const items = resource.items.slice(0, members);
      return { resource: { ...resource, items }, amount: Math.min(wanted, items.length * 1_000) };
    }
    default:
      return unreachable(resource);
  }
}
