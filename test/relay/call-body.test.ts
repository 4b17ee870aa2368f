/** What an operator sends to an agent, piece by piece. */
import { expect, test } from "vitest";
import { CALL_REPLY_BYTES } from "../../worker/protocol/limits.ts";
import { type BodyPiece, CallBody } from "../../worker/relay/call-body.ts";

function open() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const broken: string[] = [];
  const body = new CallBody(readable, () => broken.push("broken"));
  const take = (sequence: number): Promise<BodyPiece> =>
    new Promise((resolve) => body.take(sequence, resolve));
  return { body, take, broken, writer: writable.getWriter() };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = ({ data }: BodyPiece): string => new TextDecoder().decode(data);

test("a piece is what has come, and waits until something has", async () => {
  const { take, writer } = open();
  const first = take(0);
  await writer.write(bytes("a"));
  expect(text(await first)).toBe("a");
  void writer.close();
  expect(await take(1)).toEqual({ data: new Uint8Array(), last: true });
});

test("a piece whose answer was lost is given again, and nothing is left out", async () => {
  const { take, writer } = open();
  const lost = take(0);
  await writer.write(bytes("a"));
  await lost;
  expect(text(await take(0))).toBe("a");
  const next = take(1);
  await writer.write(bytes("b"));
  expect(text(await next)).toBe("b");
});

test("a request that nobody waits for any more loses nothing", async () => {
  const { body, take, writer } = open();
  const forgotten: BodyPiece[] = [];
  body.take(0, (piece) => forgotten.push(piece));
  const again = take(0);
  await writer.write(bytes("a"));
  expect(text(await again)).toBe("a");
  expect(forgotten).toEqual([]);
});

test("a piece that is not the next one is not given, and takes nothing from those that are", async () => {
  const { body, take, writer } = open();
  const early: BodyPiece[] = [];
  body.take(1, (piece) => early.push(piece));
  await Promise.race([writer.write(bytes("a")), new Promise((resolve) => setTimeout(resolve, 20))]);
  expect(text(await take(0))).toBe("a");
  body.take(2, (piece) => early.push(piece));
  void writer.write(bytes("b"));
  expect(text(await take(1))).toBe("b");
  expect(early).toEqual([]);
});

test("crumbs are put together, and what is larger than a piece goes in several", async () => {
  const { take, writer } = open();
  const whole = new Uint8Array(CALL_REPLY_BYTES + 5).map((_, at) => at % 251);
  void writer.write(whole.subarray(0, 3));
  void writer.write(whole.subarray(3, 1_000));
  void writer.write(whole.subarray(1_000));
  const pieces: Uint8Array[] = [];
  for (let length = 0; length < whole.length; length += pieces.at(-1)?.length ?? 0) {
    pieces.push((await take(pieces.length)).data);
  }
  expect(pieces.length).toBeLessThan(5);
  expect(pieces.every((piece) => piece.length <= CALL_REPLY_BYTES)).toBe(true);
  expect(Buffer.concat(pieces).equals(whole)).toBe(true);
});

test("no more is read than one piece that nobody has asked for", async () => {
  const { take, writer } = open();
  const chunk = new Uint8Array(CALL_REPLY_BYTES);
  let written = 0;
  void (async () => {
    for (;;) {
      await writer.write(chunk);
      written++;
    }
  })();
  await take(0);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(written).toBeLessThanOrEqual(3);
});

test("a caller that breaks off is told", async () => {
  const { body, broken, writer } = open();
  body.take(0, () => {});
  await writer.abort(new Error("gone"));
  await new Promise((resolve) => setTimeout(resolve));
  expect(broken).toEqual(["broken"]);
});
