import { closeSync, openSync, writeSync } from "node:fs";
import { Writable } from "node:stream";

/**
 * The end of a log file, as a stream that never fails: what a full disk does not take is lost, and
 * what comes after there is room again is written. Nothing that is only logged may end a process
 * that keeps tasks alive.
 */
export function openLogFile(path: string): Writable {
  const file = openSync(path, "a");
  return new Writable({
    write: (chunk: Uint8Array, _encoding, done) => {
      try {
        writeSync(file, chunk);
      } catch {
        // The chunk is lost; there is no other place to say so.
      }
      done();
    },
    final: (done) => {
      closeSync(file);
      done();
    },
  });
}
