import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { RecordChunks } from "../../agent/dev/front-door-records.ts";
import { prng } from "../../worker/std/prng.ts";
import {
  bodyOf,
  closeDoors,
  connect,
  doorBefore,
  doorTo,
  listen,
  MAX_REQUEST_BYTES,
  standIn,
  unusedPort,
} from "./door.ts";
import { ConnectionEnded } from "./raw-connection.ts";

afterEach(closeDoors);

const POST_SUBSCRIBE =
  "POST /api/v1/scheduler HTTP/1.1\r\nHost: cluster.example\r\nContent-Length: 2\r\n\r\n{}";

const record = (text: string): string => `${Buffer.byteLength(text)}\n${text}`;

describe("connections", () => {
  test("a connection that was idle for 7 s answers the next call, and one that never spoke too", async () => {
    const port = await doorBefore((request, response) => {
      request.resume();
      response.writeHead(202, { "Content-Length": 0 }).end();
    });
    const [used, fresh] = await Promise.all([connect(port), connect(port)]);
    used.send(POST_SUBSCRIBE);
    expect((await used.readHead()).status).toBe(202);
    await sleep(7_000);
    for (const connection of [used, fresh]) {
      connection.send(POST_SUBSCRIBE);
      expect((await connection.readHead()).status).toBe(202);
    }
  });

  test("pipelined requests reach the upstream in order and are answered in order", async () => {
    const seen: (string | undefined)[] = [];
    const port = await doorBefore(async (request, response) => {
      seen.push(request.url);
      await sleep(request.url === "/1" ? 60 : 0);
      response.end(request.url);
    });
    const connection = await connect(port);
    const paths = ["/1", "/2", "/3"];
    connection.send(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`).join(""));
    for (const path of paths) {
      const head = await connection.readHead();
      expect(head.status).toBe(200);
      expect((await connection.readBytes(2)).toString()).toBe(path);
    }
    expect(seen).toEqual(paths);
  });

  test("a request pipelined behind an open stream reaches the upstream", async () => {
    let called: () => void = () => {};
    const calls = new Promise<void>((resolve) => {
      called = resolve;
    });
    const port = await doorBefore((request, response) => {
      if (request.url === "/call") called();
      else response.flushHeaders();
    });
    const connection = await connect(port);
    connection.send(`${POST_SUBSCRIBE}GET /call HTTP/1.1\r\nHost: h\r\n\r\n`);
    await calls;
  });

  test("a client that goes away ends its request at the upstream within 200 ms, by a reset", async () => {
    let closedAtMs = 0;
    let code: string | undefined;
    const port = await doorBefore((request, response) => {
      request.socket.on("error", (error: NodeJS.ErrnoException) => {
        code = error.code;
      });
      response.on("close", () => {
        closedAtMs = performance.now();
      });
      response.writeHead(200).write("1\nx");
    });
    const connection = await connect(port);
    connection.send(POST_SUBSCRIBE);
    await connection.readHead();
    await connection.readChunk();
    const leftAtMs = performance.now();
    connection.close();
    await expect.poll(() => closedAtMs).toBeGreaterThan(0);
    expect(closedAtMs - leftAtMs).toBeLessThan(200);
    expect(code).toBe("ECONNRESET");
  });
});

test("a call whose client went away before the answer is answered before its connection ends", async () => {
  const seen: string[] = [];
  let answer: (() => void) | undefined;
  const port = await doorBefore((request, response) => {
    request.socket.on("error", (error: NodeJS.ErrnoException) => seen.push(String(error.code)));
    answer = () => {
      seen.push("answer");
      response.writeHead(200).write("1\nx");
    };
  });
  const connection = await connect(port);
  connection.send(POST_SUBSCRIBE);
  await expect.poll(() => answer).toBeDefined();
  connection.close();
  await sleep(100);
  expect(seen).toEqual([]);
  answer?.();
  await expect.poll(() => seen).toEqual(["answer", "ECONNRESET"]);
});

test("pages of other sites get nothing, by form, by port or by name; programs notice nothing", async () => {
  let asked = 0;
  const port = await doorBefore((_request, response) => {
    asked++;
    response.end();
  });
  const browser = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0";
  const status = async (...headers: readonly string[]): Promise<number> => {
    const connection = await connect(port);
    connection.send(
      `POST /teardown HTTP/1.1\r\n${headers.join("\r\n")}\r\nContent-Length: 0\r\n\r\n`,
    );
    return (await connection.readHead()).status;
  };
  const own = `localhost:${port}`;
  const evil = `evil.example:${port}`;
  const foreign: readonly (readonly string[])[] = [
    [`Host: ${own}`, "Origin: https://evil.example"],
    [`Host: ${own}`, "Origin: null"],
    [`Host: ${own}`, "Origin: http://localhost:3000"],
    [`Host: ${own}`, "Sec-Fetch-Site: cross-site"],
    [`Host: ${own}`, "Sec-Fetch-Site: same-site"],
    [`Host: ${evil}`, `Origin: http://${evil}`],
    [`Host: ${evil}`, browser],
    [`Host: 127.0.0.1.evil.example`, browser],
    [`Host: localhost.evil.example`, browser],
  ];
  for (const headers of foreign) expect(await status(...headers), headers.join()).toBe(403);
  expect(asked).toBe(0);
  const welcome: readonly (readonly string[])[] = [
    [`Host: ${own}`, `Origin: http://${own}`, "Sec-Fetch-Site: same-origin", browser],
    [`Host: ${own}`, "Sec-Fetch-Site: none", browser],
    [`Host: 127.0.0.1:${port}`, browser],
    [`Host: [::1]:${port}`, browser],
    ["Host: mesos.example", "User-Agent: python-requests/2.32"],
    ["Host: mesos.example"],
  ];
  for (const headers of welcome) expect(await status(...headers), headers.join()).toBe(200);
});

describe("streams", () => {
  test("each record is one chunk, however the upstream cuts and joins them", async () => {
    const seed = Date.now() % 100_000;
    console.log(`seed ${seed}`);
    const random = prng(seed);
    const records = Array.from({ length: 300 }, (_, index) =>
      record(String.fromCharCode(97 + (index % 26)).repeat(random.below(index % 9 ? 300 : 20_000))),
    );
    const bytes = Buffer.from(records.join(""));
    const port = await doorBefore(async (_request, response) => {
      for (let at = 0; at < bytes.length; ) {
        const end = at + 1 + random.below(9_000);
        response.write(bytes.subarray(at, end));
        at = end;
        if (random.below(4) === 0) await sleep(0);
      }
      response.end();
    });
    const connection = await connect(port);
    connection.send(POST_SUBSCRIBE);
    await connection.readHead();
    for (const expected of records) {
      expect((await connection.readChunk()).toString()).toBe(expected);
    }
    expect((await connection.readChunk()).length).toBe(0);
  });

  test("an answer of records that ends within one is cut off, not ended", async () => {
    const headers = { "Content-Type": "application/recordio" };
    const port = await doorBefore((_request, response) =>
      response.writeHead(200, headers).end("3\none1\n"),
    );
    const connection = await connect(port);
    connection.send(POST_SUBSCRIBE);
    await connection.readHead();
    expect((await connection.readChunk()).toString()).toBe("3\none");
    await expect(connection.readChunk()).rejects.toThrow();
  });

  test("regrouping changes no byte, of records, of large ones, and of what is no RecordIO", () => {
    const seed = Date.now() % 100_000;
    console.log(`seed ${seed}`);
    const random = prng(seed);
    const starts = ["", "{}", "12", "5\nab", "\n", "0\n", "99999999999999999999\n", "7 \n"];
    for (let round = 0; round < 500; round++) {
      const text =
        Array.from({ length: random.below(8) }, () => record("r".repeat(random.below(60)))).join(
          "",
        ) + (starts[random.below(starts.length)] ?? "");
      const chunks = new RecordChunks(40);
      const out: Buffer[] = [];
      for (let at = 0; at < text.length; ) {
        const end = at + 1 + random.below(30);
        out.push(...chunks.push(Buffer.from(text.slice(at, end))));
        at = end;
      }
      out.push(...chunks.end());
      expect(Buffer.concat(out).toString(), `seed ${seed} round ${round}`).toBe(text);
      expect(out.every((chunk) => chunk.length > 0)).toBe(true);
    }
  });

  test("a chunked answer that is no RecordIO passes unchanged", async () => {
    const port = await doorBefore((_request, response) => {
      response.write('{"type":');
      setTimeout(() => response.end('"GET_STATE"}'), 20);
    });
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1`, { method: "POST", body: "{}" });
    expect(await answer.json()).toEqual({ type: "GET_STATE" });
  });

  test("the head of a stream arrives before its first record", async () => {
    const port = await doorBefore((_request, response) => response.writeHead(200).flushHeaders());
    const connection = await connect(port);
    connection.send(POST_SUBSCRIBE);
    expect((await connection.readHead()).lines).toContain("Transfer-Encoding: chunked");
  });

  test("a stream is chunked and kept open for a client that says Connection: close", async () => {
    const port = await doorBefore((_request, response) => {
      response.writeHead(200).write(record("one"));
      setTimeout(() => response.end(record("two")), 50);
    });
    const connection = await connect(port);
    connection.send(POST_SUBSCRIBE.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    expect((await connection.readHead()).lines).toContain("Transfer-Encoding: chunked");
    expect((await connection.readChunk()).toString()).toBe("3\none");
    expect((await connection.readChunk()).toString()).toBe("3\ntwo");
    expect((await connection.readChunk()).length).toBe(0);
  });

  test("a stream that breaks off at the upstream breaks off at the client, without a last chunk", async () => {
    const port = await doorBefore((_request, response) => {
      response.writeHead(200).write(record("one"));
      setTimeout(() => response.socket?.destroy(), 30);
    });
    const connection = await connect(port);
    connection.send(POST_SUBSCRIBE);
    await connection.readHead();
    expect((await connection.readChunk()).toString()).toBe("3\none");
    await expect(connection.readChunk()).rejects.toThrow(ConnectionEnded);
  });

  test("a reader that stalls stops the upstream, and gets every byte once it reads on", async () => {
    const event = Buffer.from(record("e".repeat(10_000)));
    const events = 6_000;
    let written = 0;
    const port = await doorBefore(async (_request, response) => {
      response.writeHead(200);
      for (; written < events; written++) {
        if (!response.write(event)) await new Promise((resolve) => response.once("drain", resolve));
      }
      response.end();
    });
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1`, { method: "POST", body: "{}" });
    let before = -1;
    await expect
      .poll(
        () => {
          const still = written === before;
          before = written;
          return still;
        },
        { interval: 400, timeout: 10_000 },
      )
      .toBe(true);
    // What is under way sits in the sockets' buffers, a few MB each; 60 MB were to be sent.
    expect(written).toBeLessThan(events / 2);
    expect((await answer.arrayBuffer()).byteLength).toBe(events * event.length);
  });
});

describe("heads", () => {
  test("names keep their case and values their text, both ways; hop-by-hop headers stay behind", async () => {
    let seen: readonly string[] = [];
    const port = await doorBefore((request, response) => {
      seen = request.rawHeaders;
      response.writeHead(200, ["Mesos-Stream-Id", "s-1", "coNTent-type", "x/y", "TE", "gone"]);
      response.end("ok");
    });
    const connection = await connect(port);
    connection.send(
      "POST /x?y=%20z HTTP/1.1\r\nHost: cluster.example:9\r\nmesOS-streaM-id: A\r\n" +
        "Accept: a\r\nAccept: b\r\nX-Forwarded-For: 1.2.3.4\r\nTE: trailers\r\n\r\n",
    );
    const head = await connection.readHead();
    expect(head.lines).toContain("Mesos-Stream-Id: s-1");
    expect(head.lines).toContain("coNTent-type: x/y");
    expect(head.lines.some((line) => line.startsWith("TE"))).toBe(false);
    const pairs = seen.map((name, at) => `${name}: ${seen[at + 1]}`);
    for (const line of [
      "Host: cluster.example:9",
      "mesOS-streaM-id: A",
      "Accept: a",
      "Accept: b",
      "X-Forwarded-For: 1.2.3.4",
      "Content-Length: 0",
    ]) {
      expect(pairs).toContain(line);
    }
    expect(seen).not.toContain("TE");
  });

  test("an empty 202 keeps its Content-Length: 0 and gets no Content-Type", async () => {
    const port = await doorBefore((request, response) => {
      request.resume();
      response.writeHead(202, { "Content-Length": 0 }).end();
    });
    const connection = await connect(port);
    connection.send(POST_SUBSCRIBE);
    const head = await connection.readHead();
    expect(head.lines).toContain("Content-Length: 0");
    expect(head.lines.some((line) => /^content-type/i.test(line))).toBe(false);
  });

  test("a plain answer of a kilobyte or more is gzipped for who takes that, a stream never", async () => {
    const long = "state ".repeat(1_000);
    const port = await doorBefore((request, response) => {
      if (request.url === "/stream") {
        response.writeHead(200).end(record(long));
        return;
      }
      const body = request.url === "/long" ? long : "short";
      response.writeHead(200, { "Content-Length": body.length }).end(body);
    });
    const encodingOf = async (path: string, accept: string): Promise<string | null> => {
      const headers = { "Accept-Encoding": accept };
      const method = path === "/stream" ? "POST" : "GET";
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
      expect((await answer.text()).includes(path === "/short" ? "short" : long)).toBe(true);
      expect(answer.headers.has("content-length")).toBe(path !== "/stream");
      return answer.headers.get("content-encoding");
    };
    expect(await encodingOf("/long", "deflate, gzip;q=0.5")).toBe("gzip");
    expect(await encodingOf("/long", "gzip;q=0")).toBe(null);
    expect(await encodingOf("/long", "identity")).toBe(null);
    expect(await encodingOf("/short", "gzip")).toBe(null);
    expect(await encodingOf("/stream", "gzip")).toBe(null);
  });

  test("a chunked request body arrives whole, and Expect: 100-continue gets its 100", async () => {
    const port = await doorBefore(async (request, response) => response.end(await bodyOf(request)));
    const connection = await connect(port);
    connection.send(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
    );
    expect((await connection.readHead()).status).toBe(100);
    connection.send("3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
    expect((await connection.readHead()).status).toBe(200);
    expect((await connection.readBytes(7)).toString()).toBe("abcdefg");
  });
});

describe("bad input", () => {
  test("what is not HTTP gets 400 and a sentence", async () => {
    const port = await doorBefore((_request, response) => response.end());
    for (const text of [
      "garbage\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
    ]) {
      const connection = await connect(port);
      connection.send(text);
      expect((await connection.readHead()).status).toBe(400);
    }
  });

  test("a body above the limit gets 413 and never reaches the upstream whole", async () => {
    const bodies: string[] = [];
    const port = await doorBefore(async (request, response) => {
      bodies.push(await bodyOf(request).catch(() => ""));
      response.end();
    });
    const announced = await connect(port);
    announced.send(
      `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${MAX_REQUEST_BYTES + 1}\r\n\r\n`,
    );
    expect((await announced.readHead()).status).toBe(413);
    const chunked = await connect(port);
    chunked.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let sent = 0; sent <= MAX_REQUEST_BYTES; sent += 0x1000) {
      chunked.send(`1000\r\n${"x".repeat(0x1000)}\r\n`);
    }
    expect((await chunked.readHead()).status).toBe(413);
    expect(bodies.filter((body) => body !== "")).toEqual([]);
  });
});

describe("while the upstream is away", () => {
  test("a call waits for it a moment and then arrives whole, once", async () => {
    const upstreamPort = await unusedPort();
    const port = await doorTo(upstreamPort, { unavailableWaitMs: 2_000 });
    const answer = fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "the call" });
    await sleep(200);
    const bodies: string[] = [];
    const server = standIn(async (request, response) => {
      bodies.push(await bodyOf(request));
      response.writeHead(202).end();
    });
    await listen(server, upstreamPort);
    expect((await answer).status).toBe(202);
    expect(bodies).toEqual(["the call"]);
  });

  test("a call that waited in vain gets 503 with Retry-After and a sentence", async () => {
    const port = await doorTo(await unusedPort(), { unavailableWaitMs: 200 });
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "the call" });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await answer.text()).toMatch(/restarting.*send it again/);
  });

  test("a call that was sent and lost gets 502 and is never repeated; a GET is, once", async () => {
    const seen: (string | undefined)[] = [];
    const port = await doorBefore((request) => {
      seen.push(request.method);
      request.socket.destroy();
    });
    const url = `http://127.0.0.1:${port}/`;
    expect((await fetch(url, { method: "POST", body: "x" })).status).toBe(502);
    expect((await fetch(url)).status).toBe(502);
    expect(seen).toEqual(["POST", "GET", "GET"]);
  });
});
