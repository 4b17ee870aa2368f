/**
 * How many calls a second one framework can make, through the front door: DECLINE of live offers,
 * beside SUPPRESS of one more role, which does nothing but write one row.
 */
import { endEverything, startCluster } from "../e2e/harness.ts";
import type { Benchmark, Figure, Measured } from "./figure.ts";
import { PaperAgent } from "./paper-agent.ts";
import { RawFramework } from "./raw-framework.ts";

const AGENTS = 1_000;
const ROUNDS = 5;
/** Of each framework that suppresses one role after the other. */
const ROLES = Array.from({ length: 20 }, (_, n) => `role-${n}`);

function decline(connections: number, atLeast: number): Figure {
  const name = `DECLINE of live offers, ${connections} connection${connections > 1 ? "s" : ""}`;
  return { name, unit: "calls/s", budget: { atLeast } };
}
function beside(connections: number): Figure {
  const name = `the same ÷ calls that only write one row, ${connections} connection(s)`;
  return { name, unit: "times", budget: { atLeast: 0.5 } };
}

export const declines: Benchmark = {
  name: "decline",
  async measure(): Promise<readonly Measured[]> {
    // The agents exist on paper only, and say nothing while this lasts.
    const env = { RIMROCK_AGENT_PING_TIMEOUT: "15mins" };
    const cluster = await startCluster({ agents: 0, env });
    const agents = Array.from({ length: AGENTS }, () => {
      return new PaperAgent(cluster.url, { cpus: 1, mem: 1_000, reservedTo: "bench" });
    });
    try {
      for (let at = 0; at < AGENTS; at += 50) {
        const some = agents.slice(at, at + 50);
        await Promise.all(some.map((agent) => agent.register({ polls: false })));
      }
      const one = await atConnections(cluster.url, 1, 600);
      const many = await atConnections(cluster.url, 32, 1_800);
      return [...one, ...many];
    } finally {
      for (const agent of agents) agent.stop();
      await endEverything();
    }
  },
};

async function atConnections(url: string, connections: number, atLeast: number) {
  const framework = new RawFramework(url, connections);
  await framework.subscribe(["bench"]);
  const rates: number[] = [];
  const ratios: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const offers = await framework.takeOffers(AGENTS);
    const declined = await perSecond(connections, offers, (id) => {
      return framework.call({ type: "DECLINE", decline: { offer_ids: [{ value: id }] } });
    });
    // All resources are reserved to the first framework: the others are offered nothing.
    const written = await suppressions(url, connections);
    if (round >= 0) rates.push(declined);
    if (round >= 0) ratios.push(declined / written);
    await framework.call({ type: "REVIVE" });
  }
  framework.close();
  return [
    { figure: decline(connections, atLeast), samples: rates },
    { figure: beside(connections), samples: ratios },
  ];
}

/** Calls a second that write one row each: a role more is suppressed. */
async function suppressions(url: string, connections: number): Promise<number> {
  const writers = Array.from({ length: 25 }, () => new RawFramework(url, connections));
  for (const writer of writers) await writer.subscribe(ROLES);
  const calls = ROLES.flatMap((role) => writers.map((writer) => ({ role, writer })));
  const rate = await perSecond(connections, calls, ({ role, writer }) => {
    return writer.call({ type: "SUPPRESS", suppress: { roles: [role] } });
  });
  for (const writer of writers) writer.close();
  return rate;
}

async function perSecond<T>(
  connections: number,
  calls: readonly T[],
  call: (each: T) => Promise<void>,
): Promise<number> {
  const startMs = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let each = calls[next++]; each !== undefined; each = calls[next++]) await call(each);
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return (calls.length * 1_000) / (performance.now() - startMs);
}
