/** What is read and written where, the preferred encoding first. */
import type { MessageEncoding } from "../protocol/wire/encoding.ts";

/** The scheduler API and the operator API of the master. */
export const masterTypes: readonly MessageEncoding[] = [
  "application/json",
  "application/x-protobuf",
];

/** What reaches agents, and what they send: the link is ours, and its messages are JSON. */
export const linkTypes: readonly "application/json"[] = ["application/json"];
