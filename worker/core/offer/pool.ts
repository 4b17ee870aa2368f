import type { Resources } from "../../resources/resource.ts";
import type { AgentRow } from "../rows.ts";

/**
 * What is left of accepted offers while their operations are carried out, and the one agent and
 * role that all of them are of. A shared volume is in it once, and stays there when a task uses it.
 */
export interface Pool {
  readonly agent: AgentRow;
  readonly role: string;
  readonly resources: Resources;
}
