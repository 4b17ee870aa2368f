/**
 * Bytes that no honest client sends, against a front door before a stand-in for workerd: what
 * passes, what is refused, and that others are served meanwhile.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { prng } from "../../worker/std/prng.ts";
import { bodyOf, closeDoors, connect, doorBefore, MAX_REQUEST_BYTES } from "./door.ts";
import { ConnectionEnded, type RawConnection } from "./raw-connection.ts";

afterEach(closeDoors);

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

/** A front door that notes what passes it; everything whole is answered with 202. */
async function noting(options: Parameters<typeof doorBefore>[1] = {}): Promise<{
  readonly port: number;
  readonly seen: readonly Seen[];
}> {
  const seen: Seen[] = [];
  const port = await doorBefore(async (request, response) => {
    const body = await bodyOf(request).catch(() => undefined);
    if (body === undefined) return;
    seen.push({ method: request.method ?? "", url: request.url ?? "", body });
    response.writeHead(202, { "Content-Length": 0 }).end();
  }, options);
  return { port, seen };
}

const post = (headers: string, body: string): string =>
  `POST /api/v1 HTTP/1.1\r\nHost: h\r\n${headers}\r\n\r\n${body}`;
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
const CHUNKED = "Transfer-Encoding: chunked";

/** The answer, its body read. */
async function answerOf(connection: RawConnection): Promise<number> {
  const { status, lines } = await connection.readHead();
  const length = lines.find((line) => /^content-length:/i.test(line))?.split(":")[1];
  await connection.readBytes(Number(length ?? 0));
  return status;
}

async function isServed(port: number): Promise<boolean> {
  const connection = await connect(port);
  connection.send(get("/health"));
  return (await answerOf(connection)) === 202;
}

