/** Status numbers and sentences for refused calls of Rimrock's own; part of `respond.ts`. */
import type { CallError } from "../core/call-error.ts";
import type { OwnError } from "../core/operator/own/own-error.ts";
import { describeTextError } from "../resources/text-error.ts";
import { unreachable } from "../std/assert.ts";

const statuses: { readonly [C in OwnError["code"]]: number } = {
  QUESTION_EMPTY: 400,
  FRAMEWORK_NAME_UNKNOWN: 400,
  AGENT_NAME_UNKNOWN: 400,
  ROLE_NAME_UNKNOWN: 400,
  FRAMEWORK_NAME_AMBIGUOUS: 400,
  AGENT_NAME_AMBIGUOUS: 400,
  FRAMEWORK_COMPLETED: 400,
  AGENT_MARKED_GONE: 400,
  TRIAL_TOO_LARGE: 400,
  TRIAL_EMPTY: 400,
  TRIAL_FRAMEWORK_AWAY: 400,
  TRIAL_ROLE_NOT_SUBSCRIBED: 400,
  TRIAL_FRAMEWORK_REFUSED: 400,
  SHAPE_UNREADABLE: 400,
  SHAPE_RESERVED: 400,
  SHAPE_EMPTY: 400,
};

export function isOwnError(error: CallError): error is OwnError {
  return Object.hasOwn(statuses, error.code);
}

export function ownStatus(error: OwnError): number {
  return statuses[error.code];
}

export function describeOwnError(error: OwnError): string {
  switch (error.code) {
    case "QUESTION_EMPTY":
      return "Nothing is asked about. Name a framework, a role, an agent, or resources.";
    case "FRAMEWORK_NAME_UNKNOWN":
      return `There is no framework '${error.name}'. ${meant(error, "framework")}`;
    case "AGENT_NAME_UNKNOWN":
      return `There is no agent '${error.name}'. ${meant(error, "agent")}`;
    case "ROLE_NAME_UNKNOWN":
      return (
        `No framework subscribes to the role '${error.name}', and no operator has set anything ` +
        `for it. ${meant(error, "role")}`
      );
    case "FRAMEWORK_NAME_AMBIGUOUS":
      return `Several frameworks are called '${error.name}'. Name one by its id: ${list(error.ids)}.`;
    case "AGENT_NAME_AMBIGUOUS":
      return `Several agents go by '${error.name}'. Name one by its id: ${list(error.ids)}.`;
    case "FRAMEWORK_COMPLETED":
      return (
        `The framework ${error.frameworkId} was removed: it is offered nothing any more. It has ` +
        "to subscribe without an id, as a new one."
      );
    case "AGENT_MARKED_GONE":
      return (
        `An operator marked the agent ${error.agentId} gone. Start it with an empty work ` +
        "directory, as a new agent."
      );
    case "TRIAL_TOO_LARGE":
    case "TRIAL_EMPTY":
    case "TRIAL_FRAMEWORK_AWAY":
    case "TRIAL_ROLE_NOT_SUBSCRIBED":
    case "TRIAL_FRAMEWORK_REFUSED":
      return describeTrialError(error);
    case "SHAPE_UNREADABLE":
      return (
        `'${error.text}' is no list of resources: ${describeTextError(error.error)}. ` +
        "One looks like cpus:2;mem:512."
      );
    case "SHAPE_RESERVED":
      return (
        `'${error.text}' names a reservation. Name amounts only, and the role beside them: what ` +
        "is reserved for it counts."
      );
    case "SHAPE_EMPTY":
      return `There is nothing in '${error.text}'. Name amounts, such as cpus:2;mem:512.`;
    default:
      return unreachable(error);
  }
}

type TrialError = Extract<OwnError, { readonly code: `TRIAL_${string}` }>;

function describeTrialError(error: TrialError): string {
  switch (error.code) {
    case "TRIAL_TOO_LARGE":
      return describeTooLarge(error);
    case "TRIAL_EMPTY":
      return (
        "Nothing is to be tried. Name quotas, weights, priorities, agents, tasks, or agents that " +
        "are gone or drained."
      );
    case "TRIAL_FRAMEWORK_AWAY":
      return (
        `The framework ${error.frameworkId} is not connected, so it gets no offers. Try the tasks ` +
        "without a framework, for a role."
      );
    case "TRIAL_ROLE_NOT_SUBSCRIBED":
      return (
        `The framework ${error.frameworkId} does not subscribe to the role '${error.role}'. Name ` +
        "one of its roles, or leave the framework out."
      );
    case "TRIAL_FRAMEWORK_REFUSED":
      return `A framework for the role '${error.role}' was not let in. Try another role.`;
    default:
      return unreachable(error);
  }
}

function describeTooLarge({
  what,
  count,
  most,
}: Extract<OwnError, { readonly code: "TRIAL_TOO_LARGE" }>): string {
  switch (what) {
    case "rows":
      return (
        `The cluster has ${count} agents, tasks and offers; trials are made up to ${most}, so ` +
        "that nobody waits for them. Ask 'why' instead."
      );
    case "offers":
      return (
        `${count} offers are outstanding, and the trial would take them all back; it is made up ` +
        `to ${most}, so that nobody waits for it. Try when there are fewer.`
      );
    case "agents":
    case "tasks":
    case "changes":
      return `${count} ${what} are too many for one trial: at most ${most}. Try fewer.`;
    default:
      return unreachable(what);
  }
}

/** Both who types commands and who writes programs read it. */
function meant(
  { meant }: { readonly meant?: string },
  noun: "framework" | "agent" | "role",
): string {
  if (meant !== undefined) return `Did you mean '${meant}'?`;
  return `'rimrock ${noun} list' (GET_${noun.toUpperCase()}S) shows those that there are.`;
}

function list(ids: readonly string[]): string {
  return ids.join(", ");
}
