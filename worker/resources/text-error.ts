/** Why the text of resources or attributes is refused: codes and facts, and their sentences. */
import { type DecodeError, describeDecodeError } from "../protocol/wire/decode-error.ts";
import { unreachable } from "../std/assert.ts";
import {
  describeFault,
  describeResourceError,
  type ResourceError,
  type ResourceFault,
} from "./resource-error.ts";

/** `piece`: one part between two `;`, as written. */
export type TextError =
  | { readonly code: "COLON_MISSING"; readonly piece: string }
  | { readonly code: "NAME_MALFORMED"; readonly piece: string }
  | { readonly code: "VALUE_MALFORMED"; readonly piece: string }
  | { readonly code: "RANGES_MALFORMED"; readonly piece: string }
  | { readonly code: "SET_MALFORMED"; readonly piece: string }
  | { readonly code: "ATTRIBUTE_EMPTY"; readonly piece: string }
  | { readonly code: "ATTRIBUTE_IS_SET"; readonly piece: string }
  | { readonly code: "ATTRIBUTE_INVALID"; readonly name: string; readonly fault: ResourceFault }
  | { readonly code: "JSON_INVALID"; readonly error: DecodeError }
  | { readonly code: "RESOURCE_INVALID"; readonly error: ResourceError };

export function describeTextError(error: TextError): string {
  switch (error.code) {
    case "COLON_MISSING":
      return `'${error.piece}' has no ':'; write name:value`;
    case "NAME_MALFORMED":
      return `'${error.piece}' does not begin with a name; write name:value or name(role):value`;
    case "VALUE_MALFORMED":
      return `'${error.piece}' has no valid amount; write a number, [begin-end,...] or {item,...}`;
    case "RANGES_MALFORMED":
      return `'${error.piece}' has malformed ranges; write [begin-end,begin-end] with whole numbers`;
    case "SET_MALFORMED":
      return `'${error.piece}' has a malformed set; write {item,item}`;
    case "ATTRIBUTE_EMPTY":
      return `'${error.piece}' has no value; write name:value`;
    case "ATTRIBUTE_IS_SET":
      return `'${error.piece}' is a set, which attributes cannot be; write text, a number or ranges`;
    case "ATTRIBUTE_INVALID":
      return `attribute '${error.name}' ${describeFault(error.fault)}`;
    case "JSON_INVALID":
      return `the JSON list of resources is not in order: ${describeDecodeError(error.error)}`;
    case "RESOURCE_INVALID":
      return describeResourceError(error.error);
    default:
      return unreachable(error);
  }
}