describe("framing", () => {
  const refused: Readonly<Record<string, string>> = {
    "two lengths": post("Content-Length: 2\r\nContent-Length: 3", "abc"),
    "a length and chunks": post(`Content-Length: 2\r\n${CHUNKED}`, "0\r\n\r\n"),
    "chunks and a length": post(`${CHUNKED}\r\nContent-Length: 2`, "0\r\n\r\n"),
    "a negative length": post("Content-Length: -2", "ab"),
    "a length with a sign": post("Content-Length: +2", "ab"),
    "a length in hexadecimal": post("Content-Length: 0x2", "ab"),
    "a length above 64 bits": post("Content-Length: 18446744073709551616", "ab"),
    "a length in a trailer": post(CHUNKED, "1\r\na\r\n0\r\nContent-Length: 9\r\n\r\n"),
    "an encoding behind chunks": post("Transfer-Encoding: chunked, identity", "0\r\n\r\n"),
    "an encoding that is none": post("Transfer-Encoding: xchunked", "0\r\n\r\n"),
    "a chunk size that is none": post(CHUNKED, "zz\r\nab\r\n0\r\n\r\n"),
    "a negative chunk size": post(CHUNKED, "-1\r\na\r\n0\r\n\r\n"),
    "a chunk size above 64 bits": post(CHUNKED, "10000000000000000\r\na\r\n"),
    "a chunk longer than its size": post(CHUNKED, "1\r\nabc\r\n0\r\n\r\n"),
    "a header name with a space": post("Content-Length : 2", "ab"),
    "a folded header": post("X-A: 1\r\n Content-Length: 2\r\nContent-Length: 2", "ab"),
    "a bare line feed within a header": post("X-A: 1\nContent-Length: 2", "ab"),
    "a carriage return within a header": post("X-A: 1\rX-B: 2", ""),
    "a NUL within a header": post("X-A: \0", ""),
    "no host": "GET / HTTP/1.1\r\n\r\n",
    "an empty request line": " \r\n\r\n",
    "a method that is none": "FROB / HTTP/1.1\r\nHost: h\r\n\r\n",
    "a request line without a path": "GET HTTP/1.1\r\nHost: h\r\n\r\n",
    "no path": "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
    "another scheme": "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
    "an absolute target without a host": "GET http:///health HTTP/1.1\r\nHost: h\r\n\r\n",
    "a host with a space": "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a host with a path": "GET / HTTP/1.1\r\nHost: a/../b\r\n\r\n",
    "a host that is not ASCII": "GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
    "an address that does not end": "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
    "an empty host": "GET / HTTP/1.1\r\nHost: \r\n\r\n",
    "two hosts": "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a NUL within the path": "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n",
    "a tab within the path": "GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n",
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    TLS: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  };

  test.each(Object.entries(refused))("%s is refused, once", async (_, text) => {
    const { port, seen } = await noting();
    const connection = await connect(port);
    connection.send(Buffer.from(text, "latin1"));
    expect((await connection.readHead()).status).toBe(400);
    connection.socket.end();
    // No second answer follows the first.
    expect((await connection.readToEnd()).toString()).not.toMatch(/HTTP\/1\.1 \d/);
    expect(seen).toEqual([]);
    expect(await isServed(port)).toBe(true);
  });

  test("an absolute target is its path at its host", async () => {
    const heads: (readonly [string, string])[] = [];
    const port = await doorBefore((request, response) => {
      heads.push([request.url ?? "", request.headers.host ?? ""]);
      response.end();
    });
    const connection = await connect(port);
    for (const target of ["http://a:1/x?y=1", "HTTP://b", "https://[::1]:5050/?z"]) {
      connection.send(`GET ${target} HTTP/1.1\r\nHost: other\r\n\r\n`);
      expect((await connection.readHead()).status).toBe(200);
    }
    expect(heads).toEqual([
      ["/x?y=1", "a:1"],
      ["/", "b"],
      ["/?z", "[::1]:5050"],
    ]);
  });

  test("HTTP/1.0 without a Host is served, CONNECT is refused", async () => {
    const { port } = await noting();
    const old = await connect(port);
    old.send("GET /health HTTP/1.0\r\n\r\n");
    expect((await old.readHead()).status).toBe(202);
    const tunnel = await connect(port);
    tunnel.send("CONNECT other:80 HTTP/1.1\r\nHost: other:80\r\n\r\n");
    expect((await tunnel.readHead()).status).toBe(405);
  });

  test("trailers and chunk extensions are dropped, and the next request is its own", async () => {
    const { port, seen } = await noting();
    const connection = await connect(port);
    const trailers = "0;x=y\r\nHost: other\r\nMesos-Stream-Id: stolen\r\n\r\n";
    connection.send(post(CHUNKED, `2;ext=1\r\nab\r\n${trailers}`) + get("/next"));
    expect(await answerOf(connection)).toBe(202);
    expect(await answerOf(connection)).toBe(202);
    expect(seen.map(({ url, body }) => [url, body])).toEqual([
      ["/api/v1", "ab"],
      ["/next", ""],
    ]);
  });

  test("what is malformed is refused after the answers to the requests before it", async () => {
    const { port } = await noting();
    const connection = await connect(port);
    connection.send(`${get("/1")}${get("/2")}garbage\r\n\r\n`);
    const statuses = [];
    for (let at = 0; at < 3; at++) statuses.push(await answerOf(connection));
    expect(statuses).toEqual([202, 202, 400]);
  });

  test("a body that breaks off never counts as a whole one", async () => {
    const { port, seen } = await noting();
    for (const text of [post("Content-Length: 100", "ab"), post(CHUNKED, "64\r\nab")]) {
      const connection = await connect(port);
      connection.send(text);
      await sleep(50);
      connection.socket.end();
      await sleep(50);
    }
    expect(seen).toEqual([]);
    expect(await isServed(port)).toBe(true);
  });

  test("a head that is too long gets 431: a path, one header, many headers", async () => {
    const { port, seen } = await noting();
    const long = "a".repeat(100_000);
    const many = Array.from({ length: 20_000 }, (_, at) => `a${at}: 1`).join("\r\n");
    for (const text of [get(`/${long}`), post(`X: ${long}`, ""), post(many, "")]) {
      const connection = await connect(port);
      connection.send(text);
      expect(await answerOf(connection)).toBe(431);
    }
    expect(seen).toEqual([]);
  });

  test("of many short headers none is lost", async () => {
    let found = "";
    const port = await doorBefore((request, response) => {
      found = String(request.headers.last);
      response.end();
    });
    const connection = await connect(port);
    connection.send(`GET / HTTP/1.1\r\nHost: h\r\n${"a:b\r\n".repeat(2_500)}last: 1\r\n\r\n`);
    expect((await connection.readHead()).status).toBe(200);
    expect(found).toBe("1");
  });

  test("whatever bytes come, the door stands, and what passes was whole", async () => {
    const seed = Date.now() % 100_000;
    console.log(`seed ${seed}`);
    const random = prng(seed);
    const { port } = await noting({ lingerMs: 100 });
    const parts = Object.values(refused).concat(get("/"), post("Content-Length: 2", "ab"));
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(parts[random.below(parts.length)] ?? "", "latin1");
      for (let flips = random.below(4); flips >= 0; flips--) {
        bytes[random.below(bytes.length)] = random.below(256);
      }
      const connection = await connect(port);
      connection.send(bytes.subarray(0, random.below(bytes.length) + 1));
      if (random.below(2) === 0) connection.close();
    }
    expect(await isServed(port)).toBe(true);
  });
});

