/**
 * Checks over the network are made where the task is. Where it has a network of its own, a process
 * of ours is sent there, since Node cannot go there itself: this very program, started by
 * nsenter(1) with one argument and the check on its standard input.
 */
import { spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import { unreachable } from "../../worker/std/assert.ts";
import type { CheckResult } from "../core/check-result.ts";
import type { HttpCheck, TcpCheck } from "./definition.ts";
import { checkHttp } from "./http.ts";
import { checkTcp } from "./tcp.ts";

export type NetworkCheck = HttpCheck | TcpCheck;

/** The argument by which the program knows that it is such a process. */
export const CHECK_ARGUMENT = "--make-one-check";

export interface Place {
  /** A process of the task's; undefined: it has the network of the machine. */
  readonly pid: number | undefined;
  /** This program: what starts it. */
  readonly program: readonly string[];
}

export async function checkNetwork(
  check: NetworkCheck,
  { pid, program }: Place,
  signal: AbortSignal,
): Promise<CheckResult> {
  if (pid === undefined || !hasOtherNetwork(pid)) return await checkHere(check, signal);
  return await checkThere(check, { pid, program }, signal);
}

/** What the process that was sent somewhere does: a check in, its result out. */
export async function makeOneCheck(): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece);
  // From `checkThere`, of this same program.
  const check: NetworkCheck = JSON.parse(Buffer.concat(pieces).toString("utf8"));
  const result = await checkHere(check, new AbortController().signal);
  process.stdout.write(JSON.stringify(result));
}

async function checkHere(check: NetworkCheck, signal: AbortSignal): Promise<CheckResult> {
  switch (check.type) {
    case "HTTP":
      return await checkHttp(check, signal);
    case "TCP":
      return await checkTcp(check, signal);
    default:
      return unreachable(check);
  }
}

function checkThere(
  check: NetworkCheck,
  { pid, program }: Place,
  signal: AbortSignal,
): Promise<CheckResult> {
  const argv = [`--target=${pid}`, "--net", "--", ...program, CHECK_ARGUMENT];
  return new Promise((resolve) => {
    const child = spawn("nsenter", argv, { stdio: ["pipe", "pipe", "ignore"], signal });
    const pieces: Buffer[] = [];
    const failed = (why: string): void =>
      resolve({ kind: "NONE", why: signal.aborted ? "no answer in time" : why });
    child.on("error", ({ message }) => failed(`cannot enter the task's network: ${message}`));
    child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
    child.on("close", (code) => {
      if (code !== 0) failed(`cannot enter the task's network: nsenter ended with ${code}`);
      // Written by `makeOneCheck`, of this same program.
      else resolve(JSON.parse(Buffer.concat(pieces).toString("utf8")));
    });
    child.stdin.on("error", () => {});
    child.stdin.end(JSON.stringify(check));
  });
}

/** A process that is gone is not looked for: the check will find nobody. */
function hasOtherNetwork(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync("/proc/self/ns/net");
  } catch {
    return false;
  }
}
