/**
 * Makes checks: each once, within its time, until it is cancelled. When the next one is made, and
 * what follows from its outcome, is the core's.
 */

import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { unreachable } from "../../worker/std/assert.ts";
import type { ContainerId, Containerizer, ContainerSpec } from "../containerizer/containerizer.ts";
import type { CheckKind, CheckResult } from "../core/check-result.ts";
import type { Launch } from "../core/effect.ts";
import { checkCommand } from "./command.ts";
import { type Check, checkOf } from "./definition.ts";
import { checkNetwork } from "./network.ts";

export interface CheckerOptions {
  readonly containerizer: Containerizer;
  /** A container inside the task's own, with its environment, for one command. */
  readonly specInside: (launch: Launch, command: mesos.CommandInfo) => ContainerSpec;
}

export interface CheckRequest extends Launch {
  readonly kind: CheckKind;
  /** A process of the task's. */
  readonly pid?: number;
}

export class Checker {
  readonly #options: CheckerOptions;
  readonly #underWay = new Map<string, AbortController>();

  constructor(options: CheckerOptions) {
    this.#options = options;
  }

  /** Undefined: it was cancelled. */
  async make(request: CheckRequest): Promise<CheckResult | undefined> {
    const key = keyOf(request.containerId, request.kind);
    const check = checkOf(request.task, request.kind);
    if (check === undefined) return { kind: "NONE", why: "the task has no such check" };
    const cancelled = new AbortController();
    this.#underWay.set(key, cancelled);
    const timeout = new AbortController();
    const timer =
      check.timeoutMs === undefined
        ? undefined
        : setTimeout(() => timeout.abort(), Math.min(check.timeoutMs, TIMER_MAX_MS));
    const signal = AbortSignal.any([cancelled.signal, timeout.signal]);
    const result = await this.#make(request, check, signal);
    clearTimeout(timer);
    if (this.#underWay.get(key) === cancelled) this.#underWay.delete(key);
    return cancelled.signal.aborted ? undefined : result;
  }

  cancel(containerId: ContainerId, kind: CheckKind): void {
    this.#underWay.get(keyOf(containerId, kind))?.abort();
  }

  /** Commands that are under way end with the next process, which finds them without an owner. */
  close(): void {
    for (const check of this.#underWay.values()) check.abort();
  }

  async #make(
    request: CheckRequest,
    { definition }: Check,
    signal: AbortSignal,
  ): Promise<CheckResult> {
    switch (definition.type) {
      case "COMMAND": {
        const { containerizer, specInside } = this.#options;
        const spec = specInside(request, definition.command);
        return await checkCommand(containerizer, spec, signal);
      }
      case "HTTP":
      case "TCP":
        return await checkNetwork(definition, { pid: request.pid, program: OURS }, signal);
      default:
        return unreachable(definition);
    }
  }
}

/** How this very program was started. */
const OURS = [process.execPath, process.argv[1] ?? ""];

/** `setTimeout` takes 31 bits. */
const TIMER_MAX_MS = 2 ** 31 - 1;

function keyOf(containerId: ContainerId, kind: CheckKind): string {
  return `${kind} ${containerId}`;
}
