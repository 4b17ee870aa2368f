/** What every route of the edge finds in its context. */
import type { Context } from "hono";
import type { Principal } from "../core/input.ts";
import type { Cluster } from "../ports.ts";

export interface EdgeEnv {
  readonly Variables: { principal: Principal; cluster: Cluster };
}

export type EdgeContext = Context<EdgeEnv>;
