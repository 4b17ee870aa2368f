/** The agent's options about which containerizer runs its tasks. */
import { unreachable } from "../worker/std/assert.ts";
import { err, ok, type Result } from "../worker/std/result.ts";
import type { ContainerizerName } from "./containerizer/composing.ts";
import { type MesosContainerizerKind, mesosContainerizerKinds } from "./containerizer/index.ts";
import type { IsolationOptions } from "./isolation-options.ts";
import type { GivenOptions } from "./read-options.ts";

/** Why it is that one: somebody named it, or its isolation; or by the agent's rights. */
export type ContainerizerReason = "NAMED" | "ISOLATION" | "ROOT" | "NOT_ROOT";

export interface ContainerizerChoice {
  /** What runs containers that are not Docker's. */
  readonly kind: MesosContainerizerKind;
  readonly reason: ContainerizerReason;
}

/**
 * Who names none gets the one that isolates, if the agent has the rights for it; whether it works
 * is seen at the start, and it gives way to no other by itself. `--isolation` says as much as a
 * name: Mesos' lists of nothing but posix/… ask for no isolation.
 */
export function readContainerizer(
  given: GivenOptions,
  { isolation }: IsolationOptions,
  { isRoot }: { readonly isRoot: boolean },
): Result<ContainerizerChoice, string> {
  const text = given.text("containerizer");
  if (text === undefined) return ok(choiceWithoutName(isolation, isRoot));
  const kind = mesosContainerizerKinds.find((name) => name === text);
  const label = given.label("containerizer");
  if (kind === undefined) {
    return err(`${label} '${text}' is unknown; choose ${mesosContainerizerKinds.join(" or ")}`);
  }
  const [asked] = isolation ?? [];
  if (kind === "process" && asked !== undefined) {
    return err(
      `${given.label("isolation")} asks for ${asked}, and ${label} process isolates nothing; ` +
        "leave one of them out",
    );
  }
  return ok({ kind, reason: "NAMED" });
}

/** Options that the process containerizer would leave without effect. */
const NEEDS_BOUNDS = ["enforce-container-disk-quota", "cgroups-enable-cfs"] as const;

/** Why a bound that is asked for would bound nothing; undefined: it holds. */
export function unboundedOption(
  given: GivenOptions,
  kind: MesosContainerizerKind,
  names: readonly ContainerizerName[],
): string | undefined {
  const asked = NEEDS_BOUNDS.find((name) => given.has(name));
  if (asked === undefined || kind !== "process" || names.includes("docker")) return undefined;
  return (
    `${given.label(asked)} needs containers whose limits hold: start the agent as root with ` +
    "--containerizer cgroups, or leave it out"
  );
}

function choiceWithoutName(
  isolation: IsolationOptions["isolation"],
  isRoot: boolean,
): ContainerizerChoice {
  if (isolation !== undefined) {
    return { kind: isolation.size === 0 ? "process" : "cgroups", reason: "ISOLATION" };
  }
  return isRoot ? { kind: "cgroups", reason: "ROOT" } : { kind: "process", reason: "NOT_ROOT" };
}

/** Like "cgroups, as the agent runs as root". */
export function describeChoice({ kind, reason }: ContainerizerChoice): string {
  switch (reason) {
    case "NAMED":
      return kind;
    case "ISOLATION":
      return `${kind}, as --isolation asks`;
    case "ROOT":
      return `${kind}, as the agent runs as root`;
    case "NOT_ROOT":
      return `${kind} (no isolation), as the agent does not run as root`;
    default:
      return unreachable(reason);
  }
}

export function readContainerizers(
  given: GivenOptions,
): Result<readonly ContainerizerName[], string> {
  const text = given.text("containerizers") ?? "mesos";
  const names = text.split(",").map((name) => name.trim());
  const good = names.flatMap((name): ContainerizerName[] =>
    name === "mesos" || name === "docker" ? [name] : [],
  );
  if (good.length === names.length && new Set(good).size === good.length) return ok(good);
  return err(
    `${given.label("containerizers")} '${text}' is none of mesos, docker and mesos,docker`,
  );
}
