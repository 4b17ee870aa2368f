/** The refusals of calls about containers: Mesos' HTTP numbers (http-semantics 9.2, 9.3). */
import { unreachable } from "../../worker/std/assert.ts";
import { chainText } from "../shell/containers/chain.ts";
import type { ContainerCallError } from "../shell/containers/client-container.ts";
import { type Answer, textAnswer } from "./respond.ts";

export function containerRefused(error: ContainerCallError): Answer {
  return textAnswer(statusOf(error), sentenceOf(error));
}

function statusOf(error: ContainerCallError): number {
  switch (error.code) {
    case "CONTAINER_NOT_FOUND":
    case "CONTAINER_NOT_RUNNING":
      return 404;
    case "PARENT_NOT_FOUND":
    case "PARENT_NOT_RUNNING":
    case "RESOURCES_MISSING":
    case "SIGNAL_UNKNOWN":
    case "NO_TERMINAL":
      return 400;
    case "INPUT_TAKEN":
      return 409;
    case "CONTAINER_STILL_RUNS":
    case "CONTAINER_OF_TASK":
    case "NO_INPUT":
    case "INPUT_BROKEN":
      return 500;
    case "TOO_MANY_CONTAINERS":
      return 503;
    case "LAUNCH_FAILED":
      return error.fault === "CLIENT" ? 400 : 500;
    default:
      return unreachable(error);
  }
}

function sentenceOf(error: ContainerCallError): string {
  if ("chain" in error) return ofContainer(error, `Container ${chainText(error.chain)}`);
  switch (error.code) {
    case "SIGNAL_UNKNOWN":
      return `There is no signal ${error.signal}; give the number of one, such as 15 for SIGTERM.`;
    case "TOO_MANY_CONTAINERS":
      return (
        `This agent runs at most ${error.limit} containers for clients at a time. ` +
        "Kill one, or wait for its end."
      );
    case "LAUNCH_FAILED":
      return `The container was not launched: ${error.why}.`;
    default:
      return unreachable(error);
  }
}

type OfContainer = Extract<ContainerCallError, { readonly chain: unknown }>;

function ofContainer(error: OfContainer, container: string): string {
  switch (error.code) {
    case "CONTAINER_NOT_FOUND":
      return `${container} cannot be found on this agent. GET_CONTAINERS lists those there are.`;
    case "CONTAINER_NOT_RUNNING":
      return `${container} does not run any more, or not yet. WAIT_CONTAINER tells how it ended.`;
    case "PARENT_NOT_FOUND":
      return `${container}, to launch in, cannot be found on this agent. GET_CONTAINERS lists some.`;
    case "PARENT_NOT_RUNNING":
      return `${container}, to launch in, does not run. Launch in one that does.`;
    case "RESOURCES_MISSING":
      return `${container} has no parent, so it needs 'resources' of its own. Say how much.`;
    case "NO_TERMINAL":
      return `${container} has no terminal to give a size to; launch it with 'tty_info'.`;
    case "INPUT_TAKEN":
      return `${container} has a client attached to its input already. Wait until that one leaves.`;
    case "CONTAINER_STILL_RUNS":
      return `${container} still runs. Kill it, wait for its end, then remove it.`;
    case "CONTAINER_OF_TASK":
      return `${container} is a task's or an executor's; the agent removes it with that.`;
    case "NO_INPUT":
      return (
        `${container} reads no input: it was launched without 'tty_info', ` +
        "and not by LAUNCH_NESTED_CONTAINER_SESSION."
      );
    case "INPUT_BROKEN":
      return `${container} takes no more input (${error.errno}): its command has closed it.`;
    default:
      return unreachable(error);
  }
}
