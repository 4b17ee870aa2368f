/**
 * The Engine's multiplexed streams: frames of `[1 = stdout | 2 = stderr, 0, 0, 0, length]` and
 * bytes. With timestamps each frame is one entry of the log, its time in front: RFC 3339 with nine
 * digits and a blank.
 */

export interface Frame {
  readonly stream: "stdout" | "stderr";
  readonly data: Buffer;
}

const HEADER_BYTES = 8;
/** Bounds what a broken stream makes us hold; entries of a log are at most 16 KiB. */
const FRAME_BYTES_MAX = 16 * 1_048_576;

/**
 * The frames that each chunk completes. Throws when the bytes are no frames, or end within one.
 */
export async function* framesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly Frame[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const frames: Frame[] = [];
    let at = 0;
    while (rest.length - at >= HEADER_BYTES) {
      const length = rest.readUInt32BE(at + 4);
      const stream = rest[at];
      if ((stream !== 1 && stream !== 2) || length > FRAME_BYTES_MAX) {
        throw new Error("Docker's stream has no frames");
      }
      const from = at + HEADER_BYTES;
      if (rest.length - from < length) break;
      const data = rest.subarray(from, from + length);
      frames.push({ stream: stream === 1 ? "stdout" : "stderr", data });
      at = from + length;
    }
    rest = rest.subarray(at);
    if (frames.length > 0) yield frames;
  }
  if (rest.length > 0) throw new Error("Docker's stream ended within a frame");
}

export interface Entry extends Frame {
  /** As the Engine wrote it: compares as text, all of one length. */
  readonly time: string;
}

/** Undefined: there is no time in front. */
export function entryOf({ stream, data }: Frame): Entry | undefined {
  const blank = data.indexOf(0x20);
  const time = data.toString("latin1", 0, Math.max(blank, 0));
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(time)) return undefined;
  return { stream, time, data: data.subarray(blank + 1) };
}

/** Whole seconds since 1970. */
export function secondsOf(time: string): number {
  return Math.floor(Date.parse(`${time.slice(0, 19)}Z`) / 1_000);
}
