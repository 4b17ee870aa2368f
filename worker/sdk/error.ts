/**
 * Every way in which the SDK can fail, as a closed set of codes.
 *
 * Codes are for programs, messages for people: a message says what happened, to which id or URL,
 * and what to do where that is known.
 */

export type SchedulerErrorCode =
  /** The master said that the call itself is wrong (400, 413): sending it again cannot help. */
  | "INVALID_CALL"
  /** No or wrong credentials (401). */
  | "UNAUTHENTICATED"
  /** The caller may not do this (403). */
  | "FORBIDDEN"
  /** There is no live stream, or the call named one that another has replaced. */
  | "NOT_SUBSCRIBED"
  /** The master does not know the framework (any more); subscribing makes it known again. */
  | "FRAMEWORK_UNKNOWN"
  /** The answer to SUBSCRIBE was an ERROR event: the framework's description was refused. */
  | "REFUSED"
  /** Another instance has subscribed with this framework's id. */
  | "FAILED_OVER"
  /** The framework has been torn down, here or by an operator. */
  | "FRAMEWORK_REMOVED"
  /** What was asked for is not there (404): no master at this URL, no such agent or file. */
  | "NOT_FOUND"
  /** The master does not serve this call, or not in this form (405, 406, 415, 501). */
  | "UNSUPPORTED"
  /**
   * No answer: network failure, no leader (503), a failure of the master (5xx), too many calls
   * (429).
   */
  | "UNAVAILABLE"
  /** Nothing came on the stream for several heartbeat intervals. */
  | "HEARTBEAT_LOST"
  /** The master, or something in between, ended the stream. */
  | "STREAM_ENDED"
  /** The bytes that came are not what the protocol says. */
  | "PROTOCOL"
  /** The caller's signal was aborted. */
  | "ABORTED";

/** The codes after which the same thing may well succeed later. */
const RETRYABLE: ReadonlySet<SchedulerErrorCode> = new Set<SchedulerErrorCode>([
  "NOT_SUBSCRIBED",
  "FRAMEWORK_UNKNOWN",
  "UNAVAILABLE",
  "HEARTBEAT_LOST",
  "STREAM_ENDED",
  "PROTOCOL",
]);

export class SchedulerError extends Error {
  override readonly name = "SchedulerError";
  readonly code: SchedulerErrorCode;
  /** The HTTP status, when the master answered with one. */
  readonly status: number | undefined;

  constructor(
    code: SchedulerErrorCode,
    message: string,
    options: { readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.status = options.status;
  }

  /** True: trying again later may succeed. False: something has to be changed first. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code);
  }

  static is(error: unknown, code?: SchedulerErrorCode): error is SchedulerError {
    return error instanceof SchedulerError && (code === undefined || error.code === code);
  }
}

/** The code for an answer that is not a success. `body` is the master's sentence. */
export function codeOfStatus(status: number, body: string): SchedulerErrorCode {
  switch (status) {
    case 400:
      if (/framework cannot be found/i.test(body)) return "FRAMEWORK_UNKNOWN";
      return /stream[ -]?id/i.test(body) ? "NOT_SUBSCRIBED" : "INVALID_CALL";
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return /not subscribed/i.test(body) ? "NOT_SUBSCRIBED" : "FORBIDDEN";
    case 404:
      return "NOT_FOUND";
    case 405:
    case 406:
    case 415:
    case 501:
      return "UNSUPPORTED";
    case 408:
    case 425:
    case 429:
      return "UNAVAILABLE";
    default:
      return status >= 500 ? "UNAVAILABLE" : "INVALID_CALL";
  }
}

/** The code for the message of an ERROR event: what ended the stream. */
export function codeOfErrorEvent(message: string): SchedulerErrorCode {
  if (/failed over/i.test(message)) return "FAILED_OVER";
  if (/framework has been removed|torn down/i.test(message)) return "FRAMEWORK_REMOVED";
  return "REFUSED";
}
