import { mkdtempSync } from "node:fs";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { makeAuthority } from "../support/authority.ts";
import { startProxy } from "../support/http-proxy.ts";
import {
  endEverything,
  newFolder,
  rimrock,
  startAgent,
  startCluster,
  type TestProcess,
  until,
} from "./harness.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await endEverything();
});

/** A name that no resolver knows: who reaches it went through the proxy. */
const HOST = "control-plane.invalid";
const textOf = ({ out, err }: TestProcess): string => [...out, ...err].join("\n");

/** HTTPS in front of `url`, as a company's own gateway has it; its port. */
async function serveSecurely(url: string, authority: { key: string; cert: string }) {
  const { port } = new URL(url);
  const server = createServer({ key: authority.key, cert: authority.cert });
  // The bytes inside the TLS connections, as they are.
  server.on("secureConnection", (client) => {
    const onward = connect(Number(port), "127.0.0.1");
    client.pipe(onward).pipe(client);
    client.on("error", () => onward.destroy());
    onward.on("error", () => client.destroy());
  });
  server.removeAllListeners("request");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  // `listen` on TCP gives an address with a port.
  return (server.address() as AddressInfo).port;
}

test("agent and command work behind a proxy, with an authority of the company's own", async () => {
  const cluster = await startCluster({ agents: 0 });
  const authority = makeAuthority(mkdtempSync(join(tmpdir(), "rimrock-ca-")), HOST);
  const port = await serveSecurely(cluster.url, authority);
  const proxy = await startProxy();
  ends.push(() => proxy.close());
  const master = `https://${HOST}:${port}`;
  const env = { HTTPS_PROXY: proxy.url, NO_PROXY: "" };

  const lost = rimrock(["agent", "list", "--master", master], { env });
  expect(await lost.ended).toBe(1);
  expect(textOf(lost)).toMatch(/certificate|UNABLE_TO_VERIFY/i);

  const given = ["--ca", authority.caFile];
  const agent = startAgent(master, newFolder(), [...given, "--resources", "cpus:1;mem:256"], env);
  await until(() => /registered as/.test(textOf(agent)), {
    what: () => `the agent joins through the proxy:\n${textOf(agent)}`,
    unless: () => agent.child.exitCode !== null,
  });
  const run = rimrock(
    [
      "run",
      "--master",
      master,
      ...given,
      "--cpus",
      "0.1",
      "--",
      "sh",
      "-c",
      "echo through; exit 4",
    ],
    { env },
  );
  expect(await run.ended, textOf(run)).toBe(4);
  expect(run.out).toContain("through");
  expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${HOST}:${port}`]));
});