describe("bodies that are too large", () => {
  const bodies: Readonly<Record<string, (connection: RawConnection) => Promise<void>>> = {
    "that tells its length": async (connection) => {
      connection.send(post(`Content-Length: ${100 * 1024 * 1024}`, ""));
      await sendMuch(connection, (piece) => piece);
    },
    "in chunks": async (connection) => {
      connection.send(post(CHUNKED, ""));
      const piece = "x".repeat(0x10000);
      await sendMuch(connection, () => `10000\r\n${piece}\r\n`);
      connection.send("0\r\n\r\n");
    },
  };

  test.each(Object.entries(bodies))(
    "a client that sends 100 MB %s before it reads still gets its 413",
    async (_, send) => {
      const { port, seen } = await noting({ lingerMs: 20_000 });
      const connection = await connect(port);
      const before = process.memoryUsage().arrayBuffers;
      await send(connection);
      const grown = process.memoryUsage().arrayBuffers - before;
      expect(await answerOf(connection)).toBe(413);
      expect(grown).toBeLessThan(50 * 1024 * 1024);
      expect(seen).toEqual([]);
    },
  );

  /** 100 MB, no faster than the other side takes them. */
  async function sendMuch(
    { socket }: RawConnection,
    pieceOf: (piece: string) => string,
  ): Promise<void> {
    const piece = pieceOf("x".repeat(0x10000));
    for (let sent = 0; sent < 100 * 1024 * 1024; sent += 0x10000) {
      if (!socket.write(piece)) await new Promise((resolve) => socket.once("drain", resolve));
    }
  }

  test("a client that goes on sending after its 413 is cut off", async () => {
    const { port } = await noting({ lingerMs: 300 });
    const connection = await connect(port);
    connection.send(post(`Content-Length: ${MAX_REQUEST_BYTES + 1}`, "x"));
    expect(await answerOf(connection)).toBe(413);
    await expect(connection.readBytes(1)).rejects.toThrow(ConnectionEnded);
  });
});

describe("slow requests", () => {
  const timeouts = { headTimeoutMs: 300, requestTimeoutMs: 600 };

  test.each([
    ["a head", "GET / HTTP/1.1\r\nHost: h\r\nX-A: "],
    ["a body", post("Content-Length: 100000", "x")],
    ["a chunked body", post(CHUNKED, "fffff\r\n")],
  ])("%s that comes byte by byte gets 408, and others are served meanwhile", async (_, start) => {
    const { port, seen } = await noting(timeouts);
    const connection = await connect(port);
    connection.send(start);
    const drip = setInterval(() => connection.send("a"), 20);
    const answered = answerOf(connection);
    expect(await isServed(port)).toBe(true);
    expect(await answered).toBe(408);
    await expect(connection.readBytes(1)).rejects.toThrow(ConnectionEnded);
    clearInterval(drip);
    expect(seen.filter(({ url }) => url !== "/health")).toEqual([]);
  });

  test("a connection that says nothing is left alone, first or between two requests", async () => {
    const { port } = await noting(timeouts);
    const [used, fresh] = await Promise.all([connect(port), connect(port)]);
    used.send(get("/"));
    expect(await answerOf(used)).toBe(202);
    await sleep(2_000);
    for (const connection of [used, fresh]) {
      connection.send(get("/"));
      expect(await answerOf(connection)).toBe(202);
      connection.send("GET / HT");
      expect(await answerOf(connection)).toBe(408);
    }
  });

  test("an answer may take longer than its request may", async () => {
    const port = await doorBefore(async (request, response) => {
      await bodyOf(request);
      await sleep(1_500);
      response.end();
    }, timeouts);
    const connection = await connect(port);
    connection.send(post("Content-Length: 2", "ab"));
    expect((await connection.readHead()).status).toBe(200);
  });
});

describe("many at once", () => {
  test("5,000 requests sent ahead on one connection are answered in order", async () => {
    const { port, seen } = await noting();
    const connection = await connect(port);
    const paths = Array.from({ length: 5_000 }, (_, at) => `/${at}`);
    connection.send(paths.map(get).join(""));
    for (const _ of paths) expect(await answerOf(connection)).toBe(202);
    expect(seen.map(({ url }) => url)).toEqual(paths);
  });

  test("a client that sends ahead without end is not read further than it is answered", async () => {
    let answer: () => void = () => {};
    let count = 0;
    const port = await doorBefore((_request, response) => {
      count++;
      answer = () => response.end();
    });
    const connection = await connect(port);
    await sleep(20);
    const block = get("/").repeat(10_000);
    let sent = 0;
    while (sent < 200 && connection.socket.write(block)) sent++;
    await sleep(500);
    expect(count).toBe(1);
    // The rest waits in this process: the door's socket and ours are full.
    expect(connection.socket.writableLength).toBeGreaterThan(0);
    answer();
    await expect.poll(() => count).toBe(2);
  });

  test("2,000 connections on which nothing happens cost little, and others are served", async () => {
    const { port } = await noting();
    const before = process.memoryUsage().rss;
    const idle = await Promise.all(Array.from({ length: 2_000 }, () => connect(port)));
    expect(await isServed(port)).toBe(true);
    // Both ends live in this process.
    expect((process.memoryUsage().rss - before) / idle.length).toBeLessThan(60_000);
  });
});
