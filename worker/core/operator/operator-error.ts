/**
 * Why a call of the operator API that changes the cluster was refused: codes and facts only, part
 * of `CallError`. Sentences and HTTP numbers are in `http/operator-sentences.ts`.
 */
import type { MachineName } from "../maintenance/machine-name.ts";

export type OperatorError =
  | RoleError
  | PolicyError
  | QuotaError
  | MaintenanceError
  | AgentServiceError;

export type RoleError =
  /** `problem`: the rest of a sentence that begins with the role. */
  | { readonly code: "ROLE_INVALID"; readonly role: string; readonly problem: string }
  | { readonly code: "WEIGHT_INVALID"; readonly role: string; readonly weight: number }
  /** No whole number between `-most` and `most`. */
  | {
      readonly code: "PRIORITY_INVALID";
      readonly role: string;
      readonly priority: number;
      readonly most: number;
    };

export interface PolicyError {
  readonly code: "POLICY_UNKNOWN";
  readonly policy: string;
  readonly known: readonly string[];
  /** The one of them that looks like it. */
  readonly meant: string | undefined;
}

export type QuotaError =
  /** Quota is of top-level roles; what is below them shares it. */
  | { readonly code: "QUOTA_ROLE_NESTED"; readonly role: string }
  | { readonly code: "QUOTA_ROLE_TWICE"; readonly role: string }
  | {
      readonly code: "QUOTA_VALUE_INVALID";
      readonly role: string;
      readonly part: "guarantees" | "limits";
      readonly kind: string;
      readonly value: number;
      /** Absent: the value is negative or no number. */
      readonly most?: number;
    }
  /** Amounts in thousandths from here on. */
  | {
      readonly code: "QUOTA_GUARANTEE_ABOVE_LIMIT";
      readonly role: string;
      readonly kind: string;
      readonly guarantee: number;
      readonly limit: number;
    }
  | {
      readonly code: "QUOTA_LIMIT_BELOW_CONSUMPTION";
      readonly role: string;
      readonly kind: string;
      readonly limit: number;
      readonly consumed: number;
    }
  | {
      readonly code: "QUOTA_EXCEEDS_CAPACITY" | "QUOTA_REQUEST_EXCEEDS_CAPACITY";
      readonly kind: string;
      readonly guaranteed: number;
      readonly capacity: number;
    }
  /** SET_QUOTA: `problem` is the rest of a sentence that begins with "The guarantee". */
  | { readonly code: "QUOTA_REQUEST_INVALID"; readonly role: string; readonly problem: string }
  | { readonly code: "QUOTA_ALREADY_SET"; readonly role: string }
  | { readonly code: "QUOTA_NOT_SET"; readonly role: string };

export type MaintenanceError =
  /** `window`: its place in the schedule, from 0. */
  | { readonly code: "WINDOW_WITHOUT_MACHINES"; readonly window: number }
  | { readonly code: "WINDOW_DURATION_NEGATIVE"; readonly window: number }
  | { readonly code: "MACHINES_MISSING" }
  | { readonly code: "MACHINE_UNNAMED" }
  | { readonly code: "MACHINE_IP_INVALID"; readonly ip: string }
  | { readonly code: "MACHINE_NAMED_TWICE"; readonly machine: MachineName }
  /** A machine that is down must stay in the schedule until it is up again. */
  | { readonly code: "MACHINE_DOWN_DROPPED"; readonly machine: MachineName }
  | { readonly code: "MACHINE_NOT_SCHEDULED"; readonly machine: MachineName }
  | { readonly code: "MACHINE_IS_DOWN"; readonly machine: MachineName }
  | { readonly code: "MACHINE_NOT_DOWN"; readonly machine: MachineName }
  | {
      readonly code: "MACHINE_AGENT_DRAINING";
      readonly machine: MachineName;
      readonly agentId: string;
    };

export type AgentServiceError =
  | { readonly code: "AGENT_UNKNOWN"; readonly agentId: string }
  /** MARK_AGENT_GONE of an agent that was never here. */
  | { readonly code: "AGENT_NOT_FOUND"; readonly agentId: string }
  /** To an agent that wants to come back. It reads the code: it ends itself. */
  | { readonly code: "AGENT_GONE"; readonly agentId: string }
  /** To an agent that wants to register. */
  | { readonly code: "AGENT_MACHINE_DOWN"; readonly hostname: string; readonly ip: string }
  | { readonly code: "AGENT_IN_MAINTENANCE"; readonly agentId: string }
  | { readonly code: "AGENT_CANNOT_DRAIN"; readonly agentId: string }
  | { readonly code: "GRACE_PERIOD_NEGATIVE"; readonly agentId: string }
  | { readonly code: "AGENT_ACTIVE"; readonly agentId: string }
  | { readonly code: "AGENT_STILL_DRAINING"; readonly agentId: string };
