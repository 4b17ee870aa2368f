/** The process' input and window. */
import type { Keyboard } from "./command.ts";

export function processKeyboard(): Keyboard {
  const { stdin, stdout } = process;
  return {
    get isTerminal() {
      return stdin.isTTY === true;
    },
    size: () => (stdout.isTTY ? { rows: stdout.rows, columns: stdout.columns } : undefined),
    onResize: (listener) => {
      stdout.on("resize", listener);
      return () => stdout.off("resize", listener);
    },
    // Without an encoding set it gives bytes.
    bytes: () => stdin as AsyncIterable<Uint8Array>,
    raw: () => {
      if (!stdin.isTTY) return () => {};
      stdin.setRawMode(true);
      return () => stdin.setRawMode(false);
    },
  };
}
