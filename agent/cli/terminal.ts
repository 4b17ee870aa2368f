/**
 * Where commands write, for real: this process' stdout and stderr. And the few colours there are.
 */
import { writeSync } from "node:fs";
import type { Terminal } from "./command.ts";

const COLOURS = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2 } as const;
export type Colour = keyof typeof COLOURS;

/** Coloured only for somebody who looks: both streams are a terminal, and NO_COLOR is not set. */
export function processTerminal(): Terminal {
  const isSeen = process.stdout.isTTY === true && process.stderr.isTTY === true;
  const colour = isSeen && !process.env.NO_COLOR && process.env.TERM !== "dumb";
  return {
    colour,
    out: (text) => writeAll(1, text),
    err: (text) => writeAll(2, text),
  };
}

/**
 * Synchronous, so that what was written is out when the process exits. A full pipe answers EAGAIN:
 * its reader is slow, and waiting for it is right. A reader that is gone (EPIPE) ends the program
 * quietly.
 */
function writeAll(descriptor: 1 | 2, text: string | Uint8Array): void {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EPIPE") process.exit(0);
      if (code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

export function paint(terminal: Terminal, colour: Colour, text: string): string {
  return terminal.colour ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
}
