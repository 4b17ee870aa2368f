/**
 * The allocator's engine inside workerd. `/prepare?at=N` makes the cluster of the workload with
 * that number, `/run?runs=N` runs it. Clocks stand still in here, so that time is taken outside.
 */
import { prepare, workloads } from "./allocator-workloads.ts";

let run: (() => number) | undefined;

// biome-ignore lint/style/noDefaultExport: the platform looks for it.
export default {
  fetch(request: Request): Response {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/prepare") {
      const workload = workloads[Number(searchParams.get("at"))];
      if (workload === undefined) return new Response("no such workload", { status: 404 });
      const { cluster, cycle } = prepare(workload);
      run = () => workload.run(cycle, cluster);
      return new Response();
    }
    for (let n = 0; n < Number(searchParams.get("runs")); n++) run?.();
    return new Response();
  },
};
