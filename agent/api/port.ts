/**
 * Which port the API gets. One that was asked for, or none; else the one that this agent had the
 * last time, because executors that outlived it may look for it there; else the usual one; else,
 * where another agent of this machine has that, any.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { Config } from "../config.ts";
import { errnoOf } from "../shell/errno.ts";
import { type Listener, listen } from "./server.ts";

/** The error is a sentence. */
export async function takePort(
  { listen: host, port, isPortGiven }: Pick<Config, "listen" | "port" | "isPortGiven">,
  metaDirectory: string,
): Promise<Result<Listener, string>> {
  const path = join(metaDirectory, "api-port");
  const candidates = isPortGiven ? [port] : [...lastPort(path), port, 0];
  for (const candidate of candidates) {
    const listener = await listen({ host, port: candidate });
    if (listener.ok) return remember(listener.value, path);
    const isTaken = listener.error === "EADDRINUSE" && !isPortGiven;
    if (!isTaken) {
      return err(`the API cannot listen at ${host}:${candidate}: ${listener.error}; see --port`);
    }
  }
  return err(`the API finds no free port at ${host}; see --port`);
}

function lastPort(path: string): readonly number[] {
  try {
    const text = readFileSync(path, "utf8").trim();
    const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    return port >= 1 && port <= 65_535 ? [port] : [];
  } catch {
    // The first start, or one that will choose again.
    return [];
  }
}

function remember(listener: Listener, path: string): Result<Listener, string> {
  try {
    writeFileSync(path, `${listener.port}\n`, { mode: 0o600 });
    return ok(listener);
  } catch (cause) {
    listener.close();
    return err(`cannot write ${path}: ${errnoOf(cause)}`);
  }
}
