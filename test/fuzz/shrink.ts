/** The fewest requests with which the same thing still happens. */
import { Episode, type Failure } from "./episode.ts";
import type { FuzzRequest } from "./request.ts";

/** As long as it may take to find them, ms. */
const PATIENCE_MS = 60_000;

/** Leaves out ever smaller blocks of requests (ddmin by complements), never the last one. */
export async function shrink(failure: Failure): Promise<Failure> {
  const startMs = performance.now();
  const kind = kindOf(failure.fact);
  let smallest = failure;
  for (let size = smallest.requests.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < smallest.requests.length - 1; ) {
      if (performance.now() - startMs > PATIENCE_MS) return smallest;
      const tried = without(smallest.requests, at, size);
      const again = await new Episode().repeat(tried);
      if (again !== undefined && kindOf(again.fact) === kind) smallest = again;
      else at += size;
    }
  }
  return smallest;
}

function without(requests: readonly FuzzRequest[], at: number, size: number): FuzzRequest[] {
  const end = Math.min(at + size, requests.length - 1);
  return requests.filter((_, index) => index < at || index >= end);
}

/** Without the names and numbers that differ from run to run. */
function kindOf(fact: string): string {
  return (fact.split("\n")[0] ?? "").replaceAll(/[\w-]*\d[\w-]*/g, "#");
}
