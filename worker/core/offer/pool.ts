import type { Resources } from "../../resources/resource.ts";
import type { AgentRow } from "../rows.ts";

/** The one agent and role all accepted offers belong to, and what they hold together. */
export interface Pool {
  readonly agent: AgentRow;
  readonly role: string;
  readonly resources: Resources;
}
