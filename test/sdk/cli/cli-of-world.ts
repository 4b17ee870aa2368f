/** The command line on a real master in this process, after the lines of a transcript. */
import { createCounters } from "../../../worker/core/metrics/counters.ts";
import { LongReads } from "../../../worker/durable/long-reads.ts";
import { askOwn } from "../../../worker/durable/reads.ts";
import { Slices } from "../../../worker/durable/slices.ts";
import { edge } from "../../http/edge.ts";
import { play } from "../../scenarios/play.ts";
import { World } from "../../scenarios/world.ts";
import { FakeCli } from "./fake-cli.ts";

export function cliOf(...lines: readonly string[]): {
  readonly cli: FakeCli;
  readonly world: World;
} {
  const world = new World();
  for (const line of lines) play(world, line);
  const reads = new LongReads(new Slices());
  const { request } = edge({
    master: {
      ask: (_principal, call) => {
        const { state, nowMs } = world.host;
        const reading = { state, nowMs, counters: createCounters(), shell: {}, loggingLevel: 0 };
        return askOwn(reads, () => reading, call);
      },
    },
  });
  const cli = new FakeCli();
  cli.master.other = async (asked) => {
    const { pathname, search } = new URL(asked.url);
    const { method, headers } = asked;
    const body = method === "GET" ? undefined : await asked.text();
    return request(`${pathname}${search}`, { method, headers, body });
  };
  return { cli, world };
}

/** Ids as the transcript's words call them. */
export function told({ cli, world }: ReturnType<typeof cliOf>): string {
  return cli.out.replaceAll(/[0-9a-f-]{36}-(?:S\d+|\d{4})/g, (id) => world.nameOf(id));
}
