/**
 * The contract of an offer operation that makes resources of resources: one file each, listed in
 * `index.ts`. (LAUNCH and LAUNCH_GROUP use resources up and belong to the master.)
 *
 * Rules that every operation keeps (the contract suite runs over the table):
 * 1. What it consumes and what it makes have the same quantities of every name.
 * 2. It decides by the operation and the facts alone, and names the first thing that is wrong.
 * 3. Whether the resources are there is not its question: whoever has the pool compares.
 */
import type * as mesos from "../protocol/v1/mesos.ts";
import type { Conversion } from "../resources/conversion.ts";
import type { Resources } from "../resources/resource.ts";
import type { Result } from "../std/result.ts";
import type { OperationError } from "./operation-error.ts";

export type OperationType = Exclude<
  mesos.OfferOperationType,
  "UNKNOWN" | "LAUNCH" | "LAUNCH_GROUP"
>;

/** What decides about an operation beside its own words. */
export interface OperationFacts {
  /** Who asks with offers; absent: an operator, who asks for what is free. */
  readonly framework?: {
    /** The role that the accepted offers are allocated to. */
    readonly role: string;
    readonly roles: readonly string[];
    readonly capabilities: readonly mesos.FrameworkInfoCapabilityType[];
  };
  /** Absent: no credentials are configured, so anybody may be named. */
  readonly principal?: string;
  readonly agentCapabilities: readonly mesos.AgentInfoCapabilityType[];
  /** All that the agent has. */
  readonly total: Resources;
  /** What tasks and executors on the agent use; offers do not count. */
  readonly used: Resources;
}

export interface OperationModule {
  /**
   * Whether what it makes may be used by a later operation of the same ACCEPT. Otherwise it is
   * offered afterwards.
   */
  readonly usableAtOnce: boolean;
  /** The resource messages in it. Undefined: the part with the operation's name is missing. */
  readonly named: (operation: mesos.OfferOperation) => readonly mesos.Resource[] | undefined;
  /** Called with well-formed resources only (`checkForm`). */
  readonly convert: (
    operation: mesos.OfferOperation,
    facts: OperationFacts,
  ) => Result<Conversion, OperationError>;
}
