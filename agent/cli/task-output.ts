/**
 * The output of tasks on this terminal: as it is for one task, line by line with the task's name
 * for several.
 */
import type { Terminal } from "./command.ts";
import { paint } from "./terminal.ts";

export type OutputStream = "stdout" | "stderr";

/** Takes one stream of one task. */
export interface OutputSink {
  write(bytes: Uint8Array): void;
  /** What was held back for a line's end is written now. */
  end(): void;
}

const LINE_FEED = 0x0a;

/** stdout goes to stdout and stderr to stderr. `prefix` undefined: the bytes as they are. */
export function textSink(
  terminal: Terminal,
  stream: OutputStream,
  prefix: string | undefined,
): OutputSink {
  const write = (text: string | Uint8Array): void =>
    stream === "stdout" ? terminal.out(text) : terminal.err(text);
  if (prefix === undefined) return { write, end: () => {} };
  const label = new TextEncoder().encode(paint(terminal, "cyan", `${prefix} | `));
  let held: Uint8Array[] = [];
  const writeLine = (): void => {
    write(joined([label, ...held]));
    held = [];
  };
  return {
    write: (bytes) => {
      let from = 0;
      for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, from)) {
        held.push(bytes.subarray(from, at + 1));
        from = at + 1;
        writeLine();
      }
      if (from < bytes.length) held.push(bytes.slice(from));
    },
    end: () => {
      if (held.length === 0) return;
      held.push(Uint8Array.of(LINE_FEED));
      writeLine();
    },
  };
}

/** Hands on text whose characters are whole, however the bytes were cut. */
export function eventSink(emit: (text: string) => void): OutputSink {
  const decoder = new TextDecoder();
  const emitSome = (text: string): void => {
    if (text !== "") emit(text);
  };
  return {
    write: (bytes) => emitSome(decoder.decode(bytes, { stream: true })),
    end: () => emitSome(decoder.decode()),
  };
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
