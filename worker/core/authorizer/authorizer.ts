/**
 * The one place that is asked whether a principal may do something. It allows everything until ACLs
 * exist; the actions are those of Mesos' authorizer.
 */
import type { Principal } from "../input.ts";

export type Action =
  | { readonly type: "REGISTER_FRAMEWORK"; readonly roles: readonly string[] }
  | { readonly type: "CALL_AS_FRAMEWORK"; readonly callType: string }
  | { readonly type: "RUN_TASK"; readonly user: string }
  | { readonly type: "TEARDOWN_FRAMEWORK"; readonly frameworkPrincipal: string | undefined }
  | { readonly type: "REGISTER_AGENT" }
  | { readonly type: "RESERVE_RESOURCES" | "CREATE_VOLUME"; readonly role: string }
  | { readonly type: "RESIZE_VOLUME"; readonly role: string }
  | { readonly type: "UNRESERVE_RESOURCES"; readonly reserverPrincipal: string | undefined }
  | { readonly type: "DESTROY_VOLUME"; readonly creatorPrincipal: string | undefined }
  | { readonly type: "UPDATE_QUOTA" | "UPDATE_WEIGHTS"; readonly roles: readonly string[] }
  /** Ours: Mesos has no priorities, and a policy for good. */
  | { readonly type: "UPDATE_PRIORITIES"; readonly roles: readonly string[] }
  | { readonly type: "UPDATE_POLICY" }
  | {
      readonly type:
        | "UPDATE_MAINTENANCE_SCHEDULE"
        | "START_MAINTENANCE"
        | "STOP_MAINTENANCE"
        | "DRAIN_AGENT"
        | "DEACTIVATE_AGENT"
        | "REACTIVATE_AGENT"
        | "MARK_AGENT_GONE"
        | "SET_LOG_LEVEL";
    };

export function isAuthorized(_principal: Principal, _action: Action): boolean {
  return true;
}
