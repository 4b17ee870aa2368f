/** A file of an agent, piece by piece: several are asked for at a time, and arrive in order. */
import type { Operator } from "../../worker/sdk/operator.ts";

const PIECE_BYTES = 64 * 1024;
/** Each waits for the agent's next poll; one after the other a large file would take for ever. */
const AT_ONCE = 8;

export interface FilePiece {
  readonly data: Uint8Array;
  /** Bytes of the whole file, when this piece was read. */
  readonly size: number;
}

/** To the end that it has when that is reached. */
export async function* readPieces(
  operator: Operator,
  { agentId, path }: { readonly agentId: string; readonly path: string },
  from: number,
): AsyncGenerator<FilePiece, void> {
  const read = (offset: number): Promise<FilePiece> => {
    const reading = operator.readFile(agentId, { path, offset, length: PIECE_BYTES });
    // One that fails before its turn is told when that comes.
    reading.catch(() => {});
    return reading;
  };
  const first = await read(from);
  yield first;
  let offset = from + first.data.length;
  let { size } = first;
  while (offset < size) {
    const pieces = Array.from({ length: AT_ONCE }, (_, at) => offset + at * PIECE_BYTES)
      .filter((at) => at < size)
      .map(read);
    for (const reading of pieces) {
      const piece = await reading;
      // Cut meanwhile: what would follow is not what it was.
      if (piece.data.length === 0) return;
      yield piece;
      offset += piece.data.length;
      size = piece.size;
      // A short piece in the middle: the rest is asked for anew.
      if (piece.data.length < PIECE_BYTES) break;
    }
  }
}
