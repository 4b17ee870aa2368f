/** A framework whose client hangs up: on this machine the master knows at once, as a Mesos does. */
import { type IncomingMessage, request } from "node:http";
import { afterEach, expect, test } from "vitest";
import { endEverything, startCluster, until } from "./harness.ts";

afterEach(endEverything);

/** A stream that was opened, and its first bytes read. */
function subscribe(url: string, name: string, failover_timeout: number): Promise<IncomingMessage> {
  const framework_info = { user: "root", name, failover_timeout };
  const body = JSON.stringify({ type: "SUBSCRIBE", subscribe: { framework_info } });
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  const path = new URL("/api/v1/scheduler", url);
  return new Promise((resolve, reject) => {
    const asked = request(path, { method: "POST", headers, agent: false }, (answer) => {
      answer.once("data", () => resolve(answer));
      answer.on("error", () => {});
    });
    asked.on("error", reject).end(body);
  });
}

interface Frameworks {
  readonly frameworks: readonly { readonly name: string; readonly connected: boolean }[];
}

async function frameworks(url: string): Promise<Frameworks["frameworks"]> {
  const answer = await fetch(`${url}/frameworks`);
  // The document of that path.
  return ((await answer.json()) as Frameworks).frameworks;
}

test("a client that hangs up starts its failover timeout at once, and nobody else's", async () => {
  const cluster = await startCluster({ agents: 0 });
  const [leaves] = [
    await subscribe(cluster.url, "leaves", 3_600),
    await subscribe(cluster.url, "stays", 3_600),
  ];
  const gone = await subscribe(cluster.url, "ends with its stream", 0);
  const leftAtMs = performance.now();
  leaves.destroy();
  gone.destroy();
  const known = await until(
    async () => {
      const all = await frameworks(cluster.url);
      return all.length === 2 && all.some(({ connected }) => !connected) ? all : undefined;
    },
    { what: () => "the master knows" },
  );
  expect(performance.now() - leftAtMs).toBeLessThan(2_000);
  const facts = known.map(({ name, connected }) => `${name} ${connected}`);
  expect(facts.sort()).toEqual(["leaves false", "stays true"]);
});

test("a front door that is ended does not say that its clients hung up", async () => {
  const cluster = await startCluster({ agents: 0 });
  await subscribe(cluster.url, "stays", 0);
  const before = await until(() => cluster.pidOf("front-door"), { what: () => "it runs" });
  // It closes every connection on its way out.
  process.kill(before, "SIGTERM");
  const seen = await until(() => frameworks(cluster.url).catch(() => undefined), {
    what: () => "there is a front door again",
  });
  expect(seen.map(({ name }) => name)).toEqual(["stays"]);
});
