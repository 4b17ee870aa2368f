/** Status numbers and sentences for operators' operations on resources; part of `respond.ts`. */
import type { CallError } from "../core/call-error.ts";
import type { ConversionError } from "../core/operation/convert-free.ts";
import { describeOperationError } from "../operation/operation-error.ts";
import { formatResources } from "../resources/text.ts";
import { unreachable } from "../std/assert.ts";

const statuses: { readonly [C in ConversionError["code"]]: number } = {
  OPERATION_MALFORMED: 400,
  OPERATION_INVALID: 400,
  RESOURCES_NOT_FREE: 409,
};

export function isConversionError(error: CallError): error is ConversionError {
  return Object.hasOwn(statuses, error.code);
}

export function conversionStatus(error: ConversionError): number {
  return statuses[error.code];
}

export function describeConversionError(error: ConversionError): string {
  switch (error.code) {
    case "OPERATION_MALFORMED":
      return `Failed to validate master::Call: ${describeOperationError(error.reason)}.`;
    case "OPERATION_INVALID":
      return `Agent ${error.agentId}: ${describeOperationError(error.reason)}.`;
    case "RESOURCES_NOT_FREE": {
      const [free, needed] = [formatResources(error.free), formatResources(error.needed)];
      return (
        `Agent ${error.agentId} has ${free} free, also without offers, which does not contain ` +
        `${needed}. End tasks on it, or ask for less.`
      );
    }
    default:
      return unreachable(error);
  }
}
