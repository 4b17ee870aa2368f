/** Status numbers and sentences for refused calls that change the cluster; part of `respond.ts`. */
import type { CallError } from "../core/call-error.ts";
import type { MachineName } from "../core/maintenance/machine-name.ts";
import type {
  AgentServiceError,
  MaintenanceError,
  OperatorError,
  QuotaError,
  RoleError,
} from "../core/operator/operator-error.ts";
import { unreachable } from "../std/assert.ts";

const statuses: { readonly [C in OperatorError["code"]]: number } = {
  ROLE_INVALID: 400,
  WEIGHT_INVALID: 400,
  PRIORITY_INVALID: 400,
  POLICY_UNKNOWN: 400,
  QUOTA_ROLE_NESTED: 400,
  QUOTA_ROLE_TWICE: 400,
  QUOTA_VALUE_INVALID: 400,
  QUOTA_GUARANTEE_ABOVE_LIMIT: 400,
  QUOTA_LIMIT_BELOW_CONSUMPTION: 400,
  QUOTA_EXCEEDS_CAPACITY: 400,
  QUOTA_REQUEST_EXCEEDS_CAPACITY: 409,
  QUOTA_REQUEST_INVALID: 400,
  QUOTA_ALREADY_SET: 400,
  QUOTA_NOT_SET: 400,
  WINDOW_WITHOUT_MACHINES: 400,
  WINDOW_DURATION_NEGATIVE: 400,
  MACHINES_MISSING: 400,
  MACHINE_UNNAMED: 400,
  MACHINE_IP_INVALID: 400,
  MACHINE_NAMED_TWICE: 400,
  MACHINE_DOWN_DROPPED: 400,
  MACHINE_NOT_SCHEDULED: 400,
  MACHINE_IS_DOWN: 400,
  MACHINE_NOT_DOWN: 400,
  MACHINE_AGENT_DRAINING: 400,
  AGENT_UNKNOWN: 400,
  AGENT_NOT_FOUND: 404,
  AGENT_GONE: 403,
  AGENT_MACHINE_DOWN: 403,
  AGENT_IN_MAINTENANCE: 400,
  AGENT_CANNOT_DRAIN: 400,
  GRACE_PERIOD_NEGATIVE: 400,
  AGENT_ACTIVE: 400,
  AGENT_STILL_DRAINING: 400,
};

export function isOperatorError(error: CallError): error is OperatorError {
  return Object.hasOwn(statuses, error.code);
}

export function operatorStatus(error: OperatorError): number {
  return statuses[error.code];
}

export function describeOperatorError(error: OperatorError): string {
  switch (error.code) {
    case "ROLE_INVALID":
    case "WEIGHT_INVALID":
    case "PRIORITY_INVALID":
      return describeRoleError(error);
    case "POLICY_UNKNOWN": {
      const { policy, known, meant } = error;
      const hint = meant === undefined ? "" : ` Did you mean '${meant}'?`;
      return `There is no allocation policy '${policy}'.${hint} There are: ${known.join(", ")}.`;
    }
    case "QUOTA_ROLE_NESTED":
    case "QUOTA_ROLE_TWICE":
    case "QUOTA_VALUE_INVALID":
    case "QUOTA_GUARANTEE_ABOVE_LIMIT":
    case "QUOTA_LIMIT_BELOW_CONSUMPTION":
    case "QUOTA_EXCEEDS_CAPACITY":
    case "QUOTA_REQUEST_EXCEEDS_CAPACITY":
    case "QUOTA_REQUEST_INVALID":
    case "QUOTA_ALREADY_SET":
    case "QUOTA_NOT_SET":
      return describeQuotaError(error);
    case "WINDOW_WITHOUT_MACHINES":
    case "WINDOW_DURATION_NEGATIVE":
    case "MACHINES_MISSING":
    case "MACHINE_UNNAMED":
    case "MACHINE_IP_INVALID":
    case "MACHINE_NAMED_TWICE":
    case "MACHINE_DOWN_DROPPED":
    case "MACHINE_NOT_SCHEDULED":
    case "MACHINE_IS_DOWN":
    case "MACHINE_NOT_DOWN":
    case "MACHINE_AGENT_DRAINING":
      return describeMaintenanceError(error);
    default:
      return describeAgentError(error);
  }
}

function describeRoleError(error: RoleError): string {
  switch (error.code) {
    case "ROLE_INVALID":
      return `The role '${error.role}' ${error.problem}. Rename it and send the call again.`;
    case "WEIGHT_INVALID":
      return `The weight of role '${error.role}' is ${error.weight}; set a number above 0.`;
    case "PRIORITY_INVALID":
      return (
        `The priority of role '${error.role}' is ${error.priority}; set a whole number from ` +
        `${-error.most} to ${error.most}, higher ones come first.`
      );
    default:
      return unreachable(error);
  }
}

