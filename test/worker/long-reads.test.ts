/** Answers that are made while they are read: in slices, in turn, and never without a bound. */
import { reset, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { LongReads } from "../../worker/durable/long-reads.ts";
import { Slices } from "../../worker/durable/slices.ts";
import { masterStub, sleep } from "./cluster.ts";

afterEach(reset);

const MANY = 20_000;

/** Pieces that take a moment each, and a note of when they are given up. */
function read(count: number, closed: string[] = [], name = "") {
  function* pieces(): Generator<string> {
    for (let at = 0; at < count; at++) yield `${at} `.padEnd(40);
  }
  return { pieces: pieces(), close: () => void closed.push(name) };
}

function inObject<T>(run: (reads: LongReads) => Promise<T>): Promise<T> {
  return runInDurableObject(masterStub(), () => run(new LongReads(new Slices())));
}

test("a short answer is whole, a long one is a stream of the same pieces", async () => {
  const [short, long] = await inObject(async (reads) => {
    const whole = await reads.body(() => read(3));
    const body = await reads.body(() => read(MANY));
    const isStream = body instanceof ReadableStream;
    return [whole, isStream ? await new Response(body).text() : ""];
  });
  expect(short).toBeInstanceOf(Uint8Array);
  expect(long).toBe([...read(MANY).pieces].join(""));
});

test("while an answer is made others get their turn", async () => {
  const turns = await inObject(async (reads) => {
    let [count, isOver] = [0, false];
    const others = (async () => {
      while (!isOver) {
        await sleep(0);
        count++;
      }
    })();
    await new Response((await reads.body(() => read(5 * MANY))) ?? null).text();
    isOver = true;
    await others;
    return count;
  });
  expect(turns).toBeGreaterThan(10);
});

test("the seventeenth reader waits until one of sixteen has gone, and each is closed once", async () => {
  const closed: string[] = [];
  const order = await inObject(async (reads) => {
    const bodies: ReadableStream[] = [];
    for (let at = 0; at < 16; at++) {
      const body = await reads.body(() => read(MANY, closed, `reader ${at}`));
      if (body instanceof ReadableStream) bodies.push(body);
    }
    const seen: string[] = [`${bodies.length} streams`];
    const last = reads.body(() => read(1, closed, "the last")).then(() => seen.push("let in"));
    await sleep(50);
    seen.push("one goes");
    await bodies[3]?.cancel();
    await last;
    return seen;
  });
  expect(order).toEqual(["16 streams", "one goes", "let in"]);
  expect(closed).toEqual(["reader 3", "the last"]);
});

test("when a life of the master ends its readers get an error, and not a state of two lives", async () => {
  const closed: string[] = [];
  const outcome = await inObject(async (reads) => {
    const body = await reads.body(() => read(MANY, closed, "a"));
    if (!(body instanceof ReadableStream)) return "no stream";
    const reader = body.getReader();
    await reader.read();
    reads.closeAll();
    return reader.read().then(
      () => "more",
      (error: unknown) => String(error),
    );
  });
  expect(outcome).toContain("the master starts afresh");
  expect(closed).toEqual(["a"]);
});

test("a read whose making fails ends with an error and makes room", async () => {
  const outcomes = await inObject(async (reads) => {
    const failing = (): Iterable<string> => ({
      [Symbol.iterator]: () => ({
        next: () => {
          throw new Error("a bug");
        },
      }),
    });
    const seen: string[] = [];
    for (let at = 0; at < 20; at++) {
      const body = reads.body(() => ({ pieces: failing(), close: () => {} }));
      seen.push(
        await body.then(
          () => "read",
          (error: unknown) => String(error),
        ),
      );
    }
    return [...new Set(seen), (await reads.body(() => read(1)))?.constructor.name];
  });
  expect(outcomes).toEqual(["Error: a bug", "Uint8Array"]);
});
