/**
 * The Worker's bindings as the platform hands them over: nothing here is checked, `config.ts` does
 * that.
 */
import type { Variables } from "./config.ts";

export interface Env extends Variables {
  readonly MASTER: DurableObjectNamespace;
  readonly RELAY: DurableObjectNamespace;
  /** The folder that wrangler.toml names; `rimrock start` serves its own agent there. */
  readonly ASSETS?: Fetcher;
}
