/** What this machine has, as far as nobody said otherwise. */
import { statfsSync } from "node:fs";
import { availableParallelism, networkInterfaces, totalmem } from "node:os";
import { dirname } from "node:path";
import { normalize } from "../../worker/resources/algebra.ts";
import type { Resource, Resources } from "../../worker/resources/resource.ts";

const MEGABYTE = 1024 * 1024;
const GIGABYTE = 1024 * MEGABYTE;

export interface Machine {
  readonly cpus: number;
  readonly memBytes: number;
  /** Of the file system that holds the work directory. */
  readonly diskBytes: number;
  /** NVIDIA's, as far as tasks can have them. */
  readonly gpus: number;
}

/** `workDirectory` need not exist yet. */
export function readMachine(workDirectory: string, gpus: number): Machine {
  return {
    gpus,
    cpus: availableParallelism(),
    memBytes: totalmem(),
    diskBytes: diskBytes(workDirectory),
  };
}

/**
 * The kinds of resource that `given` does not name, in Mesos' amounts: all processors and GPUs;
 * memory and disk less 1 GB and 5 GB for the system, or half where there is less than twice that;
 * ports 31000 to 32000. They are of the role `defaultRole`; "*": of nobody.
 */
export function withDiscovered(given: Resources, machine: Machine, defaultRole: string): Resources {
  const reservations: Resource["reservations"] =
    defaultRole === "*" ? [] : [{ type: "STATIC", role: defaultRole }];
  const named = new Set(given.map((resource) => resource.name));
  const discovered: Resource[] = [
    scalar("cpus", machine.cpus),
    scalar("mem", leave(machine.memBytes, GIGABYTE)),
    scalar("disk", leave(machine.diskBytes, 5 * GIGABYTE)),
    // Frameworks that do not ask for GPUs are offered nothing of an agent that names some.
    ...(machine.gpus > 0 ? [scalar("gpus", machine.gpus)] : []),
    { name: "ports", reservations: [], kind: "RANGES", ranges: [[31_000, 32_000]] },
  ];
  const added = discovered.filter((one) => !named.has(one.name));
  return normalize([...given, ...added.map((one) => ({ ...one, reservations }))]);
}

/** The address that others reach this machine at: the first outward IPv4 one, else loopback. */
export function outwardAddress(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const address of addresses ?? []) {
      if (address.family === "IPv4" && !address.internal) return address.address;
    }
  }
  return "127.0.0.1";
}

/** Megabytes of `bytes` that tasks may have. */
function leave(bytes: number, forSystem: number): number {
  const left = bytes >= 2 * forSystem ? bytes - forSystem : bytes / 2;
  return Math.floor(left / MEGABYTE);
}

function scalar(name: string, amount: number): Resource {
  return { name, reservations: [], kind: "SCALAR", thousandths: amount * 1_000 };
}

function diskBytes(path: string): number {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { blocks, bsize } = statfsSync(at);
      return blocks * bsize;
    } catch {
      // Not made yet: its parent is on the same file system.
      if (at === dirname(at)) return 0;
    }
  }
}
