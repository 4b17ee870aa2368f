import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { takePort } from "../../../agent/api/port.ts";
import { type Listener, listen } from "../../../agent/api/server.ts";

let meta: string;
const opened: Listener[] = [];

beforeEach(() => {
  meta = mkdtempSync(join(tmpdir(), "rimrock-port-"));
});
afterEach(() => {
  for (const listener of opened.splice(0)) listener.close();
  rmSync(meta, { recursive: true, force: true });
});

const host = "127.0.0.1";

/** Of somebody else. */
async function takenPort(): Promise<number> {
  const listener = await listen({ host, port: 0 });
  if (!listener.ok) throw new Error(listener.error);
  opened.push(listener.value);
  return listener.value.port;
}

async function take(port: number, isPortGiven: boolean): Promise<number | string> {
  const taken = await takePort({ listen: host, port, isPortGiven }, meta);
  if (!taken.ok) return taken.error;
  opened.push(taken.value);
  return taken.value.port;
}

test("a port that was asked for and is taken is refused, and said", async () => {
  const port = await takenPort();
  expect(await take(port, true)).toBe(
    `the API cannot listen at 127.0.0.1:${port}: EADDRINUSE; see --port`,
  );
});

test("the usual port that is taken gives way to a free one, which is had again the next time", async () => {
  const usual = await takenPort();
  const first = await take(usual, false);
  expect(first).not.toBe(usual);
  expect(readFileSync(join(meta, "api-port"), "utf8")).toBe(`${first}\n`);
  for (const listener of opened.splice(0)) listener.close();
  expect(await take(usual, false)).toBe(first);
});

test("a last port that is taken, or that nobody can read, is not insisted on", async () => {
  const last = await takenPort();
  writeFileSync(join(meta, "api-port"), `${last}\n`);
  expect(await take(last, false)).toEqual(expect.any(Number));
  writeFileSync(join(meta, "api-port"), "99999");
  expect(await take(last, false)).toEqual(expect.any(Number));
});

test("an address that is not this machine's is refused, whoever chose the port", async () => {
  const taken = await takePort({ listen: "192.0.2.1", port: 5051, isPortGiven: false }, meta);
  expect(taken).toMatchObject({ ok: false, error: expect.stringContaining("EADDRNOTAVAIL") });
});
