/** How every change that an operator asks for ends: refused with its error, or done. */
import { err, ok, type Result } from "../../std/result.ts";
import { type Action, isAuthorized } from "../authorizer/authorizer.ts";
import type { CallError } from "../call-error.ts";
import { reply, type Turn } from "../turn.ts";

/** Answers by `checked`, and carries out what is in order. */
export function carryOut<T>(
  turn: Turn,
  checked: Result<T, CallError>,
  change: (value: T) => void,
): void {
  if (!checked.ok) {
    reply(turn, { type: "REFUSED", error: checked.error });
    return;
  }
  reply(turn, { type: "DONE" });
  change(checked.value);
}

/** `value`, if the caller may do `action` with it. */
export function authorized<T>(turn: Turn, action: Action, value: T): Result<T, CallError> {
  if (isAuthorized(turn.principal, action)) return ok(value);
  return err({ code: "NOT_AUTHORIZED", action: action.type });
}
