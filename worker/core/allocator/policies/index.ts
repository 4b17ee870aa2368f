/**
 * Every allocation policy by the name that a cluster's settings give it. A new one is a file and a
 * line here.
 */
import type { Policy } from "../policy.ts";
import { drf } from "./drf.ts";
import { priority } from "./priority.ts";
import { random } from "./random.ts";

export type PolicyName = "drf" | "priority" | "random";

export const policies: { readonly [name in PolicyName]: Policy } = {
  drf,
  priority,
  random,
};

export function isPolicyName(name: string): name is PolicyName {
  return Object.hasOwn(policies, name);
}
