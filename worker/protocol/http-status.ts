/** The HTTP status of what master and agents refuse alike before they look at a call. */
import { unreachable } from "../std/assert.ts";
import type { NegotiationError } from "./negotiation.ts";
import type { DecodeError } from "./wire/decode-error.ts";

export function negotiationStatus(error: NegotiationError): number {
  switch (error.code) {
    case "CONTENT_TYPE_MISSING":
      return 400;
    case "CONTENT_TYPE_NOT_SUPPORTED":
      return 415;
    case "NOTHING_ACCEPTABLE":
      return 406;
    default:
      return unreachable(error);
  }
}

export function decodeStatus(error: DecodeError): number {
  switch (error.code) {
    case "JSON_TOO_LONG":
    case "JSON_TOO_DEEP":
    case "JSON_TOO_MANY_VALUES":
    case "PROTOBUF_TOO_LONG":
    case "PROTOBUF_TOO_DEEP":
    case "PROTOBUF_TOO_MANY_VALUES":
      return 413;
    default:
      return 400;
  }
}
