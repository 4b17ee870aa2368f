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

test("a chunk that is larger than a piece goes in several, and nothing more is read meanwhile", async () => {
  const { take, writer } = open();
  const whole = new Uint8Array(CALL_REPLY_BYTES + 5).map((_, at) => at % 251);
  void writer.write(whole);
  let isSecondRead = false;
  void writer.write(bytes("second")).then(() => {
    isSecondRead = true;
  });
  const [one, two] = [await take(0), await take(1)];
  expect([one.data.length, two.data.length]).toEqual([CALL_REPLY_BYTES, 5]);
  expect(Buffer.concat([one.data, two.data]).equals(whole)).toBe(true);
  expect(isSecondRead).toBe(false);
  expect(text(await take(2))).toBe("second");
});

test("a caller that breaks off is told", async () => {
  const { body, broken, writer } = open();
  body.take(0, () => {});
  await writer.abort(new Error("gone"));
  await new Promise((resolve) => setTimeout(resolve));
  expect(broken).toEqual(["broken"]);
});
