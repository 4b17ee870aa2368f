/** One call through the link, on a relay that does what a test says. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  type CallPort,
  type CallStream,
  type LinkedRequest,
  type Piece,
  serveLinkedCall,
} from "../../../agent/shell/linked-call.ts";
import { CALL_REPLY_BYTES } from "../../../worker/protocol/limits.ts";

const call = { call_id: "c1", call: { type: "GET_HEALTH" } } as const;

/** Answers as the real one does: a piece of what the caller sends is given when its turn is. */
class FakeRelay implements CallPort {
  readonly taken: Piece[] = [];
  readonly asked: number[] = [];
  /** Answers to the next posts, instead of taking them. */
  readonly refusals: ("AGAIN" | "GONE")[] = [];
  readonly #sent: Uint8Array[] = [];
  #isGone = false;
  #held: (() => void)[] = [];

  async reply(piece: Piece): ReturnType<CallPort["reply"]> {
    const refusal = this.#isGone ? "GONE" : this.refusals.shift();
    if (refusal !== undefined) return { type: refusal };
    this.taken.push(piece);
    return { type: "TAKEN" };
  }

  async input(sequence: number): ReturnType<CallPort["input"]> {
    this.asked.push(sequence);
    this.#wake();
    if (this.#sent[sequence] === undefined) {
      await new Promise<void>((resolve) => this.#held.push(resolve));
    }
    if (this.#isGone) return { type: "GONE" };
    const data = this.#sent[sequence];
    return data === undefined
      ? { type: "HEARD" }
      : { type: "HEARD", data, last: data.length === 0 };
  }

  /** "": that was all. */
  send(text: string): void {
    this.#sent.push(Buffer.from(text));
    this.#wake();
  }

  hangUp(): void {
    this.#isGone = true;
    this.#wake();
  }

  text(): string {
    return Buffer.concat(this.taken.map(({ data }) => data ?? new Uint8Array())).toString();
  }

  #wake(): void {
    for (const held of this.#held.splice(0)) held();
  }
}

const headers = { "Content-Type": "application/json" };

function stream(pieces: CallStream["pieces"]): CallStream {
  return { status: 200, headers, pieces };
}

test("a short answer is one post, and asks for nothing", async () => {
  const relay = new FakeRelay();
  await serveLinkedCall(relay, call, async () => ({ status: 200, headers, body: "hi" }));
  const head = { status: 200, content_type: "application/json" };
  expect(relay.taken).toEqual([{ sequence: 0, ...head, data: Buffer.from("hi"), last: true }]);
  expect(relay.asked).toEqual([]);
});

test("a long answer comes in several posts, each repeated until it is taken", async () => {
  const relay = new FakeRelay();
  relay.refusals.push("AGAIN", "AGAIN");
  const body = "x".repeat(2 * CALL_REPLY_BYTES + 1);
  await serveLinkedCall(relay, call, async () => ({ status: 200, headers, body }));
  expect(relay.taken.map(({ sequence, last }) => [sequence, last])).toEqual([
    [0, false],
    [1, false],
    [2, true],
  ]);
  expect(relay.text()).toBe(body);
});

test("a stream has its head at once, then what it makes, in order and once", async () => {
  const relay = new FakeRelay();
  let go = (): void => {};
  const going = new Promise<void>((resolve) => {
    go = resolve;
  });
  const serving = serveLinkedCall(relay, call, async () =>
    stream(async function* () {
      await going;
      for (let at = 0; at < 1_000; at++) yield Buffer.from(`${at} `);
    }),
  );
  await sleep(20);
  expect(relay.taken).toHaveLength(1);
  relay.refusals.push("AGAIN");
  go();
  await serving;
  expect(relay.text()).toBe(Array.from({ length: 1_000 }, (_, at) => `${at} `).join(""));
  expect(relay.taken.map(({ sequence }) => sequence)).toEqual(relay.taken.map((_, at) => at));
  expect(relay.taken.at(-1)?.last).toBe(true);
});

test("the caller's end is heard at once, by a stream that has nothing to say", async () => {
  const relay = new FakeRelay();
  let signalled = false;
  const serving = serveLinkedCall(relay, call, async () =>
    stream(async function* (signal) {
      yield Buffer.from("a");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      signalled = true;
    }),
  );
  await sleep(30);
  relay.hangUp();
  await serving;
  expect(signalled).toBe(true);
});

test("a relay that does not take a stream's pieces holds its maker up", async () => {
  const relay = new FakeRelay();
  let made = 0;
  const serving = serveLinkedCall(relay, call, async () =>
    stream(async function* (signal) {
      while (!signal.aborted) {
        made += 64 * 1024;
        yield Buffer.alloc(64 * 1024);
        await sleep(0);
      }
    }),
  );
  for (let at = 0; at < 1_000; at++) relay.refusals.push("AGAIN");
  await sleep(200);
  expect(made).toBeLessThan(3 * CALL_REPLY_BYTES);
  relay.refusals.splice(0);
  relay.hangUp();
  await serving;
});

test("what the caller sends is read piece by piece, to its end", async () => {
  const relay = new FakeRelay();
  const serving = serveLinkedCall(relay, call, async ({ body }) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    return { status: 200, headers, body: Buffer.concat(pieces) };
  });
  for (const text of ["one ", "two ", "three"]) {
    relay.send(text);
    await sleep(5);
  }
  relay.send("");
  await serving;
  expect(relay.text()).toBe("one two three");
});

test("while nothing is read of it a request stays open that takes nothing", async () => {
  const relay = new FakeRelay();
  let request: LinkedRequest | undefined;
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const serving = serveLinkedCall(relay, call, async (asked) => {
    request = asked;
    await answered;
    const pieces: Uint8Array[] = [];
    for await (const piece of asked.body) pieces.push(piece);
    return { status: 200, headers, body: Buffer.concat(pieces) };
  });
  await sleep(1_100);
  expect(relay.asked).toEqual([1]);
  expect(request?.signal.aborted).toBe(false);
  relay.send("a");
  relay.send("b");
  relay.send("");
  answer();
  await serving;
  expect(relay.text()).toBe("ab");
});

test("an answer that fails breaks the call off, and says so", async () => {
  const relay = new FakeRelay();
  const failing = serveLinkedCall(relay, call, async () => {
    throw new Error("a bug");
  });
  await expect(failing).rejects.toThrow("a bug");
});
