/**
 * Which offers a task of `rimrock run` can use, and a sentence about those that it cannot. Pure.
 */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { takeResources, type Wanted } from "../../worker/sdk/resources.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { attributeText } from "./plain.ts";

/** What a task asks of the agent that runs it. */
export interface Demand {
  readonly wanted: Wanted;
  /** Name → value, all of which the agent has to have. */
  readonly attributes: ReadonlyMap<string, string>;
}

export interface Misfit {
  /** Nothing that frees up later helps. */
  readonly isPermanent: boolean;
  readonly sentence: string;
}

/**
 * As many tasks' resources as the offer has room for, at least one and at most `count`; else why
 * not.
 */
export function fitTasks(
  offer: mesos.Offer,
  demand: Demand,
  count: number,
): Result<readonly (readonly mesos.Resource[])[], Misfit> {
  const where = `${offer.hostname} (${offer.agent_id.value})`;
  for (const [name, value] of demand.attributes) {
    const attribute = offer.attributes?.find((it) => it.name === name);
    if (attribute === undefined) {
      return err({ isPermanent: true, sentence: `${where} has no attribute ${name}` });
    }
    if (!matches(attribute, value)) {
      const sentence = `${where} has ${name}=${attributeText(attribute)}, not ${value}`;
      return err({ isPermanent: true, sentence });
    }
  }
  const fitting: (readonly mesos.Resource[])[] = [];
  let rest = offer.resources ?? [];
  while (fitting.length < count) {
    const result = takeResources(rest, demand.wanted);
    if (result.ok) {
      fitting.push(result.taken);
      rest = result.rest;
      continue;
    }
    if (fitting.length > 0) break;
    const lacks = result.shortages.map(({ name, wanted, available }) => {
      return `${available} of ${wanted} ${name}${name === "mem" || name === "disk" ? " (MB)" : ""}`;
    });
    const sentence = `${where} offers only ${lacks.join(" and ")}`;
    return err({ isPermanent: false, sentence });
  }
  return ok(fitting);
}

/** Text is compared as it is, a number as a number; a range or a set matches what is in it. */
function matches(attribute: mesos.Attribute, value: string): boolean {
  switch (attribute.type) {
    case "TEXT":
      return attribute.text?.value === value;
    case "SCALAR":
      return value.trim() !== "" && attribute.scalar?.value === Number(value);
    case "SET":
      return attribute.set?.item?.includes(value) ?? false;
    case "RANGES": {
      if (!/^\d+$/.test(value)) return attributeText(attribute) === value;
      const number = BigInt(value);
      const ranges = attribute.ranges?.range ?? [];
      return ranges.some(({ begin, end }) => begin <= number && number <= end);
    }
  }
}
