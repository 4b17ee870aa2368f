import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Outward } from "../../../../agent/outward/outward.ts";
import { FetchCache } from "../../../../agent/shell/fetcher/cache.ts";
import { FETCH_LIMITS, fetchUris } from "../../../../agent/shell/fetcher/fetcher.ts";
import type * as mesos from "../../../../worker/protocol/v1/mesos.ts";
import { ok } from "../../../../worker/std/result.ts";
import { startProxy } from "../../../support/http-proxy.ts";

let folder = "";
let server: Server;
let url = "";
let asked: string[] = [];
let answer: RequestListener;
const said: string[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "rimrock-cache-"));
  asked = [];
  said.length = 0;
  answer = (_request, response) => response.end("content");
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // `listen` on TCP gives an address with a port.
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

let sandboxes = 0;
async function fetch(
  cache: FetchCache,
  uri: Partial<mesos.CommandInfoURI> & { value: string },
  signal = new AbortController().signal,
): Promise<{ error: string | undefined; sandbox: string }> {
  const sandbox = join(folder, `sandbox-${++sandboxes}`);
  mkdirSync(sandbox);
  const outward = new Outward({ keepAlive: false });
  const say = (line: string): void => void said.push(line);
  const uris = [{ cache: true, ...uri }];
  const workDirectory = join(folder, "fetch");
  const request = { uris, directory: sandbox, workDirectory, account: undefined };
  const fetched = await fetchUris({ ...request, signal, outward, cache, say }, FETCH_LIMITS);
  return { error: fetched.ok ? undefined : fetched.error, sandbox };
}

const newCache = (bytesMax = 1_000): FetchCache => new FetchCache(join(folder, "fetch"), bytesMax);
const read = (sandbox: string, name: string): string => readFileSync(join(sandbox, name), "utf8");

test("many tasks cause one download, and each gets a file of its own", async () => {
  const cache = newCache();
  const all = await Promise.all([1, 2, 3].map(() => fetch(cache, { value: `${url}/f` })));
  for (const { error, sandbox } of all) {
    expect(error).toBeUndefined();
    expect(read(sandbox, "f")).toBe("content");
  }
  const later = await fetch(cache, { value: `${url}/f`, output_file: "other" });
  expect(read(later.sandbox, "other")).toBe("content");
  expect(asked).toEqual(["/f"]);
  expect(cache.bytesUsed).toBe(7);
});

test("without `cache` every task downloads for itself", async () => {
  const cache = newCache();
  await fetch(cache, { value: `${url}/f`, cache: false });
  await fetch(cache, { value: `${url}/f`, cache: false });
  expect(asked).toHaveLength(2);
  expect(cache.bytesUsed).toBe(0);
});

test("a failed download is told to all who wait, and tried again by the next", async () => {
  const cache = newCache();
  answer = (_request, response) => response.writeHead(503).end();
  const both = await Promise.all([1, 2].map(() => fetch(cache, { value: `${url}/f` })));
  expect(both.map(({ error }) => error)).toEqual([1, 2].map(() => expect.stringMatching(/503/)));
  answer = (_request, response) => response.end("now");
  const again = await fetch(cache, { value: `${url}/f` });
  expect(again.error).toBeUndefined();
  expect(read(again.sandbox, "f")).toBe("now");
});

test("beyond the bound the least recently used goes", async () => {
  const cache = newCache(14);
  for (const name of ["a", "b", "a", "c", "a", "b"])
    await fetch(cache, { value: `${url}/${name}` });
  expect(asked).toEqual(["/a", "/b", "/c", "/b"]);
  expect(cache.bytesUsed).toBe(14);
  expect(readdirSync(join(folder, "fetch"))).toHaveLength(2);
});

test("what is larger than the whole cache is fetched all the same, and does not stay", async () => {
  const cache = newCache(5);
  const { sandbox } = await fetch(cache, { value: `${url}/f` });
  expect(read(sandbox, "f")).toBe("content");
  expect(cache.bytesUsed).toBe(0);
});

test("a task that is killed ends its own wait; the download goes on for the others", async () => {
  const cache = newCache();
  let finish = (): void => {};
  const begun = new Promise<void>((resolve) => {
    answer = (_request, response) => {
      response.write("con");
      finish = () => response.end("tent");
      resolve();
    };
  });
  const killed = new AbortController();
  const first = fetch(cache, { value: `${url}/f` }, killed.signal);
  const second = fetch(cache, { value: `${url}/f` });
  await begun;
  killed.abort();
  expect((await first).error).toMatch(/cancelled/);
  finish();
  expect(read((await second).sandbox, "f")).toBe("content");
  expect(asked).toHaveLength(1);
});

test("when nobody waits any more the download ends", async () => {
  const cache = newCache();
  const closed = new Promise<void>((resolve) => {
    answer = (_request, response) => {
      response.write("con");
      response.once("close", () => resolve());
    };
  });
  const killed = new AbortController();
  const only = fetch(cache, { value: `${url}/f` }, killed.signal);
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  killed.abort();
  await only;
  await closed;
  await vi.waitFor(() => expect(readdirSync(join(folder, "fetch"))).toEqual([]));
});

test("accounts do not share files, and a new process begins with an empty cache", async () => {
  const cache = newCache();
  const signal = new AbortController().signal;
  const downloads: string[] = [];
  for (const key of ["0 u", "1 u", "0 u"]) {
    const taken = await cache.take(
      key,
      async (file) => {
        downloads.push(key);
        await file.appendFile("x");
        return ok(undefined);
      },
      signal,
    );
    if (taken.ok) taken.value.release();
  }
  expect(downloads).toEqual(["0 u", "1 u"]);
  newCache();
  expect(existsSync(join(folder, "fetch"))).toBe(false);
});

test("an archive that came from the cache is unpacked and does not stay", async () => {
  const cache = newCache(1_000_000);
  mkdirSync(join(folder, "in"));
  execFileSync("tar", ["-czf", "a.tgz", "in"], { cwd: folder });
  const bytes = readFileSync(join(folder, "a.tgz"));
  answer = (_request, response) => response.end(bytes);
  const { error, sandbox } = await fetch(cache, { value: `${url}/a.tgz` });
  expect(error).toBeUndefined();
  expect(readdirSync(sandbox)).toEqual(["in"]);
});

test("the proxy of the environment is asked", async () => {
  const proxy = await startProxy();
  vi.stubEnv("HTTP_PROXY", proxy.url);
  vi.stubEnv("http_proxy", proxy.url);
  vi.stubEnv("NO_PROXY", "");
  vi.stubEnv("no_proxy", "");
  const { port } = new URL(url);
  const { error } = await fetch(newCache(), {
    value: `http://files.invalid:${port}/f`,
    cache: false,
  });
  expect(error).toBeUndefined();
  expect(proxy.asked).toEqual([`GET http://files.invalid:${port}/f`]);
  await proxy.close();
});
