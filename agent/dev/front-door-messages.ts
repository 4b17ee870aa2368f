/** What the supervisor and the front door's process say to each other, over Node's IPC channel. */
import type { ProcessIdentity } from "./process-identity.ts";

export type ToFrontDoor =
  /** First of all: where to listen. */
  | { readonly kind: "LISTEN"; readonly host: string; readonly port: number }
  /** Where workerd listens, on the loopback interface, and what opens it the front door's route. */
  | { readonly kind: "UPSTREAM"; readonly port: number; readonly key: string }
  /** What to clean up should the supervisor die; replaces the list before. */
  | { readonly kind: "WARDS"; readonly wards: readonly Ward[] };

export type FromFrontDoor =
  | { readonly kind: "LISTENING"; readonly port: number }
  | { readonly kind: "FAILED"; readonly errno: string };

/**
 * A process that must not outlive the supervisor, as a second line behind its own means.
 *
 * `sweep`: arguments of Node for a process that ends what a dead ward has left running; with no
 * stdin it does that and ends.
 */
export interface Ward {
  readonly name: string;
  /** Undefined while the supervisor is starting it again. */
  readonly identity?: ProcessIdentity;
  readonly sweep?: readonly string[];
}
