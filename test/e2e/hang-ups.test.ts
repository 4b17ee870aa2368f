/** Clients that leave in the middle: whatever moment they choose, nothing is held for them. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { endEverything, startCluster, until } from "./harness.ts";
import { RawConnection } from "./raw-connection.ts";

afterEach(endEverything);

interface Frameworks {
  readonly frameworks: readonly unknown[];
  readonly completed_frameworks: readonly unknown[];
}

test("frameworks that hang up while they subscribe are gone soon, and their offers free", async () => {
  const { url } = await startCluster({ agents: 1 });
  const port = Number(new URL(url).port);
  const info = { user: "nobody", name: "hangs up", roles: ["r"] };
  const capabilities = [{ type: "MULTI_ROLE" }];
  const body = JSON.stringify({
    type: "SUBSCRIBE",
    subscribe: { framework_info: { ...info, capabilities } },
  });
  const head = [
    "POST /api/v1/scheduler HTTP/1.1",
    "Host: cluster",
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
  ].join("\r\n");
  for (let count = 0; count < 40; count++) {
    const connection = await RawConnection.open(port);
    connection.send(`${head}\r\n\r\n${body}`);
    // From before the request is read to after the first events are on their way.
    await sleep(count / 2);
    connection.close();
  }
  const frameworks = async (): Promise<{ live: number; gone: number }> => {
    const answer = (await (await fetch(`${url}/frameworks`)).json()) as Frameworks;
    return { live: answer.frameworks.length, gone: answer.completed_frameworks.length };
  };
  await until(async () => (await frameworks()).live === 0, {
    what: () => "all are gone",
    withinMs: 40_000,
  });
  expect((await frameworks()).gone).toBeGreaterThan(0);
  const { slaves } = (await (await fetch(`${url}/slaves`)).json()) as {
    slaves: readonly { offered_resources: { cpus: number } }[];
  };
  expect(slaves.map(({ offered_resources: { cpus } }) => cpus)).toEqual([0]);
});
