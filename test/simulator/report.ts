/** A failure as a text: what, when, what led to it, and how to see it again. */
import { type FaultKind, faultKinds } from "./options.ts";
import type { Failure } from "./simulate.ts";

export function failureText(
  { options, message, atMs, trace }: Failure,
  { long, without }: { readonly long: boolean; readonly without: readonly FaultKind[] },
): string {
  const left = faultKinds.filter((kind) => options.faults[kind] > 0);
  const again = [
    `npm run sim -- --seed ${options.seed} --trace`,
    ...(long ? ["--long"] : []),
    ...(options.restartAlways ? ["--restarts"] : []),
    ...(without.length > 0 ? [`--without ${without.join(",")}`] : []),
  ];
  return [
    `seed ${options.seed} fails at ${(atMs / 1_000).toFixed(3)} s: ${message}`,
    ...trace,
    `faults: ${left.join(" ") || "none"}`,
    `again:  ${again.join(" ")}`,
    "",
  ].join("\n");
}
