/** The system's short name of a failure, like "ENOENT"; its message where it has none. */
export function errnoOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.message;
}
