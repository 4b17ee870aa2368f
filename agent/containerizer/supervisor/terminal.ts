/**
 * Terminals for commands. Node has none to give, so script(1) makes one: it sits between the
 * streams that the container was given and the command, as one more process of the container.
 *
 * 1. The size is set before the command's first instruction, later ones from outside (`resize`). 2.
 * The terminal echoes. script(1) since util-linux 2.35 switches that off where its own input is no
 * terminal, and the option against it is unknown to older ones; stty does the same for all. 3. A
 * signal that ends the command is told as the exit status 128 + signal: script(1) has no other.
 */
import { spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { TerminalSize } from "../containerizer.ts";
import type { HostTools } from "./host-tools.ts";
import { quoted, quotedAll } from "./shell-words.ts";

/** The argv that runs `argv` at a terminal. The error is a sentence without its full stop. */
export function atTerminal(
  argv: readonly string[],
  { rows, columns }: TerminalSize,
  options: { readonly tools: HostTools; readonly shellVariable: string | undefined },
): Result<readonly string[], string> {
  const { tools, shellVariable } = options;
  const { script, stty, env, sh } = tools;
  if (script === undefined) {
    return err("a terminal needs the program script; install util-linux (on Debian: bsdutils)");
  }
  if (stty === undefined) return err("a terminal needs the program stty; install coreutils");
  // script(1) runs its text by $SHELL, which is the container's to choose and may be anything.
  const shell = shellVariable === undefined ? "unset SHELL" : `SHELL=${quoted(shellVariable)}`;
  const size = `${quoted(stty)} echo rows ${rows} cols ${columns}`;
  const text = `${shell}; ${size}; exec ${quotedAll(argv)}`;
  return ok([env, `SHELL=${sh}`, script, "-qefc", text, "/dev/null"]);
}

/**
 * A file by which the terminal of these processes can be opened, whatever their mount namespace;
 * undefined: none of them has one at its input, output or errors.
 */
export function terminalOf(pids: readonly number[]): string | undefined {
  // The oldest first: a program in the container may open terminals of its own.
  for (const pid of pids.toSorted((a, b) => a - b)) {
    for (const descriptor of [0, 1, 2]) {
      const path = `/proc/${pid}/fd/${descriptor}`;
      if (isTerminal(path)) return path;
    }
  }
  return undefined;
}

function isTerminal(path: string): boolean {
  try {
    return /^\/dev\/pts\/\d+/.test(readlinkSync(path));
  } catch {
    return false;
  }
}

/** False: the terminal has gone, or it was none. */
export async function setTerminalSize(
  terminal: string,
  { rows, columns }: TerminalSize,
  tools: HostTools,
): Promise<boolean> {
  const { stty } = tools;
  if (stty === undefined) return false;
  return await new Promise((resolve) => {
    const argv = ["-F", terminal, "rows", String(rows), "cols", String(columns)];
    const child = spawn(stty, argv, { stdio: "ignore", env: {} });
    child.on("error", () => resolve(false));
    child.on("exit", (code) => resolve(code === 0));
  });
}
