import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { Outward, proxyFor, proxyShown } from "../../../agent/outward/outward.ts";
import { outwardTransport } from "../../../agent/outward/transport.ts";
import { createPoster } from "../../../agent/shell/http-post.ts";
import { type Authority, makeAuthority } from "../../support/authority.ts";
import { startProxy, type TestProxy } from "../../support/http-proxy.ts";

/** A name that no resolver knows: who reaches it went through the proxy. */
const HOST = "control-plane.invalid";
const folder = mkdtempSync(join(tmpdir(), "rimrock-outward-"));
let authority: Authority;
let proxy: TestProxy;
const servers: Server[] = [];

beforeAll(() => {
  authority = makeAuthority(folder, HOST);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  proxy = await startProxy();
  for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"]) {
    vi.stubEnv(name, "");
    vi.stubEnv(name.toLowerCase(), "");
  }
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await proxy.close();
});

const echo: RequestListener = (request, response) => {
  request.pipe(response.writeHead(200, { "x-path": request.url ?? "" }));
};

async function serve(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // `listen` on TCP gives an address with a port.
  return (server.address() as AddressInfo).port;
}

const serveSecurely = (): Promise<number> =>
  serve(createHttpsServer({ key: authority.key, cert: authority.cert }, echo));
const postOptions = { timeoutMs: 5_000 };

test("the link goes through the proxy by CONNECT, and trusts the operator's own authority", async () => {
  vi.stubEnv("HTTPS_PROXY", proxy.url);
  const port = await serveSecurely();
  const outward = new Outward({ certificates: authority.ca, keepAlive: true });
  const poster = createPoster(new URL(`https://${HOST}:${port}/base`), outward);
  expect(await poster.post("/x", '{"a":1}', postOptions)).toEqual({ ok: true, value: '{"a":1}' });
  expect(await poster.post("/y", "{}", postOptions)).toEqual({ ok: true, value: "{}" });
  poster.close();
  expect(proxy.asked).toEqual([`CONNECT ${HOST}:${port}`]);
});

test("an authority that nobody named is not trusted, through a proxy neither", async () => {
  vi.stubEnv("HTTPS_PROXY", proxy.url);
  const port = await serveSecurely();
  const outward = new Outward({ keepAlive: false });
  const poster = createPoster(new URL(`https://${HOST}:${port}`), outward);
  expect(await poster.post("/", "{}", postOptions)).toMatchObject({
    error: { code: "UNREACHABLE", errno: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
  });
  poster.close();
});

test("the authorities of NODE_EXTRA_CA_CERTS are trusted beside the given one", async () => {
  vi.stubEnv("HTTPS_PROXY", proxy.url);
  vi.stubEnv("NODE_EXTRA_CA_CERTS", authority.caFile);
  const other = mkdtempSync(join(folder, "other-"));
  const port = await serveSecurely();
  const certificates = makeAuthority(other, "elsewhere.invalid").ca;
  const outward = new Outward({ certificates, keepAlive: false });
  const poster = createPoster(new URL(`https://${HOST}:${port}`), outward);
  expect(await poster.post("/", "{}", postOptions)).toMatchObject({ ok: true });
  poster.close();
});

test("plain HTTP is handed to the proxy whole, with its name and password", async () => {
  const { host } = new URL(proxy.url);
  vi.stubEnv("HTTP_PROXY", `http://me:secret@${host}`);
  const port = await serve(createHttpServer(echo));
  const poster = createPoster(new URL(`http://${HOST}:${port}`), new Outward({ keepAlive: false }));
  expect(await poster.post("/x", "{}", postOptions)).toMatchObject({ ok: true });
  poster.close();
  expect(proxy.asked).toEqual([`POST http://${HOST}:${port}/x`]);
  expect(proxy.credentials).toEqual([`Basic ${btoa("me:secret")}`]);
});

test("a proxy that is not there is told as such, in time", async () => {
  vi.stubEnv("HTTPS_PROXY", "http://127.0.0.1:9");
  const poster = createPoster(new URL(`https://${HOST}`), new Outward({ keepAlive: false }));
  expect(await poster.post("/", "{}", postOptions)).toMatchObject({
    error: { code: "UNREACHABLE", errno: "ECONNREFUSED" },
  });
});

test("NO_PROXY and this machine are reached directly", () => {
  vi.stubEnv("HTTPS_PROXY", "http://p:1");
  vi.stubEnv("HTTP_PROXY", "http://p:2");
  vi.stubEnv("NO_PROXY", ".corp,10.0.0.7");
  const direct = ["https://a.corp", "http://10.0.0.7", "http://localhost:5050", "http://127.0.0.1"];
  expect(direct.map((url) => proxyFor(new URL(url)))).toEqual(direct.map(() => undefined));
  expect(proxyFor(new URL("https://[::1]:1"))).toBeUndefined();
  expect(proxyFor(new URL("https://corp.example"))).toBe("http://p:1");
  expect(proxyFor(new URL("http://10.0.0.8"))).toBe("http://p:2");
});

test("a proxy is shown without its password", () => {
  expect(proxyShown("http://me:secret@p:1")).toBe("http://me:***@p:1");
});

test("the command's transport goes the same way, bodies and statuses as they are", async () => {
  vi.stubEnv("HTTPS_PROXY", proxy.url);
  const port = await serveSecurely();
  const transport = outwardTransport(authority.ca);
  const body = "x".repeat(200_000);
  const request = new Request(`https://${HOST}:${port}/p?q=1`, { method: "POST", body });
  const answer = await transport.send(request, AbortSignal.timeout(5_000));
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-path")).toBe("/p?q=1");
  expect(await answer.text()).toBe(body);
  expect(proxy.asked).toEqual([`CONNECT ${HOST}:${port}`]);
});

test("the command's transport is ended by its signal, before and within an answer", async () => {
  vi.stubEnv("HTTP_PROXY", proxy.url);
  const port = await serve(
    createHttpServer((request, response) => {
      if (request.url === "/half") response.write("half");
    }),
  );
  const transport = outwardTransport();
  const before = new AbortController();
  const waiting = transport.send(new Request(`http://${HOST}:${port}/never`), before.signal);
  before.abort();
  await expect(waiting).rejects.toThrow();
  const within = new AbortController();
  const half = await transport.send(new Request(`http://${HOST}:${port}/half`), within.signal);
  const reader = half.body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("half");
  within.abort();
  await expect(reader?.read()).rejects.toThrow();
});

test("a file of certificates that is no such file does not stop Node's own", () => {
  const path = join(folder, "none.pem");
  writeFileSync(path, "");
  vi.stubEnv("NODE_EXTRA_CA_CERTS", join(folder, "missing.pem"));
  expect(() => new Outward({ certificates: authority.ca, keepAlive: false })).not.toThrow();
});
