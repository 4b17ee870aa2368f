/**
 * Rimrock's own calls, beside those of Mesos' operator API: one file per call, and this table.
 *
 * They have messages of their own (`protocol/own/wire.tsv`), so that nothing is added to Mesos'
 * calls, and a path each (`http/routes/own.ts`). A read is made in steps: it yields where others
 * may go on, changes nothing, and sees the state as it is at each step. A change is a turn, as it
 * is for Mesos' calls.
 */
import type * as own from "../../../protocol/own/operator.ts";
import type { Result } from "../../../std/result.ts";
import type { CallError } from "../../call-error.ts";
import type { MasterState } from "../../state.ts";
import { reply, type Turn } from "../../turn.ts";
import { audited } from "../audit.ts";
import { getAudit } from "./get-audit.ts";
import { getPolicy, setPolicy } from "./policy.ts";
import { getPriorities, setPrioritiesCall } from "./priorities.ts";
import { type WhatIfFacts, whatIfCall } from "./what-if/what-if.ts";
import { type WhyFacts, why } from "./why/why.ts";

/** An answer as facts; the edge puts sentences to them. */
export interface OwnFacts extends own.Answer {
  readonly why?: WhyFacts;
  readonly what_if?: WhatIfFacts;
}

/** Steps of an answer. One step is a few rows' work. */
export type OwnReading = Generator<undefined, Result<OwnFacts, CallError>>;

export type OwnRead = (state: MasterState, nowMs: number, call: own.Call) => OwnReading;

/** The part of the call that goes by its type's name is there: the edge makes no other. */
export type OwnChange = (turn: Turn, call: own.Call) => void;

export type OwnCall =
  | { readonly kind: "READ"; readonly read: OwnRead }
  | { readonly kind: "CHANGE"; readonly change: OwnChange }
  | { readonly kind: "NOT_SERVED" };

const notServed: OwnCall = { kind: "NOT_SERVED" };

export const ownCalls: { readonly [T in own.CallType]: OwnCall } = {
  UNKNOWN: notServed,
  WHY: { kind: "READ", read: why },
  WHAT_IF: { kind: "READ", read: whatIfCall },
  GET_POLICY: { kind: "READ", read: getPolicy },
  SET_POLICY: { kind: "CHANGE", change: setPolicy },
  GET_PRIORITIES: { kind: "READ", read: getPriorities },
  SET_PRIORITIES: { kind: "CHANGE", change: setPrioritiesCall },
  GET_AUDIT: { kind: "READ", read: getAudit },
};

export function ownChange(turn: Turn, call: own.Call): void {
  const served = ownCalls[call.type];
  if (served.kind === "CHANGE") audited(turn, call.type, () => served.change(turn, call));
  else reply(turn, { type: "REFUSED", error: { code: "CALL_NOT_SERVED", callType: call.type } });
}
