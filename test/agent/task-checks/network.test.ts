import { spawn } from "node:child_process";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { HttpCheck } from "../../../agent/task-checks/definition.ts";
import { checkNetwork } from "../../../agent/task-checks/network.ts";
import { makeAuthority } from "../../support/authority.ts";
import { requirement } from "../../support/require.ts";
import { agentBundle, cleanUp, temporaryDirectory } from "../shell/agent-process.ts";

const servers: { close(): unknown }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => cleanUp());

const never = new AbortController().signal;
const here = { pid: undefined, program: [] };

async function serve(listener: RequestListener): Promise<number> {
  return await listening(createServer(listener));
}

/** The port of a server that ends with its test. */
async function listening(server: Server | TlsServer, host = "127.0.0.1"): Promise<number> {
  servers.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  // A server that listens on TCP has an address with a port.
  return (server.address() as AddressInfo).port;
}

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const http = (port: number, path = "/"): HttpCheck => ({
  ...{ type: "HTTP", scheme: "http", host: "127.0.0.1" },
  ...{ port, path },
});

describe("an HTTP check", () => {
  test("asks for its path and gives the status, without waiting for the whole answer", async () => {
    const asked: string[] = [];
    const port = await serve((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.writeHead(503).write("never ends");
    });
    const result = await checkNetwork(http(port, "/healthz?a=b"), here, never);
    expect(result).toEqual({ kind: "STATUS_CODE", code: 503 });
    expect(asked).toEqual(["GET /healthz?a=b"]);
  });

  test("over HTTPS asks nobody who he is", async () => {
    const folder = temporaryDirectory();
    const { key, cert } = makeAuthority(folder, "somewhere.else");
    const server = createTlsServer({ key, cert }, (_request, response) => {
      response.writeHead(204).end();
    });
    const check = { ...http(await listening(server)), scheme: "https" } as const;
    expect(await checkNetwork(check, here, never)).toEqual({ kind: "STATUS_CODE", code: 204 });
    const plain = { ...check, scheme: "http" } as const;
    expect(await checkNetwork(plain, here, never)).toMatchObject({ kind: "NONE" });
  });

  test("over IPv6 reaches who listens there alone", async () => {
    const server = createServer((_request, response) => void response.writeHead(200).end());
    const port = await listening(server, "::1");
    const check = { ...http(port), host: "::1" };
    expect(await checkNetwork(check, here, never)).toEqual({ kind: "STATUS_CODE", code: 200 });
    const tcp = { type: "TCP", host: "::1", port } as const;
    expect(await checkNetwork(tcp, here, never)).toEqual({ kind: "CONNECTION", succeeded: true });
    expect(await checkNetwork(http(port), here, never)).toMatchObject({ kind: "NONE" });
  });

  test("follows redirects, but not for ever, and not to what is no HTTP", async () => {
    const port = await serve(({ url }, response) => {
      const targets: Readonly<Record<string, string>> = {
        "/a": "/b",
        "/loop": "/loop",
        "/file": "file:///etc/passwd",
      };
      const location = targets[url ?? ""];
      if (location === undefined) response.writeHead(204).end();
      else response.writeHead(302, { location }).end();
    });
    const statusAt = (path: string) => checkNetwork(http(port, path), here, never);
    expect(await statusAt("/a")).toEqual({ kind: "STATUS_CODE", code: 204 });
    expect(await statusAt("/file")).toEqual({ kind: "STATUS_CODE", code: 302 });
    expect(await statusAt("/loop")).toMatchObject({
      kind: "NONE",
      why: expect.stringMatching(/redirects/),
    });
  });

  test("that nobody answers says why", async () => {
    const port = await closedPort();
    const result = await checkNetwork(http(port), here, never);
    expect(result).toEqual({
      kind: "NONE",
      why: `connection refused at http://127.0.0.1:${port}`,
    });
  });

  test("that is not answered in time ends with its time", async () => {
    const port = await serve(() => {});
    const result = await checkNetwork(http(port), here, AbortSignal.timeout(50));
    expect(result).toMatchObject({ kind: "NONE", why: expect.stringMatching(/in time/) });
  });
});

describe("a TCP check", () => {
  test("tells whether somebody listens", async () => {
    const port = await serve(() => {});
    const tcp = (at: number) => ({ type: "TCP", host: "127.0.0.1", port: at }) as const;
    expect(await checkNetwork(tcp(port), here, never)).toEqual({
      kind: "CONNECTION",
      succeeded: true,
    });
    const closed = await closedPort();
    expect(await checkNetwork(tcp(closed), here, never)).toMatchObject({
      kind: "CONNECTION",
      succeeded: false,
      why: `connection refused at 127.0.0.1:${closed}`,
    });
  });
});

const root = requirement("root");
describe.skipIf(root.missing)(root.title("a task with a network of its own"), () => {
  test("is checked there, where the machine's own ports are not", async () => {
    const machinePort = await serve((_, response) => response.end());
    const port = 8_080;
    const program = `require("http").createServer((_, r) => { r.statusCode = 418; r.end() }).listen(${port}, "127.0.0.1")`;
    const shell = `ip link set lo up && exec "$0" -e '${program}'`;
    const task = spawn("unshare", ["--net", "sh", "-c", shell, process.execPath]);
    servers.push({ close: () => task.kill("SIGKILL") });
    const there = { pid: task.pid, program: [process.execPath, await agentBundle()] };
    const statusOf = () => checkNetwork(http(port), there, never);
    let result = await statusOf();
    for (let tries = 0; result.kind !== "STATUS_CODE" && tries < 50; tries++) {
      await sleep(100);
      result = await statusOf();
    }
    expect(result).toEqual({ kind: "STATUS_CODE", code: 418 });
    const machines = await checkNetwork(
      { type: "TCP", host: "127.0.0.1", port: machinePort },
      there,
      never,
    );
    expect(machines).toMatchObject({ kind: "CONNECTION", succeeded: false });
  });
});
