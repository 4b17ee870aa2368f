import type * as master from "../../protocol/v1/master.ts";
import { isAuthorized } from "../authorizer/authorizer.ts";
import { removeFramework } from "../framework/remove.ts";
import { reply, type Turn } from "../turn.ts";

/** An operator ends a framework. */
export function teardown(turn: Turn, call: master.Call): void {
  const frameworkId = call.teardown?.framework_id.value ?? "";
  const framework = turn.state.tables.framework.get(frameworkId);
  if (framework === undefined) {
    reply(turn, { type: "REFUSED", error: { code: "FRAMEWORK_NOT_FOUND", frameworkId } });
    return;
  }
  const action = { type: "TEARDOWN_FRAMEWORK", frameworkPrincipal: framework.principal } as const;
  if (!isAuthorized(turn.principal, action)) {
    reply(turn, { type: "REFUSED", error: { code: "NOT_AUTHORIZED", action: action.type } });
    return;
  }
  reply(turn, { type: "DONE" });
  removeFramework(turn, framework);
}
