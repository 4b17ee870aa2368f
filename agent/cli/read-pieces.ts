/** A file of an agent, piece by piece: several are asked for at a time, and arrive in order. */
import type { Operator } from "../../worker/sdk/operator.ts";

const PIECE_BYTES = 64 * 1024;
/** Each waits for the agent's next poll; one after the other a large file would take for ever. */
const AT_ONCE = 8;

export interface FilePiece {
  readonly data: Uint8Array;
  /** Bytes of the whole file, at the beginning. */
  readonly size: number;
}

/** `to` undefined: to the end that it has at the beginning; one that grows has no other. */
export async function* readPieces(
  operator: Operator,
  { agentId, path }: { readonly agentId: string; readonly path: string },
  { from, to }: { readonly from: number; readonly to?: number },
): AsyncGenerator<FilePiece, void> {
  const read = (offset: number, length: number): Promise<FilePiece> => {
    const reading = operator.readFile(agentId, { path, offset, length });
    // One that fails before its turn is told when that comes.
    reading.catch(() => {});
    return reading;
  };
  const first = await read(from, Math.min(PIECE_BYTES, (to ?? Infinity) - from));
  yield first;
  const { size } = first;
  const end = to ?? size;
  for (let offset = from + first.data.length; offset < end; ) {
    const pieces = Array.from({ length: AT_ONCE }, (_, at) => offset + at * PIECE_BYTES)
      .filter((at) => at < end)
      .map((at) => read(at, Math.min(PIECE_BYTES, end - at)));
    for (const reading of pieces) {
      const { data } = await reading;
      // Cut meanwhile: what would follow is not what it was.
      if (data.length === 0) return;
      yield { data, size };
      offset += data.length;
      // A short piece in the middle: the rest is asked for anew.
      if (data.length < PIECE_BYTES) break;
    }
  }
}
