/**
 * UPDATE_FRAMEWORK: a framework says anew what it is, without a new stream. The only scheduler call
 * whose answer is its verdict (http-semantics 11.3).
 */

import type * as scheduler from "../../protocol/v1/scheduler.ts";
import { isAuthorized } from "../authorizer/authorizer.ts";
import type { FrameworkRow } from "../rows.ts";
import { reply, type Turn } from "../turn.ts";
import { replaceFacts } from "./facts.ts";
import { rolesOf } from "./info.ts";
import { validateUpdate } from "./validate.ts";

export function updateFramework(
  turn: Turn,
  framework: FrameworkRow,
  call: scheduler.CallUpdateFramework,
): void {
  const problem = validateUpdate(turn.state, call, framework);
  if (problem !== undefined) {
    reply(turn, { type: "REFUSED", error: { code: "FRAMEWORK_INVALID", problem } });
    return;
  }
  const action = { type: "REGISTER_FRAMEWORK", roles: rolesOf(call.framework_info) } as const;
  if (!isAuthorized(turn.principal, action)) {
    reply(turn, { type: "REFUSED", error: { code: "NOT_AUTHORIZED", action: action.type } });
    return;
  }
  reply(turn, { type: "DONE" });
  replaceFacts(turn, framework, call);
}
