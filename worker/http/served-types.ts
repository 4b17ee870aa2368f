/** What the master reads and writes today, out of what the API allows. */
import type { MediaType } from "./negotiation.ts";

export const servedTypes: readonly MediaType[] = ["application/json"];
