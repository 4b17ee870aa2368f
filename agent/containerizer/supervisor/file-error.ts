/** Turns what Node throws for a failed file operation into a value. */
import type { FileError } from "../containerizer.ts";

/** The system's short name of a failure, like "ENOENT"; the message where it has none. */
export function errnoOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.message;
}

export function fileError(
  operation: string,
  path: string,
  cause: unknown,
  value?: string,
): FileError {
  return { code: "FILE_FAILED", operation, path, value, errno: errnoOf(cause) };
}
