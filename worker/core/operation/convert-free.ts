/**
 * Operations of operators: on what is free of an agent, or becomes free when offers of it are
 * rescinded (http-semantics 8.2).
 */
import { checkForm, operations } from "../../operation/index.ts";
import type { OperationType } from "../../operation/operation.ts";
import type { OperationError } from "../../operation/operation-error.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { add, common, isEmpty, subtract } from "../../resources/algebra.ts";
import type { Resources } from "../../resources/resource.ts";
import { covers, leftOf } from "../../resources/shared.ts";
import { assert } from "../../std/assert.ts";
import type { CallError } from "../call-error.ts";
import { DEFAULT_REFUSE_MS } from "../constants.ts";
import { addFilter } from "../offer/filter.ts";
import { rescindOffer } from "../offer/offer.ts";
import type { AgentRow } from "../rows.ts";
import { reply, type Turn } from "../turn.ts";
import { applyOperation } from "./apply.ts";
import { forbiddenAction } from "./authorize.ts";
import { operationFacts } from "./facts.ts";
import { rescindOffersWith } from "./perform.ts";
import { totalAfter } from "./total-after.ts";

/** Why an operator's operation was refused; part of `CallError`. */
export type ConversionError =
  /** Wrong by itself, whatever it is asked of. */
  | { readonly code: "OPERATION_MALFORMED"; readonly reason: OperationError }
  | {
      readonly code: "OPERATION_INVALID";
      readonly agentId: string;
      readonly reason: OperationError;
    }
  /** Other operations and tasks have it, and rescinding every offer was not enough. */
  | {
      readonly code: "RESOURCES_NOT_FREE";
      readonly agentId: string;
      readonly free: Resources;
      readonly needed: Resources;
    };

/** Carries out the operation, and answers. */
export function convertFree(
  turn: Turn,
  agentId: string,
  operation: mesos.OfferOperation & { readonly type: OperationType },
): void {
  const { type } = operation;
  const refuse = (error: CallError): void => reply(turn, { type: "REFUSED", error });
  const malformed = checkForm(type, operation);
  if (malformed !== undefined) {
    refuse({ code: "OPERATION_MALFORMED", reason: malformed });
    return;
  }
  const agent = turn.state.tables.agent.get(agentId);
  if (agent?.connection.state !== "CONNECTED") {
    refuse({ code: "AGENT_UNKNOWN", agentId });
    return;
  }
  const facts = operationFacts(turn.state, agent, { principal: turn.principal.value });
  const conversion = operations[type].convert(operation, facts);
  if (!conversion.ok) {
    refuse({ code: "OPERATION_INVALID", agentId, reason: conversion.error });
    return;
  }
  const forbidden = forbiddenAction(turn.principal, type, conversion.value);
  if (forbidden !== undefined) {
    refuse({ code: "NOT_AUTHORIZED", action: forbidden });
    return;
  }
  const needed = conversion.value.consumed;
  const free = freeWithoutOffers(turn, agent);
  if (!covers(free, needed)) {
    refuse({ code: "RESOURCES_NOT_FREE", agentId, free, needed });
    return;
  }
  const total = totalAfter(agent, conversion.value);
  if (!total.ok) {
    refuse({ code: "OPERATION_INVALID", agentId, reason: total.error });
    return;
  }
  if (type === "DESTROY") rescindOffersWith(turn, agent, needed);
  makeFree(turn, agent, needed);
  reply(turn, { type: "ACCEPTED" });
  applyOperation(turn, agent, { operation, total: total.value });
}

/** What would be free if every offer were rescinded: when that is not enough, none is. */
function freeWithoutOffers(turn: Turn, agent: AgentRow): Resources {
  const { allocation, index } = turn.state;
  const offers = index.offersOfAgent(agent.id);
  const offered = offers.reduce<Resources>((sum, offer) => add(sum, offer.resources), []);
  const kept = subtract(allocation.held(agent.id), offered);
  return covers(agent.total, kept) ? leftOf(agent.total, kept) : [];
}

/**
 * Rescinds offers one after the other until `needed` is free. Their frameworks are offered the same
 * again no sooner than 5 s later, as in Mesos, so that what is left is not snatched away meanwhile.
 */
function makeFree(turn: Turn, agent: AgentRow, needed: Resources): void {
  const isFree = (): boolean => {
    const free = turn.state.allocation.free(agent);
    return free !== undefined && covers(free, needed);
  };
  for (const offer of turn.state.index.offersOfAgent(agent.id)) {
    if (isFree()) return;
    if (isEmpty(common(offer.resources, needed))) continue;
    rescindOffer(turn, offer);
    const refused = offer.resources;
    addFilter(turn, offer, { refused, durationMs: DEFAULT_REFUSE_MS, cause: "LEFT_OVER" });
  }
  assert(isFree(), "without any offer it was free");
}
