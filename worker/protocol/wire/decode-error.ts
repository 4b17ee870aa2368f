/**
 * Why bytes are not the message they should be: codes and facts, and the one place that makes
 * sentences of them. HTTP status numbers are made in `http/`; each of these is a 400 but the `TOO_`
 * ones, which are a 413.
 *
 * `path` is where in the message, as a client would write it: `accept.operations[0].launch`; "" is
 * the message itself. Texts of the client are cut to `QUOTED_LENGTH` before they get here.
 */
import { unreachable } from "../../std/assert.ts";

export type DecodeError =
  /** Not JSON. `offset`: UTF-16 code units from the start. `expected`: a noun phrase. */
  | { readonly code: "JSON_MALFORMED"; readonly offset: number; readonly expected: string }
  | { readonly code: "JSON_TOO_LONG"; readonly length: number; readonly limit: number }
  | { readonly code: "JSON_TOO_DEEP"; readonly offset: number; readonly limit: number }
  | { readonly code: "JSON_TOO_MANY_VALUES"; readonly offset: number; readonly limit: number }
  | { readonly code: "PROTOBUF_TOO_LONG"; readonly length: number; readonly limit: number }
  /**
   * Not protobuf. `offset`: bytes from the start; `path`: of the innermost message around it.
   * `expected`: a noun phrase.
   */
  | {
      readonly code: "PROTOBUF_MALFORMED";
      readonly path: string;
      readonly offset: number;
      readonly expected: string;
    }
  | { readonly code: "PROTOBUF_TOO_DEEP"; readonly path: string; readonly limit: number }
  | { readonly code: "PROTOBUF_TOO_MANY_VALUES"; readonly path: string; readonly limit: number }
  /** `expected` and `found`: a kind of JSON value ("object", "string holding a number"). */
  | {
      readonly code: "WRONG_TYPE";
      readonly path: string;
      readonly expected: string;
      readonly found: string;
    }
  /** A string where a number is meant, which holds none. */
  | { readonly code: "NUMBER_MALFORMED"; readonly path: string; readonly text: string }
  /**
   * A number with a fraction, or too big to be exact as it is written, where an integer is meant.
   */
  | { readonly code: "NUMBER_NOT_INTEGER"; readonly path: string; readonly text: string }
  | {
      readonly code: "NUMBER_OUT_OF_RANGE";
      readonly path: string;
      readonly type: string;
      readonly text: string;
    }
  | {
      readonly code: "ENUM_UNKNOWN";
      readonly path: string;
      readonly enumName: string;
      readonly text: string;
    }
  | {
      readonly code: "BASE64_MALFORMED";
      readonly path: string;
      /** The bad character; "" when the text ends in the middle of a byte. */
      readonly character: string;
    }
  /** Bytes that are no UTF-8 where a string is meant. */
  | { readonly code: "TEXT_NOT_UTF8"; readonly path: string }
  /** NaN in a required field; in an optional one it says nothing. */
  | { readonly code: "NUMBER_IS_NAN"; readonly path: string }
  /** Half of a surrogate pair: no Unicode text, so it could be neither stored nor sent on. */
  | { readonly code: "TEXT_MALFORMED"; readonly path: string }
  /** The key `__proto__` of a map, which would be a trap for whoever copies the map. */
  | { readonly code: "MAP_KEY_REFUSED"; readonly path: string; readonly key: string }
  /** `paths`: at least one, at most `MISSING_FIELDS_NAMED`; `more`: how many others. */
  | {
      readonly code: "REQUIRED_MISSING";
      readonly paths: readonly string[];
      readonly more: number;
    };

/** One or two sentences: what is wrong, where, and what to send instead. */
export function describeDecodeError(error: DecodeError): string {
  if ("path" in error) {
    const place = error.path === "" ? "The body" : `Field '${error.path}'`;
    return `${place} ${describeFault(error)}.`;
  }
  switch (error.code) {
    case "JSON_MALFORMED": {
      const { offset, expected } = error;
      return `The body is not JSON: at character ${offset} there should be ${expected}.`;
    }
    case "JSON_TOO_LONG":
      return `The JSON is longer than ${error.limit} characters. Send it in several calls.`;
    case "JSON_TOO_DEEP":
      return `The JSON is nested more than ${error.limit} deep. Send a flatter message.`;
    case "JSON_TOO_MANY_VALUES":
      return `The JSON has more than ${error.limit} values. Send it in several calls.`;
    case "PROTOBUF_TOO_LONG":
      return `The message is longer than ${error.limit} bytes. Send it in several calls.`;
    case "REQUIRED_MISSING": {
      const names = error.paths.join(", ") + (error.more > 0 ? ` and ${error.more} more` : "");
      return `Missing required fields: ${names}. Set them and send the message again.`;
    }
    default:
      return unreachable(error);
  }
}

/** What is said of the place, without its full stop. */
function describeFault(error: Extract<DecodeError, { readonly path: string }>): string {
  switch (error.code) {
    case "WRONG_TYPE":
      return `should be ${article(error.expected)}, not ${article(error.found)}`;
    case "NUMBER_MALFORMED":
      return `should be a number, but the string '${error.text}' holds none`;
    case "NUMBER_NOT_INTEGER":
      return `should be an integer without fraction or exponent, not ${error.text}`;
    case "NUMBER_OUT_OF_RANGE":
      return `is out of range: ${error.text} does not fit into ${article(error.type)}`;
    case "ENUM_UNKNOWN":
      return `should be a name of ${error.enumName}; there is none called '${error.text}'`;
    case "BASE64_MALFORMED":
      return error.character === ""
        ? "should be base64, but ends in the middle of a byte"
        : `should be base64, in which there is no character '${error.character}'`;
    case "TEXT_MALFORMED":
      return "holds half of a surrogate pair; send whole Unicode characters";
    case "PROTOBUF_MALFORMED":
      return `is not protobuf: at byte ${error.offset} there should be ${error.expected}`;
    case "PROTOBUF_TOO_DEEP":
      return `is nested more than ${error.limit} deep; send a flatter message`;
    case "PROTOBUF_TOO_MANY_VALUES":
      return `goes beyond the ${error.limit} values of one message; send it in several calls`;
    case "TEXT_NOT_UTF8":
      return "holds bytes that are not UTF-8 text";
    case "NUMBER_IS_NAN":
      return "should be a number, not NaN";
    case "MAP_KEY_REFUSED":
      return `has the key '${error.key}', which is not accepted; choose another name`;
    default:
      return unreachable(error);
  }
}

function article(noun: string): string {
  if (noun === "null") return noun;
  return `${/^[aeio]/.test(noun) ? "an" : "a"} ${noun}`;
}
