/** An offer operation of an ACCEPT, carried out on what is left of the accepted offers. */
import { checkForm, operations } from "../../operation/index.ts";
import type { OperationType } from "../../operation/operation.ts";
import { describeOperationError } from "../../operation/operation-error.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { add, subtract } from "../../resources/algebra.ts";
import type { Resources } from "../../resources/resource.ts";
import { covers } from "../../resources/shared.ts";
import { formatResources } from "../../resources/text.ts";
import { rescindOffer } from "../offer/offer.ts";
import type { Pool } from "../offer/pool.ts";
import type { AgentRow, FrameworkRow } from "../rows.ts";
import type { Turn } from "../turn.ts";
import { applyOperation } from "./apply.ts";
import { forbiddenAction } from "./authorize.ts";
import { operationFacts } from "./facts.ts";
import { tell } from "./feedback.ts";
import { totalAfter } from "./total-after.ts";

/** What is wrong with the operation before anything is carried out, as a sentence. */
export function malformedOperation(
  type: OperationType,
  operation: mesos.OfferOperation,
  agent: AgentRow,
): string | undefined {
  const error = checkForm(type, operation);
  if (error !== undefined) return describeOperationError(error);
  if (operation.id === undefined) return undefined;
  const needed = ["RESOURCE_PROVIDER", "AGENT_OPERATION_FEEDBACK"] as const;
  const capability = needed.find((name) => !agent.capabilities.includes(name));
  if (capability === undefined) return undefined;
  return `${describeOperationError({ code: "AGENT_LACKS", capability })}, since it has an id`;
}

/** Returns what is left of the pool. A failed operation leaves it as it was. */
export function performOperation(
  turn: Turn,
  framework: FrameworkRow,
  operation: mesos.OfferOperation & { readonly type: OperationType },
  pool: Pool,
): Pool {
  const { type } = operation;
  const facts = operationFacts(turn.state, pool.agent, { framework, role: pool.role });
  const conversion = operations[type].convert(operation, facts);
  if (!conversion.ok) {
    const { id, hostname } = pool.agent;
    const what = describeOperationError(conversion.error);
    refuseOperation(turn, framework, operation, `${what}; on agent ${id} (${hostname})`);
    return pool;
  }
  const { consumed, converted } = conversion.value;
  const forbidden = forbiddenAction({ value: framework.principal }, type, conversion.value);
  if (forbidden !== undefined) {
    refuseOperation(turn, framework, operation, `Not authorized to ${forbidden}`);
    return pool;
  }
  if (!covers(pool.resources, consumed)) {
    const [left, needed] = [formatResources(pool.resources), formatResources(consumed)];
    const message = `The accepted offers have ${left} left, which does not contain ${needed}`;
    refuseOperation(turn, framework, operation, message);
    return pool;
  }
  const total = totalAfter(pool.agent, conversion.value);
  if (!total.ok) {
    refuseOperation(turn, framework, operation, describeOperationError(total.error));
    return pool;
  }
  if (type === "DESTROY") rescindOffersWith(turn, pool.agent, consumed);
  const agent = applyOperation(turn, pool.agent, {
    operation: withRole(operation, pool.role),
    total: total.value,
    framework,
  });
  const rest = subtract(pool.resources, consumed);
  const { usableAtOnce } = operations[type];
  return { ...pool, agent, resources: usableAtOnce ? add(rest, converted) : rest };
}

/** Told only by its id: an operation without one is refused silently. */
export function refuseOperation(
  turn: Turn,
  framework: FrameworkRow,
  operation: mesos.OfferOperation,
  message: string,
): void {
  if (operation.id === undefined) return;
  tell(turn, framework, { operation_id: operation.id, state: "OPERATION_ERROR", message });
}

/** A volume that is about to vanish is taken out of the hands of everybody. */
export function rescindOffersWith(turn: Turn, agent: AgentRow, volumes: Resources): void {
  for (const offer of turn.state.index.offersOfAgent(agent.id)) {
    const isIn = volumes.some((volume) => covers(offer.resources, [volume]));
    if (isIn) rescindOffer(turn, offer);
  }
}

/** Resources without an allocation role are given the offer's, as Mesos shows operations. */
function withRole(operation: mesos.OfferOperation, role: string): mesos.OfferOperation {
  const allocated = (resource: mesos.Resource): mesos.Resource => ({
    ...resource,
    allocation_info: { role },
  });
  const {
    reserve,
    unreserve,
    create,
    destroy,
    grow_volume: grow,
    shrink_volume: shrink,
  } = operation;
  return {
    ...operation,
    reserve: reserve && { ...reserve, resources: reserve.resources?.map(allocated) },
    unreserve: unreserve && { ...unreserve, resources: unreserve.resources?.map(allocated) },
    create: create && { ...create, volumes: create.volumes?.map(allocated) },
    destroy: destroy && { ...destroy, volumes: destroy.volumes?.map(allocated) },
    grow_volume: grow && { volume: allocated(grow.volume), addition: allocated(grow.addition) },
    shrink_volume: shrink && { ...shrink, volume: allocated(shrink.volume) },
  };
}
