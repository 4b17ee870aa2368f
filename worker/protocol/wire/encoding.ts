/** The two encodings of a message, by their media types. */
export type MessageEncoding = "application/json" | "application/x-protobuf";
