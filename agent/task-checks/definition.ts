/** What is to be tried, in one form for checks and health checks. */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { unreachable } from "../../worker/std/assert.ts";
import { checkPlan, healthPlan } from "../core/check-plan.ts";
import type { CheckKind } from "../core/check-result.ts";

export type CheckType = "COMMAND" | "HTTP" | "TCP";

export interface HttpCheck {
  readonly type: "HTTP";
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

export interface TcpCheck {
  readonly type: "TCP";
  readonly host: string;
  readonly port: number;
}

export type CheckDefinition =
  | { readonly type: "COMMAND"; readonly command: mesos.CommandInfo }
  | HttpCheck
  | TcpCheck;

export interface Check {
  readonly definition: CheckDefinition;
  /** Undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
}

/** Undefined: the task has no such check, or one that no master lets through. */
export function checkOf(task: mesos.TaskInfo, kind: CheckKind): Check | undefined {
  switch (kind) {
    case "CHECK": {
      const { check } = task;
      const definition = check && ofCheck(check);
      return definition && { definition, timeoutMs: checkPlan(check).timeoutMs };
    }
    case "HEALTH": {
      const { health_check: check } = task;
      const definition = check && ofHealthCheck(check);
      return definition && { definition, timeoutMs: healthPlan(check).timeoutMs };
    }
    default:
      return unreachable(kind);
  }
}

function ofCheck({ type, command, http, tcp }: mesos.CheckInfo): CheckDefinition | undefined {
  const host = hostOf(undefined);
  switch (type) {
    case "COMMAND":
      return command && { type, command: command.command };
    case "HTTP":
      return http && { type, scheme: "http", host, port: http.port, path: http.path ?? "/" };
    case "TCP":
      return tcp && { type, host, port: tcp.port };
    case "UNKNOWN":
    case undefined:
      return undefined;
    default:
      return unreachable(type);
  }
}

function ofHealthCheck(check: mesos.HealthCheck): CheckDefinition | undefined {
  const { type, command, http, tcp } = check;
  switch (type) {
    case "COMMAND":
      return command && { type, command };
    case "HTTP": {
      if (http === undefined) return undefined;
      const { port, path = "/", protocol } = http;
      const scheme = http.scheme === "https" ? "https" : "http";
      return { type, scheme, host: hostOf(protocol), port, path };
    }
    case "TCP":
      return tcp && { type, host: hostOf(tcp.protocol), port: tcp.port };
    case "UNKNOWN":
    case undefined:
      return undefined;
    default:
      return unreachable(type);
  }
}

/** The task itself, as it sees itself. */
function hostOf(protocol: mesos.NetworkInfoProtocol | undefined): string {
  return protocol === "IPv6" ? "::1" : "127.0.0.1";
}
