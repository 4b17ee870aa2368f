/** Where the last lines of a file on an agent begin. */
import type { Operator } from "../../worker/sdk/operator.ts";

const PIECE_BYTES = 64 * 1024;
const LINE_FEED = 0x0a;

/** Bytes before the last `lines` lines. A last line without its end counts as one. */
export async function tailOffset(
  operator: Operator,
  { agentId, path }: { readonly agentId: string; readonly path: string },
  lines: number,
): Promise<number> {
  const { size } = await operator.readFile(agentId, { path, offset: 0, length: 0 });
  let left = lines;
  // The file's last byte ends a line, and begins none.
  let end = size - 1;
  if (lines === 0) return size;
  while (end > 0) {
    const offset = Math.max(0, end - PIECE_BYTES);
    const { data } = await operator.readFile(agentId, { path, offset, length: end - offset });
    for (let at = data.length - 1; at >= 0; at--) {
      if (data[at] !== LINE_FEED) continue;
      left--;
      if (left === 0) return offset + at + 1;
    }
    end = offset;
  }
  return 0;
}