function describeQuotaError(error: QuotaError): string {
  switch (error.code) {
    case "QUOTA_ROLE_NESTED":
      return (
        `'${error.role}' is below another role. Set the quota of the role at its top; the roles ` +
        "below share it."
      );
    case "QUOTA_ROLE_TWICE":
      return `The role '${error.role}' is named twice. Name every role once.`;
    case "QUOTA_VALUE_INVALID": {
      const range = error.most === undefined ? "0 or more" : `at most ${error.most}`;
      return (
        `The ${error.part} of role '${error.role}' have ${error.value} of ${error.kind}; ` +
        `set a number of ${range}.`
      );
    }
    case "QUOTA_GUARANTEE_ABOVE_LIMIT":
      return (
        `Role '${error.role}' would be guaranteed ${units(error.guarantee)} of ${error.kind} and ` +
        `limited to ${units(error.limit)}. Raise the limit or lower the guarantee.`
      );
    case "QUOTA_LIMIT_BELOW_CONSUMPTION":
      return (
        `Role '${error.role}' already has ${units(error.consumed)} of ${error.kind}, more than ` +
        `the limit of ${units(error.limit)}. Free some of it first, or set 'force'.`
      );
    case "QUOTA_EXCEEDS_CAPACITY":
    case "QUOTA_REQUEST_EXCEEDS_CAPACITY":
      return (
        `All roles together would be guaranteed ${units(error.guaranteed)} of ${error.kind}, but ` +
        `the cluster has ${units(error.capacity)}. Guarantee less, add agents, or set 'force'.`
      );
    case "QUOTA_REQUEST_INVALID":
      return `The guarantee for role '${error.role}' ${error.problem}.`;
    case "QUOTA_ALREADY_SET":
      return (
        `Role '${error.role}' has a quota already. Change it with UPDATE_QUOTA, or remove it ` +
        "first."
      );
    case "QUOTA_NOT_SET":
      return `Role '${error.role}' has no quota. GET_QUOTA lists the roles that have one.`;
    default:
      return unreachable(error);
  }
}

function describeMaintenanceError(error: MaintenanceError): string {
  switch (error.code) {
    case "WINDOW_WITHOUT_MACHINES":
      return `Window ${error.window} of the schedule has no machines. Name some, or leave it out.`;
    case "WINDOW_DURATION_NEGATIVE":
      return `Window ${error.window} of the schedule has a negative duration. Set one from 0.`;
    case "MACHINES_MISSING":
      return "No machine is named. Name at least one by its host name and its ip.";
    case "MACHINE_UNNAMED":
      return "A machine has neither a host name nor an ip. Set both as its agent registered them.";
    case "MACHINE_IP_INVALID":
      return `'${error.ip}' is not the IPv4 address of a machine (a.b.c.d).`;
    case "MACHINE_NAMED_TWICE":
      return `${machine(error.machine)} is named twice. Name every machine once.`;
    case "MACHINE_DOWN_DROPPED":
      return (
        `${machine(error.machine)} is down, so it has to stay in the schedule. Bring it up with ` +
        "STOP_MAINTENANCE first."
      );
    case "MACHINE_NOT_SCHEDULED":
      return (
        `${machine(error.machine)} is not in the maintenance schedule. Add it with ` +
        "UPDATE_MAINTENANCE_SCHEDULE first."
      );
    case "MACHINE_IS_DOWN":
      return `${machine(error.machine)} is down already.`;
    case "MACHINE_NOT_DOWN":
      return `${machine(error.machine)} is not down. GET_MAINTENANCE_STATUS lists those that are.`;
    case "MACHINE_AGENT_DRAINING":
      return (
        `On ${machine(error.machine)} the agent ${error.agentId} is being drained. Reactivate it ` +
        "before its machine is scheduled for maintenance."
      );
    default:
      return unreachable(error);
  }
}

function describeAgentError(error: AgentServiceError): string {
  switch (error.code) {
    case "AGENT_UNKNOWN":
    case "AGENT_NOT_FOUND":
      return (
        `There is no agent '${error.agentId}' in this cluster. 'rimrock agent list' (GET_AGENTS) ` +
        "shows those that there are."
      );
    case "AGENT_GONE":
      return (
        `An operator marked agent ${error.agentId} gone: it may not come back. Start it with an ` +
        "empty work directory, as a new agent."
      );
    case "AGENT_MACHINE_DOWN":
      return (
        `The machine ${error.hostname} / ${error.ip} is down for maintenance. Agents may register ` +
        "there again after STOP_MAINTENANCE."
      );
    case "AGENT_IN_MAINTENANCE":
      return (
        `The machine of agent ${error.agentId} is scheduled for maintenance. Take it out of the ` +
        "schedule before the agent is drained."
      );
    case "AGENT_CANNOT_DRAIN":
      return `Agent ${error.agentId} lacks the capability AGENT_DRAINING. Update it first.`;
    case "GRACE_PERIOD_NEGATIVE":
      return "The grace period is negative. Set one from 0, or leave it out.";
    case "AGENT_ACTIVE":
      return `Agent ${error.agentId} is not deactivated, so there is nothing to reactivate.`;
    case "AGENT_STILL_DRAINING":
      return (
        `Agent ${error.agentId} is still being drained: tasks or operations are left on it. ` +
        "Reactivate it when GET_AGENTS shows it as DRAINED."
      );
    default:
      return unreachable(error);
  }
}

function units(thousandths: number): string {
  return String(thousandths / 1_000);
}

function machine({ hostname, ip }: MachineName): string {
  return `The machine '${[hostname, ip].filter((part) => part !== "").join(" / ")}'`;
}
