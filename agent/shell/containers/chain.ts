/**
 * Mesos' names of containers: a value of the client's choice, and those of the containers around
 * it.
 */
import { createHash } from "node:crypto";
import { checkContainerId } from "../../../worker/protocol/identifiers.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { defined } from "../../../worker/std/assert.ts";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { type ContainerId, containerId } from "../../containerizer/containerizer.ts";

/** The outermost first; at least one. */
export type ContainerChain = readonly string[];

/** Containers inside each other: each is a folder within a folder. */
const DEPTH_MAX = 32;

/** The error is the rest of a sentence that begins with the id. */
export function chainOf(
  id: mesos.ContainerID,
): Result<ContainerChain, { readonly value: string; readonly why: string }> {
  const chain: string[] = [];
  for (let at: mesos.ContainerID | undefined = id; at !== undefined; at = at.parent) {
    const why = checkContainerId(at.value);
    if (why !== undefined) return err({ value: at.value, why });
    if (chain.unshift(at.value) > DEPTH_MAX) {
      return err({ value: id.value, why: `must not have more than ${DEPTH_MAX - 1} parents` });
    }
  }
  return ok(chain);
}

export function messageOf(chain: ContainerChain): mesos.ContainerID {
  const [value = "", ...outer] = chain.toReversed();
  if (outer.length === 0) return { value };
  return { value, parent: messageOf(outer.toReversed()) };
}

/** As people write it. */
export function chainText(chain: ContainerChain): string {
  return chain.join(".");
}

export function isWithin(chain: ContainerChain, outer: ContainerChain): boolean {
  return chain.length > outer.length && outer.every((value, at) => chain[at] === value);
}

/**
 * The containerizer's name of a container that a client named: clients choose freely, and may
 * choose the same below two parents, or the name of somebody's task.
 */
export function containerizerId(chain: ContainerChain): ContainerId {
  // No value has a NUL in it.
  const hash = createHash("sha256").update(chain.join("\0")).digest("hex").slice(0, 40);
  const id = containerId(`client-${hash}`);
  return defined(id.ok ? id.value : undefined, "letters and digits make a container id");
}
