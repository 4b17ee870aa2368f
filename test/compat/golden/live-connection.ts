/** Requests as bytes over TCP, and what comes back. */
import { connect, type Socket } from "node:net";
import { AnswerReader } from "./answer.ts";

/** How long an answer may take; a stream's head too. */
const ANSWER_MS = 10_000;
/** What a server that sends a body after HEAD needs for it. */
const AFTER_HEAD_MS = 100;

export interface LiveExchange {
  readonly answer: AnswerReader;
  readonly socket: Socket;
  /** The other side has closed the connection. */
  isClosed: boolean;
}

/**
 * Sends `bytes` on a connection of its own and resolves when the answer is complete, or a stream's
 * head is there.
 */
export async function exchange(
  port: number,
  bytes: string,
  options: { isStream: boolean; onBytes?: () => void },
): Promise<LiveExchange> {
  const isHead = bytes.startsWith("HEAD ");
  const answer = new AnswerReader({ isHead });
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const live: LiveExchange = { answer, socket, isClosed: false };
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ANSWER_MS);
    socket.on("connect", () => socket.write(Buffer.from(bytes, "latin1")));
    socket.on("data", (piece) => {
      answer.push(piece);
      options.onBytes?.();
      if (answer.head !== undefined && (options.isStream || answer.isComplete)) resolve();
      if (isHead && answer.head !== undefined) setTimeout(resolve, AFTER_HEAD_MS);
    });
    socket.on("error", (error) => {
      live.isClosed = true;
      if (answer.head === undefined) reject(error);
      else resolve();
    });
    socket.on("close", () => {
      live.isClosed = true;
      options.onBytes?.();
      resolve();
    });
    socket.once("close", () => clearTimeout(timer));
  });
  if (!options.isStream || answer.isComplete || !answer.isChunked()) socket.destroy();
  return live;
}
