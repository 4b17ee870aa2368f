/** How the agent's connections leave the machine, as far as images need to know. */
import type { Agent } from "node:http";

/** `agent/outward` is one: proxies and certificates as the operator has set them. */
export interface ImageOutward {
  agentFor(url: URL): Agent;
}
