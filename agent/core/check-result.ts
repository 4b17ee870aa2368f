/** What making a check came to. */

/** A CheckInfo and a HealthCheck of one task are made apart from each other. */
export type CheckKind = "CHECK" | "HEALTH";

export type CheckResult =
  | { readonly kind: "EXIT_CODE"; readonly code: number }
  | { readonly kind: "STATUS_CODE"; readonly code: number }
  /** `why`: of a connection that did not succeed. */
  | { readonly kind: "CONNECTION"; readonly succeeded: boolean; readonly why?: string }
  /** It came to nothing: it took too long, or could not be made. `why`: continues a sentence. */
  | { readonly kind: "NONE"; readonly why: string };
