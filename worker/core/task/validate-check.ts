/** Checks of checks: CheckInfo and HealthCheck (http-semantics 16). */
import type * as mesos from "../../protocol/v1/mesos.ts";
import { validateCommand } from "./validate-command.ts";

const PORT_MAX = 65_535;

/** Why the task's `check` or `health_check` cannot be run. */
export function validateChecks(task: mesos.TaskInfo): string | undefined {
  return validateCheck(task.check) ?? validateHealthCheck(task.health_check);
}

/** Whether one of the two is made over the network. */
export function hasNetworkCheck({ check, health_check }: mesos.TaskInfo): boolean {
  return [check?.type, health_check?.type].some((type) => type === "HTTP" || type === "TCP");
}

function validateCheck(check: mesos.CheckInfo | undefined): string | undefined {
  if (check === undefined) return undefined;
  const owner = "Task's check";
  const { command, http, tcp } = check;
  return (
    validateType(owner, check.type, {
      COMMAND: () => validateShellCommand(owner, command && { value: command.command }),
      HTTP: () => validateHttp(owner, http),
      TCP: () => validateTcp(owner, tcp),
    }) ?? validateTimes(owner, check)
  );
}

function validateHealthCheck(check: mesos.HealthCheck | undefined): string | undefined {
  if (check === undefined) return undefined;
  const owner = "Task's health_check";
  const { command, http, tcp, grace_period_seconds: grace } = check;
  return (
    validateType(owner, check.type, {
      COMMAND: () => validateShellCommand(owner, command && { value: command }),
      HTTP: () => validateHttp(owner, http) ?? validateScheme(owner, http?.scheme),
      TCP: () => validateTcp(owner, tcp),
    }) ??
    validateTimes(owner, check) ??
    validateSeconds(owner, "grace_period_seconds", grace)
  );
}

type CheckType = "COMMAND" | "HTTP" | "TCP";

function validateType(
  owner: string,
  type: CheckType | "UNKNOWN" | undefined,
  parts: { readonly [T in CheckType]: () => string | undefined },
): string | undefined {
  if (type !== undefined && type !== "UNKNOWN") return parts[type]();
  return `${owner} has no known type; use COMMAND, HTTP or TCP`;
}

function validateShellCommand(
  owner: string,
  command: { readonly value: mesos.CommandInfo } | undefined,
): string | undefined {
  if (command === undefined) return `${owner} is of type COMMAND and has no command`;
  const { value } = command;
  if (value.value === undefined) return `${owner}'s command has no value; say what to run`;
  const texts = [value.value, ...(value.arguments ?? [])];
  if (texts.some((text) => text.includes("\0"))) {
    return `${owner}'s command contains a NUL character`;
  }
  return validateCommand(owner, value);
}

function validateHttp(
  owner: string,
  http: { readonly port: number; readonly path?: string | undefined } | undefined,
): string | undefined {
  if (http === undefined) return `${owner} is of type HTTP and has no http`;
  const { port, path } = http;
  if (path !== undefined && !path.startsWith("/")) {
    return `${owner}'s path '${path}' must begin with '/'`;
  }
  // A path becomes part of a request line.
  if (path !== undefined && /[^\x21-\x7e]/.test(path)) {
    return `${owner}'s path has a blank or a character beyond ASCII; percent-encode it`;
  }
  return validatePort(owner, port);
}

function validateTcp(
  owner: string,
  tcp: { readonly port: number } | undefined,
): string | undefined {
  return tcp === undefined
    ? `${owner} is of type TCP and has no tcp`
    : validatePort(owner, tcp.port);
}

function validatePort(owner: string, port: number): string | undefined {
  if (port >= 1 && port <= PORT_MAX) return undefined;
  return `${owner}'s port ${port} is none; use 1 to ${PORT_MAX}`;
}

function validateScheme(owner: string, scheme: string | undefined): string | undefined {
  if (scheme === undefined || scheme === "http" || scheme === "https") return undefined;
  return `${owner}'s scheme '${scheme}' is unknown; use http or https`;
}

function validateTimes(owner: string, check: mesos.CheckInfo | mesos.HealthCheck) {
  const { delay_seconds, interval_seconds, timeout_seconds } = check;
  return (
    validateSeconds(owner, "delay_seconds", delay_seconds) ??
    validateSeconds(owner, "interval_seconds", interval_seconds) ??
    validateSeconds(owner, "timeout_seconds", timeout_seconds)
  );
}

function validateSeconds(
  owner: string,
  field: string,
  seconds: number | undefined,
): string | undefined {
  if (seconds === undefined || (seconds >= 0 && Number.isFinite(seconds))) return undefined;
  return `${owner}'s ${field} is ${seconds}; it must be a number from 0`;
}
