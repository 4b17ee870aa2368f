/** Where the last lines of a file on an agent begin. */
import type { Operator } from "../../worker/sdk/operator.ts";

const PIECE_BYTES = 64 * 1024;
const LINE_FEED = 0x0a;

export interface Tail {
  /** Bytes before the last lines. */
  readonly offset: number;
  /** Of the file, when they were looked for. */
  readonly size: number;
}

/** The last `lines` lines. A last line without its end counts as one. */
export async function findTail(
  operator: Operator,
  { agentId, path }: { readonly agentId: string; readonly path: string },
  lines: number,
): Promise<Tail> {
  const { size } = await operator.readFile(agentId, { path, offset: 0, length: 0 });
  let left = lines;
  // The file's last byte ends a line, and begins none.
  let end = size - 1;
  if (lines === 0) return { offset: size, size };
  while (end > 0) {
    const offset = Math.max(0, end - PIECE_BYTES);
    const { data } = await operator.readFile(agentId, { path, offset, length: end - offset });
    for (let at = data.length - 1; at >= 0; at--) {
      if (data[at] !== LINE_FEED) continue;
      left--;
      if (left === 0) return { offset: offset + at + 1, size };
    }
    end = offset;
  }
  return { offset: 0, size };
}
