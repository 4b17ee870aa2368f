/** What tty_info says of a container's terminal. */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { TerminalSize } from "../containerizer/containerizer.ts";

/** As terminals are where nobody says otherwise. */
const USUAL_SIZE: TerminalSize = { rows: 24, columns: 80 };
/** What the kernel keeps of a size: 16 bits. */
const SIZE_MAX = 65_535;

/** The error is a sentence without its full stop. */
export function terminalSize({ window_size }: mesos.TTYInfo): Result<TerminalSize, string> {
  const { rows, columns } = window_size ?? USUAL_SIZE;
  if (rows <= SIZE_MAX && columns <= SIZE_MAX) return ok({ rows, columns });
  return err(`a terminal has at most ${SIZE_MAX} rows and columns, not ${rows} and ${columns}`);
}
