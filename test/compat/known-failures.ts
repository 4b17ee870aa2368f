/**
 * `known-failures.txt`: what a client cannot do, with its reason. Read strictly, so that a line
 * that says nothing is a mistake.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../e2e/harness.ts";

export interface KnownFailure {
  readonly encoding: string;
  readonly name: string;
  /** Part of what the client says. */
  readonly says: string;
}

export function knownFailures(client: string): readonly KnownFailure[] {
  const path = join(ROOT, "test/compat/known-failures.txt");
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.flatMap((line, at) => {
    if (line === "" || line.startsWith("#")) return [];
    const [of, encoding, name, says, ...more] = line.split(" | ");
    if (!of || !encoding || !name || !says || more.length > 0) {
      throw new Error(`known-failures.txt:${at + 1}: expected four parts between ' | '`);
    }
    return of === client ? [{ encoding, name, says }] : [];
  });
}
