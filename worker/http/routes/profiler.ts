import { noProfiler } from "../respond-process.ts";

/** `/profiler/*` and `/memory-profiler/*`, whatever is asked of them. */
export function profilerRoute(): Response {
  return noProfiler();
}
