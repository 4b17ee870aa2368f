/** Clients of the agent's API that do not behave, and tasks that change a file under it. */
import { truncateSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { endMasters, joined } from "../shell/agent-lab.ts";
import { cleanUp } from "../shell/agent-process.ts";

afterEach(async () => {
  await endMasters();
  await cleanUp();
});

async function open() {
  const lab = await joined("--insecure-local");
  const port = Number(/API at http:\/\/127\.0\.0\.1:(\d+)/.exec(lab.agent.log())?.[1]);
  return { ...lab, port };
}

/** Everything that comes back on a connection until the other side closes it. */
function conversation(port: number, text: string): { socket: Socket; whole: Promise<string> } {
  const socket = connect(port, "127.0.0.1");
  const pieces: Buffer[] = [];
  socket.on("data", (piece) => pieces.push(piece));
  const whole = new Promise<string>((resolve) => {
    socket.on("error", () => {});
    socket.on("close", () => resolve(Buffer.concat(pieces).toString("latin1")));
  });
  socket.write(text);
  return { socket, whole };
}

async function isServing(port: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/health`)).status === 200;
}

test("bytes that are no request are refused, and nobody else notices", async () => {
  const { port } = await open();
  const head = `Host: 127.0.0.1:${port}\r\n`;
  const refused = async (text: string): Promise<string> =>
    (await conversation(port, text).whole).split("\r\n")[0] ?? "";
  expect(await refused("nonsense\r\n\r\n")).toContain(" 400 ");
  expect(await refused(`GET / HTTP/1.1\r\nX: ${"x".repeat(100_000)}\r\n\r\n`)).toContain(" 431 ");
  const both = "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n";
  expect(await refused(`POST /api/v1 HTTP/1.1\r\n${head}${both}\r\n0\r\n\r\n`)).toContain(" 400 ");
  expect(await isServing(port)).toBe(true);
});

test("a client that leaves in the middle of its request leaves no word in the log", async () => {
  const { port, agent } = await open();
  const head = `Host: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n`;
  const { socket, whole } = conversation(port, `POST /api/v1 HTTP/1.1\r\n${head}\r\n{"type":`);
  await sleep(100);
  socket.destroy();
  await whole;
  expect(await isServing(port)).toBe(true);
  expect(agent.log()).not.toContain("failed");
});

test("a body that is too long is refused before its end, and the connection with it", async () => {
  const { port } = await open();
  const head = `Host: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n`;
  const start = `POST /api/v1 HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n\r\n`;
  const piece = `100000\r\n${"x".repeat(0x100000)}\r\n`;
  const { socket, whole } = conversation(port, start);
  for (let sent = 0; sent < 9 && !socket.destroyed; sent++) socket.write(piece);
  expect((await whole).split("\r\n")[0]).toContain(" 413 ");
});

test("a file that its task cuts during a download ends the connection, not the client's time", async () => {
  const { port, master, workDirectory } = await open();
  master.run("t1", "exec sleep 1000");
  await master.state("t1", "TASK_RUNNING");
  const answer = await fetch(`http://127.0.0.1:${port}/state`);
  const state = JSON.parse(await answer.text());
  const { directory } = state.frameworks[0].executors[0];
  expect(directory.startsWith(workDirectory)).toBe(true);
  const file = join(directory, "big");
  writeFileSync(file, Buffer.alloc(64 * 1024 * 1024));
  const head = `Host: 127.0.0.1:${port}\r\n`;
  const request = `GET /files/download?path=${directory}/big HTTP/1.1\r\n${head}\r\n`;
  const { socket, whole } = conversation(port, request);
  socket.once("data", () => {
    socket.pause();
    truncateSync(file, 1024);
    setTimeout(() => socket.resume(), 200);
  });
  expect((await whole).length).toBeLessThan(64 * 1024 * 1024);
});
