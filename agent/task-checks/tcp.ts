/** A TCP check: a connection that comes about, and is closed at once. */
import { connect } from "node:net";
import type { CheckResult } from "../core/check-result.ts";
import type { TcpCheck } from "./definition.ts";
import { wordsOf } from "./http.ts";

export function checkTcp({ host, port }: TcpCheck, signal: AbortSignal): Promise<CheckResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal });
    socket.once("connect", () => {
      socket.destroy();
      resolve({ kind: "CONNECTION", succeeded: true });
    });
    socket.once("error", (cause: NodeJS.ErrnoException) => {
      const why = `${wordsOf(cause, signal)} at ${host}:${port}`;
      // That nobody listens is an outcome; that nothing is known is none.
      if (signal.aborted) resolve({ kind: "NONE", why });
      else resolve({ kind: "CONNECTION", succeeded: false, why });
    });
  });
}
